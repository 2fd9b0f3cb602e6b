"""What is told to whom: once for each endpoint that wants it, as the API tells it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from leads.actions.capture.add_lead import add_lead
from leads.actions.deals.edit_opportunity import DealEdit, edit_opportunity, open_opportunity
from leads.actions.identity.merge_leads import merge_leads
from leads.actions.webhooks.collect_events import collect_events
from leads.actions.webhooks.forget_events import forget_events
from leads.actions.webhooks.record_events import News, record_event
from leads.actions.webhooks.replay_deliveries import ReplayRefused, replay_all, replay_delivery, replay_failed
from leads.actions.webhooks.save_endpoint import (
    EndpointRefused,
    add_endpoint,
    change_endpoint,
    rotate_secret,
    send_test,
    switch_endpoint,
)
from leads.actions.webhooks.send_webhook import WebhookRefused, send_webhook
from leads.models import Lead, Opportunity, User, WebhookDelivery, WebhookEndpoint, WebhookEvent
from leads.past.acting import backdated
from leads.pure.webhooks import EVENTS
from leads.queries.answers import deal_data, told_deals
from tests.conftest import NOW
from tests.leads.factories import LeadFactory, stage

pytestmark = pytest.mark.django_db
State = WebhookDelivery.State
LATER = NOW + timedelta(minutes=1)


def endpoint(by: User, *events: str, name: str = "Warehouse") -> WebhookEndpoint:
    return add_endpoint(
        name=name, url="https://warehouse.example/hooks", events=events or [*EVENTS], random=b"r" * 32, by=by, at=NOW
    )


def told(kind: str = "") -> list[dict[str, Any]]:
    rows = WebhookEvent.objects.order_by("pk")
    return [json.loads(each.body) for each in (rows.filter(kind=kind) if kind else rows)]


def news(key: str = "1", kind: str = "lead.captured", **more: Any) -> News:
    return News(kind=kind, key=key, occurred_at=NOW, data={"n": 1}, **more)


def test_only_endpoints_that_want_an_event_get_it(admin_user: User) -> None:
    wants, other = endpoint(admin_user, "lead.captured"), endpoint(admin_user, "opportunity.won", name="Other")
    assert record_event(news=news(), at=NOW) == 1
    assert list(WebhookDelivery.objects.values_list("endpoint", flat=True)) == [wants.pk]
    switch_endpoint(endpoint=wants, is_active=False, by=admin_user, at=NOW)
    assert record_event(news=news("2"), at=NOW) == 0
    assert record_event(news=news("3", endpoint_ids=[other.pk]), at=NOW) == 1
    assert told()[0] == {"type": "lead.captured", "timestamp": "2026-11-21T10:00:00+00:00", "data": {"n": 1}}


def test_the_same_event_is_recorded_once(admin_user: User) -> None:
    endpoint(admin_user)
    assert [record_event(news=news(), at=NOW) for _ in range(2)] == [1, 0]
    endpoint(admin_user, name="Second")
    assert record_event(news=news(), at=LATER) == 1
    assert WebhookEvent.objects.count() == 1


def test_without_endpoints_nothing_is_kept() -> None:
    assert record_event(news=news(), at=NOW) == 0
    assert WebhookEvent.objects.count() == 0


def test_an_event_goes_with_its_transaction(admin_user: User) -> None:
    endpoint(admin_user)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record_event(news=news(), at=NOW)
        _ = 1 / 0
    assert WebhookDelivery.objects.count() == 0


def test_a_workflow_step_sends_the_lead_once(admin_user: User) -> None:
    row, lead = endpoint(admin_user, "opportunity.won"), LeadFactory(email="ada@customer.example")
    asked = {"endpoint_id": row.pk, "lead": lead, "key": "7:3", "at": NOW, "details": {"workflow": "Webinar"}}
    assert [send_webhook(**asked) for _ in range(2)] == [True, False]
    (body,) = told("workflow.step")
    assert body["data"]["lead"]["email"] == "ada@customer.example"
    assert body["data"]["step"] == {"workflow": "Webinar"}
    switch_endpoint(endpoint=row, is_active=False, by=admin_user, at=NOW)
    with pytest.raises(WebhookRefused):
        send_webhook(**{**asked, "key": "8:3"})


def test_what_happens_to_a_lead_is_collected(admin_user: User, company: None) -> None:
    endpoint(admin_user)
    assert collect_events(at=NOW) == 0
    with backdated(LATER):
        lead = add_lead(details={"email": "ada@customer.example", "country": "DE"}, owner=None, by=admin_user, at=LATER)
    assert collect_events(at=LATER) >= 1
    first = told("lead.captured")[0]["data"]
    assert (first["lead"]["id"], first["lead"]["email"]) == (str(lead.public_id), "ada@customer.example")
    number = WebhookEvent.objects.count()
    assert collect_events(at=LATER + timedelta(minutes=1)) == 0
    assert WebhookEvent.objects.count() == number


def test_a_merged_lead_is_told(admin_user: User, company: None) -> None:
    endpoint(admin_user)
    survivor, loser = LeadFactory(), LeadFactory()
    collect_events(at=NOW)
    with backdated(LATER):
        merge_leads(survivor_id=survivor.pk, loser_id=loser.pk, by=admin_user, at=LATER, reason="same")
    collect_events(at=LATER)
    bodies = told("lead.merged")
    assert {each["data"]["lead"]["id"] for each in bodies} == {str(survivor.public_id), str(loser.public_id)}
    assert {each["data"]["details"].get("into") for each in bodies} == {None, str(survivor.public_id)}


def deal_of(by: User) -> Opportunity:
    lead = LeadFactory(stage="sql")
    with backdated(LATER):
        return open_opportunity(
            lead_id=lead.pk, edit=DealEdit({"name": "Platform", "amount_cents": 100}), by=by, source="x", at=LATER
        )


def test_what_happens_to_a_deal_is_collected(admin_user: User, company: None) -> None:
    endpoint(admin_user)
    collect_events(at=NOW)
    deal = deal_of(admin_user)
    collect_events(at=LATER)
    (made,) = told("opportunity.created")
    assert made["data"]["opportunity"] == deal_data([told_deals().get(pk=deal.pk)])[0]
    won = LATER + timedelta(minutes=1)
    with backdated(won):
        edit = DealEdit({"stage": stage("won"), "amount_cents": 200})
        edit_opportunity(opportunity_id=deal.pk, edit=edit, by=admin_user, source="x", at=won)
    collect_events(at=won)
    (changed,) = told("opportunity.changed")
    assert changed["data"]["details"]["fields"] == ["amount", "closed_at", "stage", "status"]
    (told_won,) = told("opportunity.won")
    assert told_won["data"]["opportunity"]["amount"] == {"amount": "2.00", "currency": "EUR"}
    assert collect_events(at=won + timedelta(minutes=1)) == 0


def test_only_what_is_wanted_is_collected(admin_user: User, company: None) -> None:
    endpoint(admin_user, "opportunity.won")
    collect_events(at=NOW)
    deal_of(admin_user)
    assert collect_events(at=LATER) == 0


def test_whoever_is_erased_takes_along_what_was_told(admin_user: User) -> None:
    endpoint(admin_user)
    lead = LeadFactory()
    record_event(news=news(lead_id=lead.pk), at=NOW)
    Lead.objects.filter(pk=lead.pk).delete()
    assert WebhookEvent.objects.count() == 0


def test_replaying_one_failed_ones_and_all(admin_user: User, rep: User) -> None:
    row = endpoint(admin_user)
    for key in "123":
        record_event(news=news(key), at=NOW)
    WebhookDelivery.objects.filter(event__key="1").update(state=State.DELIVERED, settled_at=NOW)
    WebhookDelivery.objects.filter(event__key="2").update(state=State.FAILED, tries=11, settled_at=NOW)
    one = WebhookDelivery.objects.get(event__key="1")
    with pytest.raises(ReplayRefused):
        replay_delivery(delivery=one, by=rep, at=LATER)
    assert replay_failed(endpoint=row, by=admin_user, at=LATER) == 1
    failed = WebhookDelivery.objects.get(event__key="2")
    assert (failed.state, failed.tries, failed.not_before) == (State.WAITING, 0, LATER)
    replay_delivery(delivery=one, by=admin_user, at=LATER)
    with pytest.raises(ReplayRefused, match="waiting already"):
        replay_delivery(delivery=one, by=admin_user, at=LATER)
    WebhookDelivery.objects.update(state=State.DELIVERED)
    assert replay_all(endpoint=row, by=admin_user, at=LATER, since=NOW + timedelta(seconds=1)) == 0
    assert replay_all(endpoint=row, by=admin_user, at=LATER, since=NOW) == 3


def test_a_rotated_secret_signs_along_for_a_day(admin_user: User) -> None:
    row = endpoint(admin_user)
    before = row.secret
    after = rotate_secret(endpoint=row, random=b"s" * 32, by=admin_user, at=NOW)
    assert after.secrets(NOW + timedelta(hours=23)) == [after.secret, before]
    assert after.secrets(NOW + timedelta(hours=24)) == [after.secret]
    assert after.secret != before


def test_what_cannot_be_kept_is_refused(admin_user: User, rep: User) -> None:
    row = endpoint(admin_user)
    with pytest.raises(EndpointRefused, match="already"):
        endpoint(admin_user)
    with pytest.raises(EndpointRefused, match="Admins"):
        endpoint(rep, name="Another")
    with pytest.raises(EndpointRefused, match="no event"):
        change_endpoint(endpoint=row, name="W", url=row.url, events=["lead.nothing"], by=admin_user)
    with pytest.raises(EndpointRefused, match="name"):
        change_endpoint(endpoint=row, name=" ", url=row.url, events=[], by=admin_user)


def test_a_test_event_goes_to_one_endpoint(admin_user: User) -> None:
    row = endpoint(admin_user, "opportunity.won")
    endpoint(admin_user, name="Other")
    delivery = send_test(endpoint=row, key="a", by=admin_user, at=NOW)
    assert (delivery.endpoint, delivery.event.kind) == (row, "test")
    assert WebhookDelivery.objects.count() == 1


def test_old_events_are_forgotten_but_not_while_they_wait(admin_user: User) -> None:
    row = endpoint(admin_user)
    for key in "12":
        record_event(news=news(key), at=NOW)
    WebhookDelivery.objects.filter(event__key="1").update(state=State.DELIVERED)
    assert forget_events(at=NOW + timedelta(days=29)) == 0
    assert forget_events(at=NOW + timedelta(days=31)) == 1
    switch_endpoint(endpoint=row, is_active=False, by=admin_user, at=NOW)
    assert forget_events(at=NOW + timedelta(days=31)) == 1
