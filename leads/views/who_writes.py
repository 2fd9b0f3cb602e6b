"""Middleware: changes name the door of the request, and the person who is signed in."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from leads.models import User
from leads.past.acting import Door, act

_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


class WhoWrites:
    """Pages and the admin name the person and their role. The API names its key once it is known (`leads.api.keys`)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        door = door_of(request.path)
        # Asking who is signed in reads the session, which what is only looked at may not need.
        user = None if door is Door.API or request.method in _SAFE else request.user
        if not isinstance(user, User):
            with act(door):
                return self.get_response(request)
        with act(door, actor=user.pk, because=user.right):
            return self.get_response(request)


def door_of(path: str) -> Door:
    """The door that an address belongs to."""
    if path.startswith("/api/"):
        return Door.API
    return Door.ADMIN if path.startswith("/admin/") else Door.PAGE
