"""JSON in, strictly: size, encoding, depth, duplicate members, NUL and lone surrogates are refused with a reason."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

MAX_DEPTH = 12
MAX_MEMBERS = 100  # five times what the largest object we take has; each unknown one costs an entry in the answer


class PayloadTooLarge(APIException):
    status_code = 413
    default_code = "too_large"


class LengthRequired(APIException):
    status_code = 411
    default_code = "length_required"
    default_detail = "Send the body with a Content-Length, not in chunks."


def require_length(request: Request) -> None:
    """Refuse a body sent in chunks: Django reads none of it, and a lead would look like an empty object."""
    if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
        raise LengthRequired


class StrictJSONParser(BaseParser):
    """Parses ``application/json`` bodies of at most ``API_MAX_BODY_BYTES``."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit: int = settings.API_MAX_BODY_BYTES
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise PayloadTooLarge(f"The body is larger than {limit // 1024 // 1024} MiB.")
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ParseError(f"The body is not UTF-8 (byte {error.start}).") from error
        try:
            data = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_members)
        except json.JSONDecodeError as error:
            raise ParseError(
                f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
            ) from error
        except RecursionError as error:
            raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.") from error
        except ValueError as error:  # integers of thousands of digits
            raise ParseError(f"The body holds a number that is too long: {error}.") from error
        _check(data, depth=1, pointer="")
        return data


def _refuse_constant(name: str) -> NoReturn:
    raise ParseError(f"{name} is not JSON.")


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_MEMBERS:
        raise ParseError(f"An object of the body has more than {MAX_MEMBERS} members.")
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ParseError(f"Member {name[:80]!r} is given twice.")
        members[name] = value
    return members


def _check(value: Any, *, depth: int, pointer: str) -> None:
    """Refuse what a database or a log could not hold: deep nesting, NUL characters, lone surrogates."""
    if depth > MAX_DEPTH:
        raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, str):
        _check_text(value, pointer)
    elif isinstance(value, float) and not math.isfinite(value):  # 1e999 is JSON, but no database would take it
        raise ParseError(f"{pointer or 'The body'} holds a number that is too large.")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name, pointer)
            _check(inner, depth=depth + 1, pointer=f"{pointer}/{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check(inner, depth=depth + 1, pointer=f"{pointer}/{index}")


def _check_text(text: str, pointer: str) -> None:
    if "\0" in text:
        raise ParseError(f"{pointer or 'The body'} holds a NUL character.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ParseError(f"{pointer or 'The body'} holds half a surrogate pair.")
