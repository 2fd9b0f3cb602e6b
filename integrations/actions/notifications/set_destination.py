"""Say which Slack and Teams channels the portal posts to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from integrations.connectors.chat import check_address
from integrations.connectors.errors import Misuse
from leads.models import ChatDestination, User
from leads.pure.refused import FieldRefused
from leads.queries.notifications import may_set_destinations


class DestinationRefused(FieldRefused):
    """No such channel can be kept; the message says why."""


@transaction.atomic
def set_destination(
    *,
    by: User,
    at: datetime,
    name: str,
    kind: str,
    url: str,
    kinds: Sequence[str],
    is_active: bool = True,
    destination: ChatDestination | None = None,
) -> ChatDestination:
    """Add a channel, or change one; an empty address keeps the one it has. Raises DestinationRefused."""
    if not may_set_destinations(by):
        raise DestinationRefused("", "Admins set up Slack and Teams.")
    named = ChatDestination.objects.filter(name=name)
    if (named.exclude(pk=destination.pk) if destination else named).exists():
        raise DestinationRefused("name", f"There is a channel named {name} already.")
    if not url and destination is None:
        raise DestinationRefused("url", "Give the address of the incoming webhook.")
    if url:
        try:
            check_address(kind=kind, url=url, allow_loopback=settings.SANDBOX_CRM_ALLOWED)
        except Misuse:
            raise DestinationRefused(
                "url",
                f"This is no address of a {'Slack' if kind == 'slack' else 'Teams'} incoming webhook.",
            ) from None
    row = destination or ChatDestination(created_by=by, created_at=at)
    row.name, row.kind, row.kinds, row.is_active = name, kind, list(kinds), is_active
    if url:
        row.url, row.last_error = url, ""
    if destination is None:
        row.save(force_insert=True)
    else:
        row.save(update_fields=["name", "kind", "kinds", "is_active", "url", "last_error"])
    return row


@transaction.atomic
def remove_destination(*, by: User, destination: ChatDestination) -> None:
    """Remove a channel with the messages it was sent. Raises DestinationRefused."""
    if not may_set_destinations(by):
        raise DestinationRefused("", "Admins set up Slack and Teams.")
    destination.delete()
