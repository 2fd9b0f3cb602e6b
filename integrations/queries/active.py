"""Which connections are active, as capture needs it with every lead."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.models import Connection
from leads.queries.in_force import InForce, Watched, watch

# What decides which connections are active, and what is told of them. Never their secrets.
_WATCHED = Watched(Connection, columns=("id", "slug", "is_active", "switched_on_at"))


def watch_connections() -> None:
    """Let connections count among the settings in force."""
    watch(_WATCHED)


def active_connections(settings: InForce) -> Sequence[Connection]:
    """The active connections in the order of their slugs, without a query while none changed. Only key and slug are
    loaded."""
    return settings.once("connections", lambda: list(Connection.objects.active().order_by("slug").only("slug")))
