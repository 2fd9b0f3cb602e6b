"""Who may set up webhooks, and how their deliveries go."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from leads.models import Role, User, WebhookDelivery, WebhookEndpoint


def may_set_webhooks(user: User) -> bool:
    """Whether a person may say which systems are told of events."""
    return user.has_role(Role.ADMIN)


def endpoints_with_counts() -> QuerySet[WebhookEndpoint]:
    """Endpoints by name, each with how many deliveries wait, were given up, and were taken."""
    state = WebhookDelivery.State
    counts = {
        f"{each.value}_count": Count("deliveries", filter=Q(deliveries__state=each))
        for each in (state.WAITING, state.FAILED, state.DELIVERED)
    }
    return WebhookEndpoint.objects.annotate(**counts).order_by("name")
