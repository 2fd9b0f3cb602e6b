"""Tell admins of webhook endpoints that fail or were switched off for it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from leads.actions.notifications.notify import notify
from leads.models import Company, Role, User, WebhookEndpoint
from leads.pure.webhooks import TROUBLE

KIND = "webhook_trouble"


def watch_endpoints(*, at: datetime) -> int:
    """Write one message for each endpoint in trouble, and one when it is switched off; returns how many are new."""
    failing = Q(is_active=True, failing_since__lte=at - TROUBLE)
    rows = list(WebhookEndpoint.objects.filter(failing | ~Q(disabled_because="")).order_by("pk"))
    if not rows:
        return 0
    people = list(User.objects.active().filter(role=Role.ADMIN).order_by("pk"))
    return sum(_tell(row, people, at) for row in rows)


def _tell(row: WebhookEndpoint, people: list[User], at: datetime) -> int:
    since = row.failing_since or at
    local = since.astimezone(Company.current().tz)
    is_off = bool(row.disabled_because)
    return notify(
        kind=KIND,
        key=f"{KIND}:{row.pk}:{since:%Y-%m-%dT%H:%M:%S}:{'off' if is_off else 'failing'}",
        title=f"Webhook {row.name} {'was switched off' if is_off else 'fails'}",
        text=row.disabled_because or f"Nothing was taken since {local:%b %-d, %H:%M}. Deliveries are tried again.",
        link=row.get_absolute_url(),
        to=people,
        at=at,
    )
