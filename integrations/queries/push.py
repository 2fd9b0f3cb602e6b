"""What waits to be sent, and what could not be."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from integrations.models import Connection, PendingPush

_State = PendingPush.State


def failed_pushes(connection: Connection, code: str = "") -> QuerySet[PendingPush]:
    """Refused and given-up pushes, the latest first; those with one code of the CRM's where it is given."""
    rows = PendingPush.objects.failed().filter(connection=connection).select_related("lead")
    return (rows.filter(error_code=code) if code else rows).order_by("-settled_at", "-pk")


def failure_codes(connection: Connection) -> list[tuple[str, int]]:
    """The CRM's words for refusals with how many pushes each holds up, the most first."""
    rows = PendingPush.objects.failed().filter(connection=connection).exclude(error_code="")
    counts = rows.values_list("error_code").annotate(number=Count("pk")).order_by("-number", "error_code")
    return list(counts)


def waiting_pushes(connection: Connection) -> QuerySet[PendingPush]:
    """What will be sent, in its order."""
    rows = PendingPush.objects.filter(connection=connection, state__in=(_State.PENDING, _State.LEASED))
    return rows.select_related("lead").order_by("not_before", "pk")
