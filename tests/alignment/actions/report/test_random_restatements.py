"""Random corrections of random rows: whatever happens, the parts add up and only rows that changed are causes.

Each restatement starts from the same published report and is rolled back after the look.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction

from alignment.actions.report.restate import restate
from alignment.models import Restatement
from attribution.actions.runs.run_attribution import run_attribution
from leads.actions.identity.merge_leads import merge_leads
from leads.models import (
    CampaignCost,
    Company,
    ExchangeRate,
    FollowUp,
    Lead,
    LifecyclePassage,
    Opportunity,
    OpportunityContact,
    Touchpoint,
)
from leads.past.acting import Door, act, backdated
from leads.past.moments import to_micros
from leads.past.registry import facts
from tests.alignment.factories import MONDAY, build_world, report
from tests.alignment.ledgers import check_sums, lines
from tests.leads.factories import CampaignFactory, LeadFactory, OpportunityFactory, TouchpointFactory, channel, stage
from tests.leads.figures import world

pytestmark = pytest.mark.django_db
LOOK = MONDAY + timedelta(days=2)
RESTATEMENTS = int(os.environ.get("RESTATEMENTS", "12"))  # `make torture` asks for more
MANY = 500
"""From so many on, every kind of cause is met."""


@dataclass
class History:
    """What was done: the rows that each moment changed, told by the versions alone."""

    changed: dict[int, set[tuple[str, int]]] = field(default_factory=lambda: defaultdict(set))

    def note(self, moment: datetime) -> None:
        at = to_micros(moment)
        with connection.cursor() as cursor:
            for fact in facts():
                cursor.execute(
                    f'SELECT DISTINCT v.id FROM "{fact.versions}" v JOIN leads_change c'
                    " ON c.id = v.known_by OR c.id = v.ended_by WHERE c.at = %s",
                    [at],
                )
                self.changed[at] |= {(fact.table, int(pk)) for (pk,) in cursor.fetchall()}


# --- what may happen -------------------------------------------------------------------------------------------------


def _one(rows: Any, chance: Random) -> Any:
    found = list(rows.order_by("pk"))
    return chance.choice(found) if found else None


def amount(chance: Random, at: datetime) -> None:
    deal = _one(Opportunity.objects.filter(currency="EUR"), chance)
    cents = chance.choice([None, chance.randrange(1, 900_000)])
    Opportunity.objects.filter(pk=deal.pk).update(amount_cents=cents, reporting_cents=cents)


def price(chance: Random, at: datetime) -> None:
    deal = _one(Opportunity.objects.filter(currency="USD"), chance)
    Opportunity.objects.filter(pk=deal.pk).update(reporting_cents=chance.randrange(1, 90_000))


def rate(chance: Random, at: datetime) -> None:
    """A rate is entered and what it touches is priced anew."""
    entered = Decimal(chance.randrange(1, 99)) / 100
    ExchangeRate.objects.update_or_create(currency="USD", valid_from=at.date(), defaults={"rate": entered})
    price(chance, at)


def status(chance: Random, at: datetime) -> None:
    deal = _one(Opportunity.objects.all(), chance)
    state = chance.choice(["open", "won", "lost"])
    closed = None if state == "open" else world.on(chance.randrange(9, 17), chance.randrange(0, 4))
    named = stage({"open": "discovery", "won": "won", "lost": "lost"}[state])
    Opportunity.objects.filter(pk=deal.pk).update(status=state, closed_at=closed, stage=named)


def bystander(chance: Random, at: datetime) -> None:
    """Columns that decide nothing."""
    Opportunity.objects.update(name="Renamed", changed_at=at)
    Lead.objects.update(company="Renamed", score=chance.randrange(99))


def touch_deleted(chance: Random, at: datetime) -> None:
    if touch := _one(Touchpoint.objects.all(), chance):
        touch.delete()


def touch_reclassified(chance: Random, at: datetime) -> None:
    if touch := _one(Touchpoint.objects.all(), chance):
        way = channel(chance.choice(["email", "events", "direct", "paid-search"]))
        Touchpoint.objects.filter(pk=touch.pk).update(channel=way, exclusion=chance.choice(["", "bot"]))


def touch_recorded(chance: Random, at: datetime) -> None:
    lead = _one(Lead.objects.filter(merged_into__isnull=True), chance)
    TouchpointFactory(lead=lead, campaign=CampaignFactory(), occurred_at=world.on(chance.randrange(2, 14)))


def contact(chance: Random, at: datetime) -> None:
    deal, lead = _one(Opportunity.objects.all(), chance), _one(Lead.objects.filter(merged_into__isnull=True), chance)
    known = OpportunityContact.objects.filter(opportunity=deal, lead=lead)
    if known.exists():
        known.delete()
    else:
        OpportunityContact.objects.create(opportunity=deal, lead=lead)


def cost(chance: Random, at: datetime) -> None:
    row = _one(CampaignCost.objects.all(), chance)
    cents = chance.randrange(1, 90_000)
    match chance.randrange(3):
        case 0:
            CampaignCost.objects.filter(pk=row.pk).update(amount_cents=cents, reporting_cents=cents)
        case 1:
            row.delete()
        case _:
            CampaignCost.objects.create(
                campaign=row.campaign,
                spent_on=row.spent_on,
                source=f"late {cents}",
                amount_cents=cents,
                currency="EUR",
                reporting_cents=cents,
                recorded_at=at,
            )


def merge(chance: Random, at: datetime) -> None:
    people = list(Lead.objects.filter(merged_into__isnull=True).order_by("pk"))
    if len(people) > 1:
        survivor, loser = chance.sample(people, 2)
        merge_leads(survivor_id=survivor.pk, loser_id=loser.pk, by=None, at=at)


def follow_up(chance: Random, at: datetime) -> None:
    if promise := _one(FollowUp.objects.filter(done_at__isnull=True), chance):
        done = chance.choice([at, world.on(12)])
        FollowUp.objects.filter(pk=promise.pk).update(done_at=done, outcome=chance.choice(["reached", "not_needed"]))
    else:
        FollowUp.objects.filter(pk=_one(FollowUp.objects.all(), chance).pk).update(planned_at=world.on(10, 9))


def passage(chance: Random, at: datetime) -> None:
    if chance.random() < 0.3:
        _one(LifecyclePassage.objects.all(), chance).delete()
        return
    lead = _one(Lead.objects.filter(merged_into__isnull=True), chance)
    world.passage(lead, chance.choice(["mql", "sql", "sal"]), chance.choice([world.on(12), at]))


def owner(chance: Random, at: datetime) -> None:
    lead = _one(Lead.objects.all(), chance)
    Lead.objects.filter(pk=lead.pk).update(owner=None if lead.owner_id else Lead.objects.exclude(owner=None)[0].owner)


EDITS: tuple[Callable[[Random, datetime], None], ...] = (
    amount,
    price,
    rate,
    status,
    bystander,
    touch_deleted,
    touch_reclassified,
    touch_recorded,
    contact,
    cost,
    merge,
    follow_up,
    passage,
    owner,
)


# --- what must hold --------------------------------------------------------------------------------------------------


def _published_world() -> None:
    made = build_world()
    CampaignCost.objects.update(recorded_at=MONDAY - timedelta(days=1))
    for number in range(4):
        lead = LeadFactory(captured_at=world.on(10), owner=made.ann if number % 2 else None, campaign=made.search)
        world.passage(lead, "mql", world.on(10, 12), "lead")
        world.follow_up(lead, world.on(11, 9), world.on(11, 13), world.on(11, 9 + number) if number else None)
        TouchpointFactory(lead=lead, campaign=made.search, occurred_at=world.on(10, 8))
        deal = OpportunityFactory(
            name=f"Deal {number}",
            status="won" if number else "open",
            amount_cents=10_000 + number,
            reporting_cents=10_000 + number,
            currency="USD" if number == 3 else "EUR",
            opened_at=world.on(10, 13),
            closed_at=world.on(13) if number else None,
            territory=made.north,
        )
        OpportunityContact.objects.create(opportunity=deal, lead=lead)
    run_attribution(at=MONDAY, reason="test")
    report()


def _restated(seed: int) -> tuple[list[Restatement], History]:
    chance, history = Random(seed), History()
    for number in range(chance.randrange(1, 4)):
        moment = MONDAY + timedelta(hours=1 + number)
        with backdated(moment), act(Door.JOB, source=f"writer {number}"):
            for edit in chance.sample(EDITS, chance.choice([1, 1, 2])):
                edit(chance, moment)
        history.note(moment)
    return restate(at=LOOK), history


def check_restatements(rows: list[Restatement], history: History, seed: int) -> Counter[str]:
    """The parts add up; each line names rows of the moment it tells, and no other; each is somebody's doing."""
    told: Counter[str] = Counter()
    for row in rows:
        check_sums(row)
        for cause in row.ledger["causes"]:
            told[cause["key"]] += 1
            for line in cause["lines"]:
                named = {(table, pk) for table, pk in line["changed"]}
                assert cause["key"] not in ("other", "before_history"), (seed, row, line)
                if cause["key"] == "time":
                    assert not named, (seed, row, line)
                    continue
                at = to_micros(datetime.fromisoformat(line["at"]))
                assert named, (seed, row, line)
                assert named <= history.changed[at], (seed, row, line)
                assert line["by"] == f"writer {(at - to_micros(MONDAY)) // 3_600_000_000 - 1}", (seed, row, line)
    return told


def _run(seeds: range) -> Counter[str]:
    told: Counter[str] = Counter()
    for seed in seeds:
        with transaction.atomic():
            rows, history = _restated(seed)
            told += check_restatements(rows, history, seed)
            transaction.set_rollback(True)
    return told


def test_restatements_add_up_and_name_what_changed(company: Company) -> None:
    _published_world()
    told = _run(range(RESTATEMENTS))
    assert len(told) > 5
    assert (
        RESTATEMENTS < MANY
        or {
            "deal_amount",
            "deal_status",
            "deal_reopened",
            "rate",
            "repriced",
            "touch_deleted",
            "touch_reclassified",
            "touch_recorded",
            "contact_came",
            "contact_went",
            "cost_changed",
            "cost_removed",
            "cost_recorded",
            "merged",
            "answered",
            "passage_recorded",
            "moved_on",
            "assigned",
        }
        <= told.keys()
    )


@pytest.mark.parametrize("edit", [amount, price, touch_deleted, cost, follow_up, owner])
def test_of_one_row_that_changed_no_other_is_named(company: Company, edit: Callable[[Random, datetime], None]) -> None:
    _published_world()
    for seed in range(3):
        with transaction.atomic():
            history = History()
            with backdated(MONDAY + timedelta(hours=1)):
                edit(Random(seed), MONDAY + timedelta(hours=1))
            history.note(MONDAY + timedelta(hours=1))
            (changed,) = history.changed.values()
            assert len(changed) == 1
            for row in restate(at=LOOK):
                check_sums(row)
                assert {(table, pk) for line in lines(row) for table, pk in line["changed"]} == changed, (seed, row)
            transaction.set_rollback(True)
