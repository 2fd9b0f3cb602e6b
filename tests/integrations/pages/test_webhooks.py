"""Endpoints, their secret shown once, the log, tests and replays, for admins alone."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from leads.actions.webhooks.record_events import News, record_event
from leads.models import User, WebhookDelivery, WebhookEndpoint
from tests.conftest import NOW
from tests.integrations.actions.outgoing.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(admin_user: User) -> Client:
    made = Client()
    made.force_login(admin_user)
    return made


def add(client: Client, url: str, *events: str) -> tuple[WebhookEndpoint, str]:
    """The endpoint, and what the page says about it."""
    page = client.post(
        reverse("integrations:webhook-endpoint-add"),
        {"name": "Warehouse", "url": url, "events": events or ["lead.captured"]},
    )
    return WebhookEndpoint.objects.get(name="Warehouse"), page.content.decode()


def secrets_in(html: str) -> list[str]:
    return re.findall(r"whsec_[A-Za-z0-9+/=]+", html)


def page(client: Client, name: str, row: object) -> str:
    return client.get(reverse(f"integrations:{name}", args=[row.public_id])).content.decode()  # type: ignore[attr-defined]


def test_the_secret_is_shown_once_and_again_only_when_rotated(client: Client) -> None:
    row, html = add(client, "http://127.0.0.1:9/hooks")
    assert secrets_in(html) == [row.secret]
    for name in ("webhook-endpoint", "webhook-endpoint-edit"):
        assert secrets_in(page(client, name, row)) == []
    before = row.secret
    rotated = client.post(reverse("integrations:webhook-endpoint-rotate", args=[row.public_id]))
    row.refresh_from_db()
    assert secrets_in(rotated.content.decode()) == [row.secret]
    assert row.secret != before
    assert "no-store" in rotated.headers["Cache-Control"]
    assert "The former secret signs along" in page(client, "webhook-endpoint", row)
    history = client.get(reverse("leads:history", args=["webhook-endpoint", row.public_id])).content.decode()
    assert secrets_in(history) == []
    assert f"Changes of {row.name}" in history
    assert reverse("integrations:webhook-endpoint", args=[row.public_id]) in history


def test_what_is_wrong_stays_in_the_form(client: Client) -> None:
    answer = client.post(
        reverse("integrations:webhook-endpoint-add"), {"name": "Inside", "url": "https://10.0.0.1/", "events": []}
    )
    assert answer.status_code == 422
    assert "public host" in answer.content.decode()
    assert WebhookEndpoint.objects.count() == 0


def sent(client: Client, receiver: Receiver) -> tuple[WebhookEndpoint, WebhookDelivery]:
    row, _ = add(client, receiver.url)
    client.post(reverse("integrations:webhook-endpoint-test", args=[row.public_id]))
    return row, WebhookDelivery.objects.get()


def test_a_test_event_shows_request_and_answer(client: Client) -> None:
    with receiving() as receiver:
        row, delivery = sent(client, receiver)
    html = page(client, "webhook-delivery", delivery)
    for text in ("thanks", "webhook-id", delivery.event.message_id, "&quot;type&quot;: &quot;test&quot;"):
        assert text in html
    assert "v1," not in html
    assert receiver.verified(row.secret) == [True]


def test_a_test_that_fails_says_why(client: Client) -> None:
    with receiving((503, {})) as receiver:
        row, _ = add(client, receiver.url)
        answer = client.post(reverse("integrations:webhook-endpoint-test", args=[row.public_id]), follow=True)
    assert "was not taken: status 503" in answer.content.decode()


def test_a_delivery_is_sent_again_from_its_page_and_many_from_the_endpoints(client: Client) -> None:
    with receiving() as receiver:
        row, delivery = sent(client, receiver)
    client.post(reverse("integrations:webhook-delivery-replay", args=[delivery.public_id]))
    delivery.refresh_from_db()
    assert delivery.state == "waiting"
    WebhookDelivery.objects.update(state="failed")
    asked = {"what": "failed", "since": "2020-01-01"}
    url = reverse("integrations:webhook-endpoint-replay", args=[row.public_id])
    assert "1 deliveries are sent again" in client.post(url, asked, follow=True).content.decode()


def test_the_log_filters_and_exports(client: Client) -> None:
    row, _ = add(client, "http://127.0.0.1:9/hooks", "lead.captured", "lead.scored")
    for kind in ("lead.captured", "lead.scored"):
        record_event(news=News(kind=kind, key=kind, occurred_at=NOW, data={}), at=NOW)
    WebhookDelivery.objects.filter(event__kind="lead.scored").update(state="failed")
    url = reverse("integrations:webhook-endpoint", args=[row.public_id])
    failed = client.get(f"{url}?state=failed&export=csv").content.decode().splitlines()
    assert len(failed) == 2
    assert "lead.scored" in failed[1]


def test_switching_off_and_on_and_removing(client: Client) -> None:
    row, _ = add(client, "http://127.0.0.1:9/hooks")
    switch = reverse("integrations:webhook-endpoint-switch", args=[row.public_id])
    client.post(switch, {"off": "1"})
    row.refresh_from_db()
    assert not row.is_active
    client.post(switch, {"on": "1"})
    row.refresh_from_db()
    assert row.is_active
    client.post(reverse("integrations:webhook-endpoint-remove", args=[row.public_id]))
    assert WebhookEndpoint.objects.count() == 0
