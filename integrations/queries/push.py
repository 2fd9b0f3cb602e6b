"""What waits to be sent, and what could not be."""

from __future__ import annotations

from django.db.models import QuerySet

from integrations.models import Connection, PendingPush

_State = PendingPush.State


def failed_pushes(connection: Connection) -> QuerySet[PendingPush]:
    """Refused and given-up pushes, the latest first."""
    rows = PendingPush.objects.failed().filter(connection=connection).select_related("lead")
    return rows.order_by("-settled_at", "-pk")


def waiting_pushes(connection: Connection) -> QuerySet[PendingPush]:
    """What will be sent, in its order."""
    rows = PendingPush.objects.filter(connection=connection, state__in=(_State.PENDING, _State.LEASED))
    return rows.select_related("lead").order_by("not_before", "pk")
