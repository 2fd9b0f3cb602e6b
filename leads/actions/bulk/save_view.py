"""Keep filters, sorting and columns of a list under a name."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from leads.models import Role, SavedView, User
from leads.pure.refused import Refused

MOST_VIEWS = 50


class ViewRefused(Refused):
    """The view cannot be kept so; the message tells a person why."""


def save_view(
    *, listing: str, name: str, query: str, by: User, at: datetime, shared_with: str = "", is_default: bool = False
) -> SavedView:
    """A person's view of a list; one of the same name is replaced. Raises ViewRefused."""
    name = " ".join(name.split())[:80]
    if not name:
        raise ViewRefused("Give the view a name.")
    if shared_with and (shared_with not in Role.values or by.role == Role.SALES_REP):
        raise ViewRefused("Views are shared with a role by leaders, marketing and admins.")
    with transaction.atomic():
        mine = SavedView.objects.filter(owner=by, listing=listing)
        if not mine.filter(name=name).exists() and mine.count() >= MOST_VIEWS:
            raise ViewRefused(f"Keep at most {MOST_VIEWS} views; remove one first.")
        if is_default:
            mine.exclude(name=name).update(is_default=False)
        view, _ = SavedView.objects.update_or_create(
            owner=by,
            listing=listing,
            name=name,
            defaults={
                "query": query[:2000],
                "shared_with": shared_with,
                "is_default": is_default,
            },
            create_defaults={
                "query": query[:2000],
                "shared_with": shared_with,
                "is_default": is_default,
                "created_at": at,
            },
        )
    return view


def remove_view(*, view: SavedView, by: User) -> None:
    """Remove a view. Raises ViewRefused for somebody else's, but for admins."""
    if view.owner_id != by.pk and not by.has_role(Role.ADMIN):
        raise ViewRefused("Only its owner and admins remove a view.")
    view.delete()
