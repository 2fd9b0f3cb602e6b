"""A CRM that is away for a week, while leads change here and deals and people change there; then it comes back.

The clocks of both sides are moved together, from one moment at which the sweeper has something to do to the next.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random

import pytest
from django.db.models import Min
from django.test import Client

from integrations.actions.jobs.follow_changes import follow_changes
from integrations.actions.jobs.plan_reconciles import run_due_reconciles
from integrations.actions.jobs.plan_syncs import run_due_syncs
from integrations.actions.notifications.watch_connections import watch_connections
from integrations.actions.push.enqueue import enqueue_leads
from integrations.connectors import vendors
from integrations.connectors.http import Limits, session
from integrations.connectors.hubspot import session as hubspot_session
from integrations.models import Connection, ExternalRecord, PendingPush, StageMap, SyncRun
from integrations.pure.daily import next_sync
from integrations.sandbox_crm.dialects.scenario import Fault
from integrations.sandbox_crm.server import SandboxServer
from leads.models import (
    Company,
    JobRun,
    Lead,
    LeadEvent,
    Notification,
    Opportunity,
    OpportunityChange,
    OpportunityContact,
    PipelineStage,
    User,
)
from tests.integrations.flows.vendors import WORLDS, World, world_of
from tests.integrations.world import Clock
from tests.leads.factories import LeadFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LEADS, DEALS = 12, 6
LONGEST_STEP = timedelta(hours=6)
AWAY = (
    [],  # the first day it answers, but takes nothing: see `_of_day`
    [Fault("reset", times=None, after_write=False)],
    [Fault("status", times=None, status=503)],
    *([Fault("status", times=None, status=401)] for _ in range(4)),
)
"""What its answers are, day after day."""
WRITES = {
    "salesforce": ("PATCH *",),
    "hubspot": ("POST *batch/upsert", "POST *batch/update"),
    "pipedrive": ("POST */persons", "PATCH */persons/*"),
}


@dataclass
class Week:
    """The two sides and their clocks; `calls` counts what was asked, on each day of the outage and afterwards."""

    world: World
    connection: Connection
    clock: Clock
    seen: int = 0
    moves: list[tuple[str, datetime]] = field(default_factory=list)

    def sweep(self) -> None:
        """What the scheduler lets workers do."""
        follow_changes(at=self.clock())
        run_due_syncs(clock=self.clock, seed=self.seen)
        run_due_reconciles(clock=self.clock, seed=self.seen)
        watch_connections(at=self.clock())
        self.seen += 1

    def goes_by(self, until: datetime) -> int:
        """Sweep whenever something is due; returns the calls that the CRM saw."""
        before = self.total()
        while self.clock() < until:
            self.sweep()
            step = max(self.next_due() - self.clock(), timedelta(seconds=30))
            self.pass_by(min(step, LONGEST_STEP, max(until - self.clock(), timedelta(seconds=1))))
        return self.total() - before

    def next_due(self) -> datetime:
        """When the sweeper finds something the next time."""
        at = self.clock()
        connection = Connection.objects.get(pk=self.connection.pk)
        waiting = PendingPush.objects.filter(state__in=("pending", "leased"))
        jobs = JobRun.objects.filter(state="waiting", beat_at__isnull=False)
        times = [
            waiting.aggregate(Min("not_before"))["not_before__min"],
            jobs.aggregate(Min("beat_at"))["beat_at__min"],
            next_sync(at, Company.current().tz),
        ]
        due = min(each for each in times if each)
        return max(due, connection.paused_until or due) + timedelta(seconds=1)

    def pass_by(self, step: timedelta) -> None:
        self.clock.ahead += step
        self.world.later(seconds=step.total_seconds())

    def total(self) -> int:
        return int(self.world.dialect.calls.shown()["total"])

    def is_quiet(self) -> bool:
        waiting = PendingPush.objects.filter(state__in=("pending", "leased", "dead")).exists()
        newest = SyncRun.objects.filter(connection=self.connection, direction="pull").latest("pk")
        return not waiting and newest.state == "done" and not JobRun.objects.unfinished().exists()


@pytest.fixture(params=sorted(WORLDS))
def world(request: pytest.FixtureRequest, crm: SandboxServer, company: Company) -> World:
    return world_of(request.param, crm.dialect(request.param))


@pytest.fixture
def week(world: World, crm: SandboxServer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Week:
    """A connection in daily use."""
    vendors()
    monkeypatch.setattr(session, "Limits", partial(Limits, connect=1, read=0.5, total=1))
    monkeypatch.setattr(hubspot_session, "SEARCHES_APART", 0)
    return Week(world, world.connect(crm.url), clock)


def _of_day(world: World, faults: list[Fault]) -> list[Fault]:
    return faults or [Fault("status", route, times=None, status=503) for route in WRITES[world.kind]]


def owe(leads: list[Lead], at: datetime) -> None:
    enqueue_leads(lead_ids=[lead.pk for lead in leads], at=at, reason="captured")


def edit(lead: Lead, at: datetime, **fields: str) -> None:
    Lead.objects.filter(pk=lead.pk).update(**fields, changed_at=at)
    LeadEvent.objects.create(lead=lead, kind="updated", happened_at=at, recorded_at=at)


def test_a_week_away_loses_and_doubles_nothing(
    week: Week, world: World, clock: Clock, admin_user: User, client: Client
) -> None:
    leads = LeadFactory.create_batch(LEADS, company="Acme")
    owe(leads, clock() - timedelta(days=2))
    week.sweep()
    ours = {stage.status: stage for stage in PipelineStage.objects.all()}
    for row in StageMap.objects.filter(stage=None):
        StageMap.objects.filter(pk=row.pk).update(stage=ours[row.remote_status])
    people = {world.key_of(each): each.id for each in world.people()}
    assert len(people) == LEADS
    deals = [world.add_deal(people[str(lead.public_id)], f"Deal {n}", 1000 + n) for n, lead in enumerate(leads[:DEALS])]
    week.goes_by(next_sync(clock(), Company.current().tz) + timedelta(hours=1))
    assert week.is_quiet()
    assert Opportunity.objects.count() == DEALS
    begun = next_sync(clock(), Company.current().tz)
    week.goes_by(begun - timedelta(minutes=30))

    chance, began = Random(3), clock()
    days: list[int] = []
    given_up = 0
    for day, faults in enumerate(AWAY):
        world.dialect.scenario.set(*_of_day(world, faults))
        for lead in chance.sample(leads[: LEADS - 2], 3):
            edit(lead, clock(), first_name=f"Day{day}")
        if day < 4:
            fresh = LeadFactory(company="Acme")
            leads.append(fresh)
            owe([fresh], clock())
        if day < DEALS - 1:
            world.move_deal(deals[day], step=day % 2)
            week.moves.append((deals[day], world.now()))
            made = world.add_deal(people[str(leads[day].public_id)], f"Later {day}", 2000 + day)
            deals.append(made)
        days.append(week.goes_by(began + timedelta(days=day + 1)))
        given_up = max(given_up, PendingPush.objects.filter(state="dead").count())
    world.end_deal(deals[DEALS - 1])

    # While it is away: bounded calls, one message, and pages that say since when.
    reading, silent, refusing = days[0], days[1:3], days[3:]
    assert reading <= 500
    assert given_up > 0  # what was tried too often is tried again in the end
    assert all(calls <= 100 for calls in silent)
    assert all(calls <= 16 for calls in refusing)  # every six hours
    connection = Connection.objects.get(pk=week.connection.pk)
    assert connection.health == "failing"
    assert connection.failing_since is not None
    assert timedelta() <= connection.failing_since - begun < timedelta(minutes=5)
    told = Notification.objects.filter(kind="connection_trouble", recipient=admin_user, channel="portal")
    assert told.count() == 1
    client.force_login(admin_user)
    page = client.get(connection.get_absolute_url()).content.decode()
    assert "The sync has not worked since" in page
    assert "Nothing is lost" in page
    assert not PendingPush.objects.filter(state="rejected").exists()

    world.dialect.scenario.set()
    back, calls = clock(), 0
    for _ in range(40):
        calls += week.goes_by(clock() + timedelta(hours=1))
        if week.is_quiet():
            break
    assert week.is_quiet()
    assert clock() - back <= timedelta(hours=7)
    assert calls <= 80
    connection.refresh_from_db()
    assert (connection.health, connection.failing_since) == ("ok", None)

    assert world.keys() == Counter(str(lead.public_id) for lead in leads)
    names = {world.key_of(each): world.first_name_of(each) for each in world.people()}
    assert names == {str(lead.public_id): lead.first_name for lead in Lead.objects.all()}
    links = ExternalRecord.objects.filter(kind="deal", opportunity__isnull=False)
    assert Counter(links.values_list("remote_id", flat=True)) == Counter(deals)
    assert Opportunity.objects.count() == len(deals)
    contacts = OpportunityContact.objects.filter(opportunity__in=links.values("opportunity"))
    assert contacts.values("opportunity", "lead").distinct().count() == contacts.count() == len(deals)
    assert links.get(remote_id=deals[DEALS - 1]).opportunity.deleted_at is not None
    for deal, moved in week.moves:
        changes = OpportunityChange.objects.filter(opportunity=links.get(remote_id=deal).opportunity)
        assert [abs(each.changed_at - moved) < timedelta(seconds=3) for each in changes].count(True) == 1, deal
    assert told.count() == 1
