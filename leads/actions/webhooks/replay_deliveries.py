"""Send again what was sent: one delivery, or all that an endpoint did not take."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from leads.models import User, WebhookDelivery, WebhookEndpoint
from leads.pure.refused import Refused
from leads.queries.webhooks import may_set_webhooks

_State = WebhookDelivery.State


class ReplayRefused(Refused):
    """Nothing is sent again; the message tells a person why."""


def replay_delivery(*, delivery: WebhookDelivery, by: User, at: datetime) -> None:
    """Queue a delivery again, under the id it had: receivers that took it can drop it. Raises ReplayRefused."""
    _check(delivery.endpoint, by)
    if not _again(WebhookDelivery.objects.filter(pk=delivery.pk), at):
        raise ReplayRefused("This delivery is waiting already.")


def replay_failed(*, endpoint: WebhookEndpoint, by: User, at: datetime, since: datetime | None = None) -> int:
    """Queue everything again that was given up, of events since a moment; returns how many. Raises ReplayRefused."""
    _check(endpoint, by)
    rows = WebhookDelivery.objects.filter(endpoint=endpoint, state=_State.FAILED)
    return _again(rows.filter(event__recorded_at__gte=since) if since else rows, at)


def replay_all(*, endpoint: WebhookEndpoint, by: User, at: datetime, since: datetime) -> int:
    """Queue everything again that was recorded since a moment, taken or not; returns how many. Raises ReplayRefused."""
    _check(endpoint, by)
    return _again(WebhookDelivery.objects.filter(endpoint=endpoint, event__recorded_at__gte=since), at)


def _check(endpoint: WebhookEndpoint, by: User) -> None:
    if not may_set_webhooks(by):
        raise ReplayRefused("Admins set up webhooks.")
    if not endpoint.is_active:
        raise ReplayRefused("Switch the endpoint on first.")


def _again(rows: QuerySet[WebhookDelivery], at: datetime) -> int:
    fresh = WebhookDelivery.objects.filter(~Q(state=_State.WAITING), pk__in=rows.values("pk"))
    return fresh.update(state=_State.WAITING, tries=0, not_before=at, settled_at=None)
