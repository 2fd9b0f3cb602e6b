"""Tell admins and sales leaders of a CRM that refuses us or cannot be reached."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.urls import reverse

from integrations.models import Connection
from leads.actions.notifications.notify import notify
from leads.models import Company, Notification, Role, User

KIND = "connection_trouble"
# A CRM that hiccups mends itself; refused credentials rest for longer than this.
FAILURES, LONG_REST = 3, timedelta(hours=1)


def watch_connections(*, at: datetime) -> int:
    """Write one message for each connection in trouble, however long that lasts; returns how many are new.

    One that works now and then is told of once a day.
    """
    tz = Company.current().tz
    failing = Connection.objects.filter(is_active=True, health=Connection.Health.FAILING).filter(
        Q(failures__gte=FAILURES) | Q(paused_until__gt=at + LONG_REST)
    )
    told = Notification.objects.filter(kind=KIND, created_at__gt=at - timedelta(days=1))
    people = User.objects.active().filter(role__in=(Role.ADMIN, Role.SALES_LEADER)).order_by("pk")
    return sum(
        notify(
            kind=KIND,
            key=f"{KIND}:{connection.slug}:{_since(connection):%Y-%m-%dT%H:%M:%S}",
            title=f"{connection.name} needs attention",
            text=f"It has not worked since {_since(connection).astimezone(tz):%b %-d, %H:%M}. {connection.health_note}",
            link=reverse("integrations:connection-detail", args=[connection.slug]),
            to=list(people),
            at=at,
        )
        for connection in failing.order_by("pk")
        if not told.filter(key__startswith=f"{KIND}:{connection.slug}:").exists()
    )


def _since(connection: Connection) -> datetime:
    return connection.failing_since or connection.created_at
