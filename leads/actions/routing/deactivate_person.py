"""Deactivate a person: nobody signs in as them any more, and their book goes to whom the admin chose, or stays."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from leads.actions.routing.request_transfer import TransferRefused, request_transfer
from leads.models import Role, Transfer, User
from leads.queries.transfers import book_of

KEEP = "keep"
"""The way in which the book stays where it is until somebody transfers it."""


def why_not_deactivate(*, person: User, by: User) -> str:
    """Why somebody cannot be deactivated, for people; "" if they can."""
    if not person.is_active:
        return f"{person} is deactivated already."
    if person.pk == by.pk:
        return "You cannot deactivate yourself."
    admins = User.objects.active().filter(role=Role.ADMIN)
    if person.role == Role.ADMIN and not admins.exclude(pk=person.pk).exists():
        return f"{person} is the only admin left."
    return ""


def deactivate_person(
    *,
    person: User,
    by: User,
    at: datetime,
    way: str = "",
    to: Collection[User] = (),
    reason: str = "",
    takes_closed: bool = False,
) -> Transfer | None:
    """End a person's access at once and hand on their book, if they have one; returns the transfer that does so.

    ``way`` is one of transfers, or KEEP: then nothing moves, not by territory rules either. Raises TransferRefused.
    """
    if why := why_not_deactivate(person=person, by=by):
        raise TransferRefused(why)
    reason = reason.strip()[:200]
    if way == KEEP and not reason:
        raise TransferRefused("Give a reason: it stands on the page of reps until the book is transferred.")
    transfer = None
    with transaction.atomic():
        if way != KEEP and (takes_closed or not book_of(person, at).is_empty):
            transfer = request_transfer(
                way=way, to=to, reason=reason, by=by, at=at, from_rep=person, takes_closed=takes_closed
            )
        # The transfer first: leads of who is not active go to others by rules unless one is under way.
        kept = reason if way == KEEP else ""
        User.objects.filter(pk=person.pk).update(is_active=False, book_kept_because=kept)
    person.is_active = False
    return transfer
