"""Errors as problem documents (RFC 9457) that name the member at fault."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from leads.past.settled import NotSettled

CONTENT_TYPE = "application/problem+json"
_EXPECTED: Mapping[int, type[exceptions.APIException]] = {
    400: exceptions.ParseError,
    403: exceptions.PermissionDenied,
    404: exceptions.NotFound,
}
log = structlog.get_logger(__name__)


def problem(
    status: int,
    detail: str,
    *,
    title: str = "",
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document response; ``errors`` are ``{"pointer", "code", "detail"}`` with JSON pointers."""
    return Response(_body(status, detail, title, errors), status=status, content_type=CONTENT_TYPE, headers=headers)


def plain_problem(status: int, detail: str = "", *, headers: Mapping[str, str] | None = None) -> JsonResponse:
    """The same for what failed outside the API's own views, such as an address that leads nowhere."""
    body = _body(status, detail or str(_EXPECTED.get(status, exceptions.APIException)().detail))
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)


def _body(status: int, detail: str, title: str = "", errors: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return {**body, "errors": list(errors)} if errors else body


def invalid(errors: Sequence[Mapping[str, str]], status: int = 422) -> dict[str, Any]:
    """The body of a problem document about members at fault."""
    first = errors[0] if errors else {"pointer": "", "detail": "Invalid."}
    where = f"{first['pointer']}: " if first["pointer"] else ""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return {**_body(status, f"{where}{first['detail']}{more}", "Invalid request"), "errors": list(errors)}


def flatten(detail: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """Turn DRF's nested error details into a flat list with JSON pointers."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from flatten(inner, pointer if name == "non_field_errors" else f"{pointer}/{_escape(str(name))}")
    elif isinstance(detail, list):
        # A list of texts is several errors of one member; a list with mappings is one entry per list item.
        has_items = any(isinstance(item, Mapping | list) for item in detail)
        for index, inner in enumerate(detail):
            yield from flatten(inner, f"{pointer}/{index}" if has_items else pointer)
    else:
        yield {"pointer": pointer, "code": str(getattr(detail, "code", "invalid")), "detail": str(detail)}


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


class PreconditionFailed(exceptions.APIException):
    """What an ``If-Match`` named is no more."""

    status_code = 412
    default_code = "changed_meanwhile"


class Unavailable(exceptions.APIException):
    """The same request may succeed in ``wait`` seconds."""

    status_code = 503
    default_code = "unavailable"
    wait: int


class DatabaseUnavailable(Unavailable):
    default_detail = "The database is away or busy. Try again; an event sent twice counts once."
    wait = 5


class StillSaving(Unavailable):
    default_detail = "Changes of that moment are still being saved. Try again."
    wait = 1


def unavailable(error: BaseException | None) -> Unavailable | None:
    """What an error says about the database being away or busy, for pages and the API; None for any other error."""
    if isinstance(error, NotSettled):
        return StillSaving()
    # SQLite reports mistakes in a statement, such as a missing table, by the same class: they would never succeed.
    if isinstance(error, OperationalError) and not _is_mistake(error.__cause__):
        return DatabaseUnavailable()
    return None


def _is_mistake(cause: BaseException | None) -> bool:
    return isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


def retry_after(wait: float) -> str:
    """The header's value for so many seconds: whole ones, never too few."""
    return str(int(wait) + 1)


def problem_response(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler: every expected error becomes a problem document; unexpected ones stay errors."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif passing := unavailable(error):
        log.exception("database_unavailable")
        error = passing
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    headers: dict[str, str] = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = retry_after(wait)
    if isinstance(error, exceptions.ValidationError):
        body = invalid(list(flatten(error.detail)), error.status_code)
        return Response(body, status=error.status_code, content_type=CONTENT_TYPE, headers=headers)
    return problem(error.status_code, str(error.detail), headers=headers)
