"""What every door shares: the request of a person who is signed in, and who of them may pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from leads.forms.as_of import AsOf
from leads.models import User
from leads.pure.refused import Refused
from leads.queries.transfers import may_transfer


class SignedInRequest(HttpRequest):
    """What a page behind ``login_required`` is given; nothing but a type, no request is ever built of it."""

    user: User
    htmx: HtmxDetails
    as_of: AsOf | None


def person(request: HttpRequest) -> User:
    """Who is signed in, where the type of the request is not ours to choose, as in Django's admin."""
    if not isinstance(request.user, User):
        raise PermissionDenied("Sign in first.")
    return request.user


def allowed(request: SignedInRequest, may: Callable[[User], bool], otherwise: str) -> User:
    """The person, if they may; else PermissionDenied, which tells them ``otherwise``."""
    if not may(request.user):
        raise PermissionDenied(otherwise)
    return request.user


@contextmanager
def telling(request: HttpRequest) -> Iterator[None]:
    """Show the message of a refusal at the top of the next page; the rest of the block is left out then."""
    try:
        yield
    except Refused as refusal:
        messages.error(request, str(refusal))


def sales_desk(request: SignedInRequest) -> User:
    """The person, where they may see and change who gets which lead."""
    return allowed(request, may_transfer, "Territories and reps are for admins and sales leaders.")
