"""Pulls over a real socket: deals become opportunities, once, with their history and their people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from integrations.actions.pull.pull import OVERLAP
from integrations.models import Connection, ExternalRecord, PendingPush, StageMap, SyncRecord, SyncRun, Watermark
from integrations.sandbox_crm.server import SandboxServer
from leads.models import (
    ExchangeRate,
    Lead,
    LifecyclePassage,
    Opportunity,
    OpportunityChange,
    OpportunityContact,
    PipelineStage,
)
from tests.integrations.world import Clock, connector_to, owed_leads, pull_connection, push_connection
from tests.leads.factories import LeadFactory, UserFactory

pytestmark = pytest.mark.django_db


def pull(connected: Connection, clock: Clock, **options: Any) -> SyncRun:
    # The server's Date has no fractions: what was changed in this very second belongs to the next window.
    connector = options.pop("connector", None) or connector_to(connected.base_url)
    reference = connector.reference

    def later() -> Any:
        from dataclasses import replace

        read = reference()
        return replace(read, server_time=read.server_time + timedelta(seconds=1))

    connector.reference = later
    return pull_connection(connection_id=connected.pk, clock=clock, connector=connector, **options)


@pytest.fixture
def ada(connected: Connection, clock: Clock) -> Lead:
    (lead,) = owed_leads(connected, 1, stage="mql", company="Acme")
    push_connection(connection_id=connected.pk, clock=clock)
    return lead


def make_deal(crm: SandboxServer, lead: Lead | None = None, **fields: Any) -> str:
    contacts = [{"external_id": str(lead.public_id), "role": "primary"}] if lead else []
    record = {"name": "Acme deal", "amount": "1234.50", "currency": "EUR", "contacts": contacts, **fields}
    return crm.store.create_deal(record, by="test")["id"]


def test_a_deal_becomes_an_opportunity(connected: Connection, crm: SandboxServer, ada: Lead, clock: Clock) -> None:
    owner = UserFactory(email="jana.weber@example.com")
    deal_id = make_deal(crm, ada, owner_id="O-1", close_on="2026-12-31")

    run = pull(connected, clock)

    assert (run.state, run.created) == ("done", 1), run.note
    deal = Opportunity.objects.get()
    assert (deal.name, deal.status, deal.stage.key) == ("Acme deal", "open", "qualification")
    assert (deal.amount_cents, deal.currency, deal.reporting_cents) == (123_450, "EUR", 123_450)
    assert deal.owner == owner
    assert str(deal.expected_close_on) == "2026-12-31"
    assert ExternalRecord.objects.get(opportunity=deal).remote_id == deal_id
    contact = OpportunityContact.objects.get()
    assert (contact.lead, contact.is_primary) == (ada, True)
    assert [change.stage.key for change in OpportunityChange.objects.all()] == ["qualification"]
    ada.refresh_from_db()
    assert ada.stage == "opportunity"
    steps = LifecyclePassage.objects.filter(lead=ada).order_by("pk").values_list("to_stage", "is_inferred")
    assert list(steps) == [("sal", True), ("sql", True), ("opportunity", False)]


def test_closing_a_deal_there_wins_it_here(connected: Connection, crm: SandboxServer, ada: Lead, clock: Clock) -> None:
    deal_id = make_deal(crm, ada)
    pull(connected, clock)
    crm.store.change_deal(deal_id, {"stage": "proposal", "amount": "2000.00"}, by="sales")
    crm.store.change_deal(deal_id, {"stage": "won"}, by="sales")

    run = pull(connected, clock)

    assert run.updated == 1
    deal = Opportunity.objects.get()
    assert (deal.status, deal.stage.key, deal.reporting_cents) == ("won", "won", 200_000)
    assert deal.closed_at is not None
    assert deal.stage_changed_at == deal.changes.order_by("pk").last().changed_at
    assert [change.stage.key for change in deal.changes.order_by("pk")] == ["qualification", "proposal", "won"]
    ada.refresh_from_db()
    assert ada.stage == "customer"
    record = SyncRecord.objects.get(run=run, outcome="updated")
    assert record.changes["status"] == ["open", "won"]
    assert record.changes["amount"] == ["1234.50 EUR", "2000.00 EUR"]
    # The lead's new stage is owed to the CRM.
    assert PendingPush.objects.get(lead=ada).state == "pending"


def test_a_lost_deal_recycles_its_lead_and_may_be_reopened(
    connected: Connection, crm: SandboxServer, ada: Lead, clock: Clock
) -> None:
    deal_id = make_deal(crm, ada)
    pull(connected, clock)
    crm.store.change_deal(deal_id, {"stage": "lost", "lost_reason": "Price"}, by="sales")
    pull(connected, clock)
    ada.refresh_from_db()
    assert (Opportunity.objects.get().lost_reason, ada.stage) == ("Price", "recycled")

    crm.store.change_deal(deal_id, {"stage": "negotiation"}, by="sales")
    pull(connected, clock)

    deal = Opportunity.objects.get()
    assert (deal.status, deal.closed_at) == ("open", None)
    ada.refresh_from_db()
    assert ada.stage == "opportunity"


def counts() -> dict[str, int]:
    labels = ("leads", "integrations")
    models = [model for label in labels for model in apps.get_app_config(label).get_models()]
    return {model.__name__: model.objects.count() for model in models if model is not SyncRun}


def test_a_repeated_pull_writes_nothing(connected: Connection, crm: SandboxServer, ada: Lead, clock: Clock) -> None:
    for number in range(30):
        make_deal(crm, ada, name=f"Deal {number}")
    pull(connected, clock)
    before, calls = counts(), crm.calls.shown()["total"]

    with CaptureQueriesContext(
        database,
    ) as queries:
        run = pull(connected, clock)

    assert (run.created, run.updated, run.unchanged) == (0, 0, 31)  # with the person who was pushed before
    assert counts() == before
    assert crm.calls.shown()["total"] - calls == 4  # stages, owners, a page of people, one of deals
    written = [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    tables = {sql.split('"')[1] for sql in written}
    # The log of the run, the lease, the health and the watermark; no lead, no deal, no link.
    assert tables == {"integrations_syncrun", "integrations_connection", "integrations_watermark"}
    assert len(queries) < 60


def test_queries_do_not_grow_with_the_deals(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    def pulled(number: int) -> int:
        for each in range(number):
            make_deal(crm, None, name=f"Deal {number}.{each}")
        with CaptureQueriesContext(database) as queries:
            pull(connected, clock)
        return len(queries)

    pulled(2)
    few, many = pulled(5), pulled(50)
    assert many <= few + 2


def test_a_stage_nobody_mapped_is_flagged_and_read_once_it_is(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    crm.store.bulk_load(
        stages=[{"key": "legal", "name": "Legal review", "position": 9, "probability": 0.6, "status": "open"}]
    )
    deal_id = make_deal(crm, stage="legal")
    make_deal(crm, name="Another")

    run = pull(connected, clock)

    assert (run.state, run.created, run.rejected) == ("done", 1, 1)
    record = SyncRecord.objects.get(run=run, outcome="rejected")
    assert record.remote_id == deal_id
    assert "'legal' is not mapped" in record.note
    flagged = StageMap.objects.get(remote_key="legal")
    assert (flagged.remote_name, flagged.stage) == ("Legal review", None)

    flagged.stage = PipelineStage.objects.get(key="negotiation")
    flagged.save()
    assert pull(connected, clock).created == 1
    assert ExternalRecord.objects.get(remote_id=deal_id).opportunity.stage.key == "negotiation"


@pytest.mark.parametrize("year", [1021, 4021])
def test_a_close_date_mistyped_by_centuries_leaves_out_that_deal_alone(
    connected: Connection, crm: SandboxServer, clock: Clock, year: int
) -> None:
    make_deal(crm, name="Typed wrongly", close_on=f"{year}-03-01")
    make_deal(crm, name="Typed right", close_on="2027-03-01")

    run = pull(connected, clock)

    assert (run.state, run.created) == ("done", 1), run.note
    assert Opportunity.objects.get().name == "Typed right"
    assert (
        f"The close date {year}-03-01 is not in a year from 1990 to 2100." in SyncRecord.objects.get(note__gt="").note
    )


def test_strangers_are_shown_and_do_not_stop_the_deal(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    crm.store.upsert_people([{"external_id": "somebody-else", "email": "x@other.example", "last_name": "X"}])
    make_deal(crm, contacts=[{"external_id": "somebody-else", "role": "buyer"}])

    run = pull(connected, clock)

    record = SyncRecord.objects.get(run=run, outcome="skipped")
    assert "is none of our leads" in record.note
    assert OpportunityContact.objects.count() == 0
    assert Opportunity.objects.count() == 1


def test_people_are_found_by_external_id_and_merged_leads_lead_on(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    winner = LeadFactory()
    loser = LeadFactory(external_id="crm-77", merged_into=winner)
    crm.store.upsert_people([{"external_id": "crm-77", "email": "a@b.example", "last_name": "B"}])
    make_deal(crm, contacts=[{"external_id": "crm-77", "role": "Champion"}])

    pull(connected, clock)

    contact = OpportunityContact.objects.get()
    assert (contact.lead, contact.role) == (winner, "champion")
    assert loser.merged_into == winner


def test_people_who_left_a_deal_leave_it_here(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    first, second = owed_leads(connected, 2)
    push_connection(connection_id=connected.pk, clock=clock)
    deal_id = make_deal(crm, first)
    pull(connected, clock)
    offline = LeadFactory()  # added here, unknown to the CRM
    OpportunityContact.objects.create(opportunity=Opportunity.objects.get(), lead=offline)

    crm.store.change_deal(deal_id, {"contacts": [{"external_id": str(second.public_id), "role": "primary"}]}, by="x")
    pull(connected, clock)

    assert set(OpportunityContact.objects.values_list("lead", "is_primary")) == {
        (second.pk, True),
        (offline.pk, False),
    }


def test_an_open_deal_that_is_gone_is_deleted_and_not_lost(
    connected: Connection, crm: SandboxServer, ada: Lead, clock: Clock
) -> None:
    deal_id, never_seen = make_deal(crm, ada), make_deal(crm, name="Never read")
    crm.store.archive("deals", never_seen)
    pull(connected, clock)
    crm.store.archive("deals", deal_id)

    pull(connected, clock)

    deal = Opportunity.objects.get()
    assert (deal.status, deal.lost_reason, deal.deleted_at is None) == ("open", "", False)
    assert ExternalRecord.objects.get(opportunity=deal).archived_at is not None
    assert "before we ever read it" in SyncRecord.objects.get(outcome="skipped").note


def test_money_is_converted_at_the_rate_of_the_date(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    ExchangeRate.objects.create(currency="USD", valid_from="2026-01-01", rate="0.9")
    make_deal(crm, amount="100.00", currency="USD")
    make_deal(crm, name="No rate", amount="100.00", currency="CHF")
    make_deal(crm, name="Yen", amount="5000", currency="JPY")

    pull(connected, clock)

    found = {deal.currency: (deal.amount_cents, deal.reporting_cents) for deal in Opportunity.objects.all()}
    assert found == {"USD": (10_000, 9_000), "CHF": (10_000, None), "JPY": (5_000, None)}


class Died(Exception):
    pass


def test_a_run_that_dies_is_continued_where_it_ended(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    for number in range(25):
        make_deal(crm, name=f"Deal {number}")
    connector = connector_to(crm.url, page_size=10)
    original = connector.changes

    def dying(*args: Any) -> Any:
        for number, page in enumerate(original(*args)):
            if number == 1:
                raise Died
            yield page

    connector.changes = dying
    with pytest.raises(Died):
        pull(connected, clock, connector=connector)
    mark = Watermark.objects.get(kind="deal")
    assert (Opportunity.objects.count(), mark.read_to) == (10, None)
    assert mark.resume_token
    assert SyncRun.objects.get().state == "failed"

    calls = crm.calls.shown()["by_route"]["GET /v1/deals"]
    run = pull(connected, clock, connector=connector_to(crm.url, page_size=10))

    assert (run.state, run.created, run.unchanged) == ("done", 15, 0)
    assert crm.calls.shown()["by_route"]["GET /v1/deals"] - calls == 2  # pages two and three
    mark.refresh_from_db()
    assert (mark.resume_token, mark.window_ends_at) == ("", None)
    assert mark.read_to is not None


def test_a_cursor_that_expired_over_there_begins_the_window_anew(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    make_deal(crm)
    Watermark.objects.create(
        connection=connected, kind="deal", window_ends_at=datetime.now(UTC), resume_token="no longer known"
    )
    assert pull(connected, clock).created == 1


def test_the_window_overlaps_the_last_and_ends_at_the_servers_clock(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    pull(connected, clock)
    first = Watermark.objects.get(kind="deal").read_to
    assert abs(first - datetime.now(UTC)) < timedelta(seconds=5)
    seen = []
    connector = connector_to(crm.url)
    original = connector.changes

    def watched(kind: str, window: Any, resume: Any) -> Any:
        seen.append(window)
        return original(kind, window, resume)

    connector.changes = watched
    pull(connected, clock, connector=connector)

    assert seen[0].since == first - OVERLAP


def test_a_stale_holder_writes_nothing(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    make_deal(crm)
    connector = connector_to(crm.url)
    original = connector.changes

    def overtaken(*args: Any) -> Any:
        for page in original(*args):
            Connection.objects.update(fence=99)  # somebody else took over while we waited for the answer
            yield page

    connector.changes = overtaken
    run = pull(connected, clock, connector=connector)

    assert run.state == "failed"
    assert Opportunity.objects.count() == 0
    assert Watermark.objects.get().read_to is None
