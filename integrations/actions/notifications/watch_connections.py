"""Tell admins and sales leaders of a CRM that refuses us or cannot be reached."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.urls import reverse

from integrations.models import Connection
from leads.actions.notifications.notify import notify
from leads.models import Role, User

# A CRM that hiccups mends itself; refused credentials rest for longer than this.
FAILURES, LONG_REST = 3, timedelta(hours=1)


def watch_connections(*, at: datetime) -> int:
    """Write one message a day for each connection in trouble; returns how many are new."""
    failing = Connection.objects.filter(is_active=True, health=Connection.Health.FAILING).filter(
        Q(failures__gte=FAILURES) | Q(paused_until__gt=at + LONG_REST)
    )
    people = User.objects.active().filter(role__in=(Role.ADMIN, Role.SALES_LEADER)).order_by("pk")
    return sum(
        notify(
            kind="connection_trouble",
            key=f"connection_trouble:{connection.slug}:{at:%Y-%m-%d}",
            title=f"{connection.name} needs attention",
            text=connection.health_note,
            link=reverse("integrations:connection-detail", args=[connection.slug]),
            to=list(people),
            at=at,
        )
        for connection in failing.order_by("pk")
    )
