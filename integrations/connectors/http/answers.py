"""Reading answers: bodies up to a limit, JSON that a database can store, the vendor's words, times of headers."""

import email.utils
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from ..errors import Outage

_ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
UNREADABLE: Any = object()
"""Stands for a body that cannot be read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: the decoded JSON (None for an empty body) and the server's clock."""

    status: int
    payload: Any
    headers: Mapping[str, str] = field(repr=False)
    date: datetime | None


def read_body(response: requests.Response, most: int, where: str) -> None:
    """Take in the decoded body; `Outage` past `most` bytes, `where` names the call in its message."""
    parts, size = [], 0
    try:
        for chunk in response.iter_content(65536):
            size += len(chunk)
            if size > most:
                raise Outage(f"{where} answered more than {most} bytes.", code="too_large", unclear=True)
            parts.append(chunk)
    except BaseException:
        response.close()
        raise
    response._content = b"".join(parts)


def decoded(response: requests.Response) -> Any:
    """The JSON value, None for an empty body that claims nothing, or the mark for what cannot be read."""
    if not response.content:
        return None if response.status_code == 204 else UNREADABLE
    if "html" in response.headers.get("Content-Type", "").lower():
        return UNREADABLE
    try:
        return read_json(response.content)
    except (ValueError, RecursionError):
        return UNREADABLE


def read_json(content: bytes) -> Any:
    """The value without characters that no database stores: NUL and lone surrogates, which JSON can spell.

    Raises ValueError and RecursionError.
    """
    value = json.loads(content)
    return _storable(value) if _ESCAPED.search(content) else value


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(each) for name, each in value.items()}
    return value


def told_in(payload: Any) -> tuple[str, str, str]:
    """Code, message and field in the CRM's words, if it used the shape `{"error": {…}}`; cut to a sane
    length."""
    error = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(error, dict):
        return "", "", ""
    return (
        str(error.get("code", ""))[:80],
        str(error.get("message", ""))[:300],
        str(error.get("field") or "")[:80],
    )


def transport_code(failed: Exception) -> str:
    """timeout, broken (half an answer) or reset."""
    text = repr(failed)
    if isinstance(failed, requests.Timeout) or "ReadTimeout" in text or "timed out" in text:
        return "timeout"
    return "broken" if "IncompleteRead" in text or "ContentDecoding" in text else "reset"


def retry_after(headers: Mapping[str, str], now: Callable[[], datetime]) -> timedelta | None:
    """Retry-After as seconds or as a date (against the server's own Date), at least a second, at most a day."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        wait = timedelta(seconds=float(text))
    elif moment := date_of(text):
        wait = moment - (date_of(headers.get("Date")) or now())
    else:
        return None
    return min(max(wait, timedelta(seconds=1)), timedelta(days=1))


def date_of(text: str | None) -> datetime | None:
    """A header's date in UTC; None for what is none."""
    try:
        moment = email.utils.parsedate_to_datetime(text or "")
    except (ValueError, TypeError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
