"""Error pages: problem documents below /api/, pages elsewhere, which keep the navigation for who is signed in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme

from leads.api.problems import plain_problem, retry_after, unavailable

NOT_ALLOWED = 405
UNAVAILABLE = 503


def _error(
    request: HttpRequest,
    status: int,
    why: str = "",
    *,
    template: str = "",
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    if request.path.startswith("/api/"):
        return plain_problem(status, why if status == UNAVAILABLE else "", headers=headers)
    request.is_error = True  # type: ignore[attr-defined]  # pages of the admin get the navigation, too
    context = {"why": why, "back": _back(request)}
    page = render(request, template or f"{status}.html", context, status=status)
    for name, value in (headers or {}).items():
        page[name] = value
    return page


def _back(request: HttpRequest) -> str:
    """The page of ours that led here, or the home page."""
    back = request.META.get("HTTP_REFERER", "")
    try:
        is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()})
    except DisallowedHost:
        is_ours = False
    return back if is_ours else "/"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 403, str(exception or ""))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is missing or old."""
    return _error(request, 403, template="403_csrf.html")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """An error that no view caught: 503 while the database is away or busy, else 500."""
    passing = unavailable(sys.exception())
    status, why = (UNAVAILABLE, str(passing.detail)) if passing else (500, "")
    headers = {"Retry-After": retry_after(passing.wait)} if passing else {}
    try:
        return _error(request, status, why, headers=headers)
    except Exception:  # what failed may be what the navigation needs, such as the database
        return HttpResponse(render_to_string(f"{status}.html"), status=status, headers=headers)


class NotAllowedPages:
    """Middleware: Django answers a wrong HTTP method with an empty page; ours says so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != NOT_ALLOWED or response.content or request.path.startswith(("/api/", "/webhooks/")):
            return response
        page = _error(request, NOT_ALLOWED)
        page["Allow"] = response["Allow"]
        return page
