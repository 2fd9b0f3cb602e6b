"""Set up an endpoint at an address that may be sent to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from integrations.connectors.errors import Misuse
from integrations.connectors.webhook import check_endpoint
from leads.actions.webhooks.save_endpoint import EndpointRefused, add_endpoint, change_endpoint
from leads.models import User, WebhookEndpoint


def set_endpoint(
    *,
    name: str,
    url: str,
    events: Sequence[str],
    random: bytes,
    by: User,
    at: datetime,
    endpoint: WebhookEndpoint | None = None,
) -> WebhookEndpoint:
    """Add an endpoint, or change one; ``random`` becomes a new one's secret. Raises EndpointRefused."""
    if endpoint is None or url != endpoint.url:
        try:
            check_endpoint(url, allow_loopback=settings.SANDBOX_CRM_ALLOWED)
        except Misuse as error:
            raise EndpointRefused("url", str(error)) from None
    if endpoint is None:
        return add_endpoint(name=name, url=url, events=events, random=random, by=by, at=at)
    return change_endpoint(endpoint=endpoint, name=name, url=url, events=events, by=by)
