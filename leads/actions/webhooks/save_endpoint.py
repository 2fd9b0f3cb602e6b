"""Say which systems are told of events: add and change endpoints, rotate their secrets, switch them on and off."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction

from leads.actions.webhooks.record_events import News, record_event
from leads.models import User, WebhookDelivery, WebhookEndpoint
from leads.pure.refused import FieldRefused
from leads.pure.webhooks import EVENTS, OVERLAP, TEST, to_secret
from leads.queries.webhooks import may_set_webhooks


class EndpointRefused(FieldRefused):
    """No such endpoint can be kept; ``field`` names the one at fault."""


@transaction.atomic
def add_endpoint(
    *, name: str, url: str, events: Sequence[str], random: bytes, by: User, at: datetime
) -> WebhookEndpoint:
    """A new endpoint; ``random`` (24 to 64 bytes) becomes its secret. ``url`` was checked by the caller.

    Raises EndpointRefused.
    """
    _check(name, events, by)
    secret = to_secret(random)
    return WebhookEndpoint.objects.create(
        name=name.strip(), url=url, events=_listed(events), secret=secret, created_by=by, created_at=at
    )


@transaction.atomic
def change_endpoint(
    *, endpoint: WebhookEndpoint, name: str, url: str, events: Sequence[str], by: User
) -> WebhookEndpoint:
    """Other values for an endpoint; what waits goes to the new address. Raises EndpointRefused."""
    _check(name, events, by, but=endpoint.pk)
    endpoint.name, endpoint.url, endpoint.events = name.strip(), url, _listed(events)
    endpoint.save(update_fields=["name", "url", "events"])
    return endpoint


@transaction.atomic
def rotate_secret(*, endpoint: WebhookEndpoint, random: bytes, by: User, at: datetime) -> WebhookEndpoint:
    """A new secret; the former one signs along for a day, so that the receiver can be moved over. Raises
    EndpointRefused."""
    _may(by)
    row = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    row.former_secret, row.former_until, row.secret = row.secret, at + OVERLAP, to_secret(random)
    row.save(update_fields=["secret", "former_secret", "former_until"])
    return row


@transaction.atomic
def switch_endpoint(*, endpoint: WebhookEndpoint, is_active: bool, by: User, at: datetime) -> WebhookEndpoint:
    """Switch an endpoint on or off. Nothing is recorded for it meanwhile; what waits goes on afterwards, at once.

    Raises EndpointRefused.
    """
    _may(by)
    endpoint.is_active, endpoint.disabled_because, endpoint.failing_since = is_active, "", None
    endpoint.save(update_fields=["is_active", "disabled_because", "failing_since"])
    if is_active:
        waiting = endpoint.deliveries.filter(state=WebhookDelivery.State.WAITING)
        waiting.update(tries=0, not_before=at)
    return endpoint


@transaction.atomic
def remove_endpoint(*, endpoint: WebhookEndpoint, by: User) -> None:
    """Remove an endpoint with its log. Raises EndpointRefused."""
    _may(by)
    endpoint.delete()


def send_test(*, endpoint: WebhookEndpoint, key: str, by: User, at: datetime) -> WebhookDelivery:
    """Queue a test event for one endpoint and return its delivery; each test has a ``key``. Raises EndpointRefused."""
    _may(by)
    if not endpoint.is_active:
        raise EndpointRefused("", "Switch the endpoint on first.")
    data = {"message": f"{by.name} sent this test from the portal.", "endpoint": endpoint.name}
    told = f"{TEST}:{endpoint.pk}:{key}"
    record_event(news=News(kind=TEST, key=told, occurred_at=at, data=data, endpoint_ids=[endpoint.pk]), at=at)
    return WebhookDelivery.objects.select_related("event", "endpoint").get(event__key=told)


def _may(by: User) -> None:
    if not may_set_webhooks(by):
        raise EndpointRefused("", "Admins set up webhooks.")


def _check(name: str, events: Collection[str], by: User, *, but: int | None = None) -> None:
    _may(by)
    if not name.strip():
        raise EndpointRefused("name", "Give the endpoint a name.")
    named = WebhookEndpoint.objects.filter(name=name.strip())
    if (named.exclude(pk=but) if but else named).exists():
        raise EndpointRefused("name", f"There is an endpoint named {name.strip()} already.")
    if unknown := set(events) - EVENTS.keys():
        raise EndpointRefused("events", f"There is no event {min(unknown)}.")


def _listed(events: Collection[str]) -> list[str]:
    return [key for key in EVENTS if key in events]
