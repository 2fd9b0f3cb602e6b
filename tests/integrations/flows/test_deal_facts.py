"""What a deal is worth, in which currency, on which day, and whether it is still there: read as each vendor says it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from integrations.models import Connection, StageMap, SyncRecord
from integrations.sandbox_crm.server import SandboxServer
from leads.figures.base import Figure, Scope, figure
from leads.models import Company, ExchangeRate, Lead, Opportunity, OpportunityContact, PipelineStage
from leads.pure.week import Period
from tests.integrations.flows.vendors import World, world_of
from tests.integrations.world import Clock, owe, pull_connection, push_connection
from tests.leads.factories import LeadFactory

pytestmark = pytest.mark.django_db
KINDS = ("hubspot", "pipedrive", "salesforce")
Begin = Callable[[str], "Desk"]


class Desk:
    """A vendor with one lead of ours, all its stages mapped."""

    def __init__(self, world: World, url: str, clock: Clock, **fields: Any) -> None:
        self.world, self.clock = world, clock
        self.connection = world.connect(url)
        Connection.objects.filter(pk=self.connection.pk).update(**fields)
        self.lead: Lead = LeadFactory(company="Acme", stage="mql")
        owe(self.connection, self.lead)
        self.pull()
        open_stages = list(PipelineStage.objects.filter(status="open").order_by("position"))
        for row in StageMap.objects.filter(connection=self.connection).order_by("remote_position"):
            ours = PipelineStage.objects.filter(status=row.remote_status).order_by("position").first()
            row.stage = open_stages.pop(0) if row.remote_status == "open" and open_stages else ours
            row.save()
        push_connection(connection_id=self.connection.pk, clock=clock)
        (person,) = world.people()
        self.person = person.id

    def pull(self) -> None:
        self.world.later()
        run = pull_connection(connection_id=self.connection.pk, clock=self.clock)
        assert run.state == "done", run.note

    def deal(self, amount: int = 1000) -> str:
        return self.world.add_deal(self.person, "Acme deal", amount)

    def change(self, deal: str, **members: Any) -> None:
        dialect = self.world.dialect
        write = getattr(dialect, "change_deal", None) or getattr(dialect, "move_deal", None)
        if self.world.kind == "salesforce":
            dialect.records.change("Opportunity", deal, members)
        elif self.world.kind == "hubspot":
            write(deal, **members)
        else:
            write(deal, members)


@pytest.fixture
def begin(crm: SandboxServer, company: Company, clock: Clock) -> Begin:
    def made(kind: str, **fields: Any) -> Desk:
        return Desk(world_of(kind, crm.dialect(kind)), crm.url, clock, **fields)

    return made


def year(at: datetime | None = None) -> Scope:
    at = at or datetime.now(UTC) + timedelta(days=2)
    tz = Company.current().tz
    period = Period(at - timedelta(days=300), at + timedelta(days=60))
    return Scope(period=period, at=at, tz=tz, currency="EUR")


def shown(key: str, at: datetime | None = None) -> Figure:
    return figure(key, year(at))


AMOUNTS = {
    "salesforce": ("Amount", "CurrencyIsoCode", float),
    "hubspot": ("amount", "deal_currency_code", str),
    "pipedrive": ("value", "currency", float),
}


def test_an_org_of_one_currency_is_read_in_it_with_its_history(begin: Begin, crm: SandboxServer) -> None:
    crm.dialect("salesforce").count_in("USD")
    ExchangeRate.objects.create(currency="USD", valid_from="2020-01-01", rate="0.9")
    desk = begin("salesforce")
    deal = desk.deal(1000)
    desk.pull()
    desk.change(deal, StageName="Qualification", Amount=1500.5)
    desk.pull()

    row = Opportunity.objects.get()
    assert (row.amount_cents, row.currency, row.reporting_cents) == (150_050, "USD", 135_045)
    lines = list(row.changes.order_by("changed_at", "pk").values_list("amount_cents", "currency", "stage__key"))
    assert lines == [(100_000, "USD", "qualification"), (150_050, "USD", "discovery")]
    assert shown("pipeline.open").value == 135_045


def test_an_org_whose_currency_is_unknown_is_not_booked_as_the_companys(begin: Begin, crm: SandboxServer) -> None:
    crm.dialect("salesforce").count_in("USD")
    crm.dialect("salesforce").tells_currency = False
    desk = begin("salesforce")
    desk.deal(1000)
    desk.pull()
    assert not Opportunity.objects.exists()
    assert "does not say in which currency 1000.0 is" in SyncRecord.objects.get(outcome="rejected").note

    from integrations.actions.connections.edit_connection import edit_access

    connection = desk.connection
    edit_access(
        connection_id=connection.pk, name=connection.name, base_url=connection.base_url, sign_in="",
        account_settings={}, secrets={}, currency="USD", at=desk.clock(),
    )  # fmt: skip
    desk.pull()
    row = Opportunity.objects.get()
    assert (row.amount_cents, row.currency, row.reporting_cents) == (100_000, "USD", None)


@pytest.mark.parametrize("kind", KINDS)
def test_amounts_finer_than_the_currency_are_rounded_and_kept_as_sent(begin: Begin, kind: str) -> None:
    desk = begin(kind)
    amount, currency, typed = AMOUNTS[kind]
    deal = desk.deal(1)
    desk.change(deal, **{amount: typed("1234.567")})
    desk.pull()
    row = Opportunity.objects.get()
    assert (row.amount_cents, row.currency) == (123_457, "EUR")
    note = SyncRecord.objects.get(outcome="created", kind="deal").note
    assert "The CRM sent 1234.567 EUR, rounded to 1234.57." in note

    desk.change(deal, **{currency: "JPY"})
    desk.pull()
    row.refresh_from_db()
    assert (row.amount_cents, row.currency) == (1235, "JPY")
    past = row.changes.order_by("changed_at", "pk").values_list("amount_cents", "currency")
    assert (123_457, "EUR") in list(past)
    assert not SyncRecord.objects.filter(outcome="rejected").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_past_line_that_cannot_be_read_leaves_out_that_line(begin: Begin, kind: str) -> None:
    desk = begin(kind)
    amount, _, typed = AMOUNTS[kind]
    deal = desk.deal(1)
    for text in ("99999999999999999", "2000"):
        desk.world.later()
        desk.change(deal, **{amount: typed(text)})
    desk.world.move_deal(deal)
    desk.pull()
    row = Opportunity.objects.get()
    assert row.amount_cents == 200_000
    assert {*row.changes.values_list("amount_cents", flat=True)} == {100, 200_000}
    assert "was left out" in SyncRecord.objects.get(outcome="created", kind="deal").note


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Auckland", "Europe/Berlin", "Pacific/Honolulu"])
@pytest.mark.parametrize("days", [0, 1, 5])
def test_the_close_date_people_entered_is_the_day_reported(begin: Begin, zone: str, days: int) -> None:
    Company.objects.update(time_zone=zone)
    desk = begin("salesforce")
    entered = date.today() - timedelta(days=days)
    deal = desk.deal()
    desk.change(deal, StageName="Closed Won", CloseDate=entered.isoformat())
    desk.pull()
    row = Opportunity.objects.get()
    assert row.closed_at is not None
    assert row.closed_at.astimezone(Company.current().tz).date() == entered
    assert row.status == "won"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_won", [True, False])
def test_a_deleted_deal_counts_nowhere_and_comes_back_as_it_was(begin: Begin, kind: str, is_won: bool) -> None:
    desk = begin(kind)
    deal = desk.deal()
    desk.pull()
    if is_won:
        desk.world.move_deal(deal, 1)
        desk.pull()
    status = "won" if is_won else "open"
    row = Opportunity.objects.get()
    assert row.status == status
    lines, people = row.changes.count(), set(OpportunityContact.objects.values_list("lead", "is_primary"))
    assert people == {(desk.lead.pk, True)}
    counted = "pipeline.won_count" if is_won else "pipeline.open_count"
    assert shown(counted).value == 1

    desk.world.end_deal(deal)
    desk.pull()

    row.refresh_from_db()
    assert (row.status, row.lost_reason, row.closed_at is not None) == (status, "", is_won)
    assert row.deleted_at is not None
    for key in ("pipeline.won_count", "pipeline.lost_count", "pipeline.open_count", "pipeline.created_count"):
        assert shown(key).value == 0, key
    assert shown("pipeline.win_rate").value is None
    (listed,) = shown(counted).parts["excluded_deleted"].rows()
    assert listed["deleted_at"] == row.deleted_at
    records = desk.world.dialect.records
    if kind == "hubspot":
        records.archive("deals", deal, False)
    else:
        records.restore(desk.world.deal, deal)
    desk.pull()

    row.refresh_from_db()
    assert (row.status, row.deleted_at) == (status, None)
    assert shown(counted).value == 1
    assert row.changes.count() == lines
    assert set(OpportunityContact.objects.values_list("lead", "is_primary")) == people


def test_an_archived_deal_that_was_won_stays_won(begin: Begin) -> None:
    desk = begin("pipedrive")
    deals = [desk.deal(), desk.deal()]
    desk.world.move_deal(deals[0], 1)
    desk.pull()
    for deal in deals:
        desk.world.dialect.records.archive("deal", deal)
    desk.pull()
    assert shown("pipeline.won_count").value == 1
    assert shown("pipeline.open_count").value == 0
    assert shown("pipeline.lost_count").value == 0
