"""Error pages: as problem documents below /api/, as pages elsewhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from leads.api.problems import plain_problem


def _error(request: HttpRequest, status: int, why: str = "") -> HttpResponse:
    if request.path.startswith("/api/"):
        return plain_problem(status)
    return render(request, f"{status}.html", {"why": why}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 403, str(exception or ""))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _error(request, 500)
