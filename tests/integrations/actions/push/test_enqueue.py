"""What is owed to the CRMs: one row per lead and connection, however often it changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from integrations.actions.push.enqueue import enqueue_leads, enqueue_news
from integrations.models import Connection, PendingPush
from leads.models import Lead, LeadEvent
from tests.leads.factories import LeadFactory

AT = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
NEXT = datetime(2026, 11, 19, 4, 0, tzinfo=UTC)  # five o'clock in Berlin
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def connect(slug: str = "sandbox", **fields: object) -> Connection:
    return Connection.objects.create(
        slug=slug, name=slug, kind="sandbox", base_url="http://127.0.0.1:9", created_at=timezone.now(), **fields
    )


def news(lead: Lead, at: datetime = AT, kind: str = "updated") -> int:
    return LeadEvent.objects.create(lead=lead, kind=kind, happened_at=at, recorded_at=at).pk


def test_a_lead_is_owed_to_every_active_connection() -> None:
    connect()
    connect("second")
    connect("off", is_active=False)
    lead = LeadFactory()

    assert enqueue_leads(lead_ids=[lead.pk], at=AT, reason="captured") == 2

    pushes = PendingPush.objects.order_by("connection__slug")
    assert [push.connection.slug for push in pushes] == ["sandbox", "second"]
    assert {(push.state, push.version, push.not_before, push.changed_at) for push in pushes} == {
        ("pending", 1, NEXT, AT)
    }


def test_a_second_change_rides_on_the_open_row() -> None:
    connect()
    lead = LeadFactory()
    enqueue_leads(lead_ids=[lead.pk], at=AT, reason="captured")

    enqueue_leads(lead_ids=[lead.pk], at=NEXT, reason="changed")

    push = PendingPush.objects.get()
    assert (push.version, push.not_before, push.changed_at, push.reason) == (2, NEXT, NEXT, "changed")


def test_a_push_under_way_keeps_its_lease_and_learns_of_the_change() -> None:
    connect()
    lead = LeadFactory()
    enqueue_leads(lead_ids=[lead.pk], at=AT, reason="captured")
    PendingPush.objects.update(state="leased", lease_until=NEXT, fence=4)

    enqueue_leads(lead_ids=[lead.pk], at=NEXT, reason="changed")

    push = PendingPush.objects.get()
    assert (push.state, push.version, push.fence, push.lease_until) == ("leased", 2, 4, NEXT)


@pytest.mark.parametrize("state", ["done", "rejected", "dead"])
def test_a_settled_row_opens_afresh(state: str) -> None:
    connect()
    lead = LeadFactory()
    enqueue_leads(lead_ids=[lead.pk], at=AT, reason="captured")
    PendingPush.objects.update(state=state, attempts=9, last_error="x", error_field="email", settled_at=NEXT)

    enqueue_leads(lead_ids=[lead.pk], at=NEXT, reason="changed")

    push = PendingPush.objects.get()
    assert (push.state, push.version, push.attempts, push.last_error, push.settled_at) == ("pending", 2, 0, "", None)
    assert push.not_before == NEXT + timedelta(days=1)


def test_changes_are_enqueued_once_however_often_they_are_read() -> None:
    connect()
    lead, quiet, merged = LeadFactory(), LeadFactory(), LeadFactory(merged_into=LeadFactory())
    events = [news(lead), news(quiet, kind="follow_up_done"), news(merged)]
    readable = dict.fromkeys(events, AT)

    assert enqueue_news(events=readable, at=AT + timedelta(minutes=1)) == 1
    assert enqueue_news(events=readable, at=AT + timedelta(minutes=2)) == 0

    push = PendingPush.objects.get()
    assert (push.lead, push.version) == (lead, 1)


def test_a_change_that_became_visible_late_is_sent_again() -> None:
    """What was sent meanwhile could not say it, though its own time is older."""
    connect()
    lead = LeadFactory()
    enqueue_news(events={news(lead): AT}, at=AT)
    late = {news(lead, AT + timedelta(seconds=5)): AT + timedelta(hours=1)}
    PendingPush.objects.update(state="done", changed_at=AT + timedelta(minutes=30), settled_at=AT + timedelta(hours=2))

    assert enqueue_news(events=late, at=AT + timedelta(hours=2)) == 1
    PendingPush.objects.update(state="done", settled_at=NEXT)
    assert enqueue_news(events=late, at=AT + timedelta(hours=3)) == 0


def test_many_leads_take_few_queries(django_assert_max_num_queries) -> None:
    connect()
    Lead.objects.bulk_create(LeadFactory.build(email=f"l{n}@l.example") for n in range(1000))
    ids = list(Lead.objects.values_list("pk", flat=True))

    with django_assert_max_num_queries(40):
        enqueue_leads(lead_ids=ids, at=AT, reason="imported")
        enqueue_leads(lead_ids=ids, at=AT, reason="again")

    assert set(PendingPush.objects.values_list("version", flat=True)) == {2}
