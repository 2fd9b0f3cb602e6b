"""Send one endpoint something about a lead: what a workflow's step does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from leads.actions.webhooks.record_events import News, record_event
from leads.models import Lead, WebhookEndpoint
from leads.pure.refused import Refused
from leads.pure.webhooks import WORKFLOW
from leads.queries.answers import lead_data, queued


class WebhookRefused(Refused):
    """Nothing is sent; the message tells a person why."""


def send_webhook(
    *, endpoint_id: int, lead: Lead, key: str, at: datetime, details: Mapping[str, Any] | None = None
) -> bool:
    """Queue the lead as the API tells of it, with ``details`` of the step, for one endpoint; delivered within seconds.

    Belongs into the transaction of the step. ``key`` (at most 120 characters) names the step and enrollment: the same
    key is sent once, however often it is asked for. Returns whether it was new. Raises WebhookRefused where the
    endpoint is gone or switched off.
    """
    if not WebhookEndpoint.objects.active().filter(pk=endpoint_id).exists():
        raise WebhookRefused("This webhook endpoint was removed or is switched off.")
    (told,) = lead_data([lead], queued=queued([lead]))
    news = News(
        kind=WORKFLOW,
        key=f"{WORKFLOW}:{key}:{endpoint_id}",
        occurred_at=at,
        data={"lead": told, "step": dict(details or {})},
        lead_id=lead.pk,
        endpoint_ids=[endpoint_id],
    )
    return record_event(news=news, at=at) == 1
