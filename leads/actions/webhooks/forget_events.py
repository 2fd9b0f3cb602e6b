"""Forget old events with their deliveries: they hold personal data, and receivers had their time."""

from __future__ import annotations

from datetime import datetime

from leads.models import WebhookDelivery, WebhookEvent
from leads.pure.webhooks import KEPT_FOR


def forget_events(*, at: datetime) -> int:
    """Delete events older than 30 days that nobody waits for; returns how many."""
    waiting = WebhookDelivery.objects.filter(state=WebhookDelivery.State.WAITING, endpoint__is_active=True)
    old = WebhookEvent.objects.filter(recorded_at__lt=at - KEPT_FOR).exclude(pk__in=waiting.values("event"))
    number = old.count()
    old.delete()
    return number
