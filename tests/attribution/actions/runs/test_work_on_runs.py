"""Runs in parts: the same credits, visible at once, whoever dies on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attribution.actions.runs import store_credits
from attribution.actions.runs import work_on_runs as parts
from attribution.actions.runs.hold_run import LEASE, RunInProgress
from attribution.actions.runs.request_run import request_run
from attribution.actions.runs.work_on_runs import CLAIM, work_on_runs
from attribution.models import (
    AttributionRules,
    AttributionRun,
    AttributionShard,
    Credit,
    JourneyState,
    StagedCredit,
    StagedState,
)
from attribution.queries import aside, columns
from leads.models import Opportunity, Touchpoint
from tests.attribution.factories import AT, company_with_deals, run, stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
SECOND = timedelta(seconds=1)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = AT + timedelta(hours=1)

    def __call__(self):
        return self.at


def planned(kind: str = "full") -> AttributionRun:
    return request_run(kind=kind, at=AT, by=None, reason="test")


@pytest.mark.parametrize("kind", ["full", "incremental"])
def test_parts_give_the_credits_of_one_run(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_credits, "ANEW_FROM", 1)
    monkeypatch.setattr(aside, "ASIDE_FROM", 1)
    monkeypatch.setattr(aside, "TURN", 7)
    monkeypatch.setattr(columns, "TURN", 7)
    company_with_deals()
    AttributionRules.objects.update(kept_scopes=["contacts", "account"])
    alone = run()
    expected = stored()
    Credit.objects.filter(method="linear").update(cents=1)  # only a full run does these again
    JourneyState.objects.filter(opportunity_id__gt=Opportunity.objects.order_by("pk")[3].pk).delete()
    Credit.objects.filter(opportunity_id__gt=Opportunity.objects.order_by("pk")[3].pk).delete()
    asked = planned(kind)
    assert asked.state == "waiting"
    assert planned(kind) == asked
    assert work_on_runs(clock=Clock(), part_size=3) == 3
    asked.refresh_from_db()
    assert (asked.state, asked.shards, asked.shards_done, asked.inputs_hash) == ("done", 3, 3, alone.inputs_hash)
    assert asked.opportunities_recomputed == (8 if kind == "full" else 4)
    assert asked.difference["causes"] == {"new_opportunity": 4}
    assert not StagedCredit.objects.exists()
    assert not StagedState.objects.exists()
    if kind == "full":
        assert stored() == expected
        assert asked.credits_written == Credit.objects.count()
        assert JourneyState.objects.count() == 16
    assert work_on_runs(clock=Clock()) == 0


def test_old_credits_stay_until_every_part_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    company_with_deals()
    run()
    before = stored()
    Opportunity.objects.update(reporting_cents=5)
    planned()
    compute, seen = parts._compute, []

    def watched(*known):
        seen.append(stored() == before)
        return compute(*known)

    monkeypatch.setattr(parts, "_compute", watched)
    work_on_runs(clock=Clock(), part_size=2)
    assert seen == [True] * 4
    assert set(Credit.objects.values_list("cents", flat=True)) <= set(range(6))
    assert stored() != before


def test_a_claim_of_a_dead_worker_expires_and_its_late_work_is_refused() -> None:
    company_with_deals()
    asked, clock = planned(), Clock()
    assert parts._take_up(asked, clock, 3)
    slow = parts._claim(asked, clock())
    assert work_on_runs(clock=clock) == 2  # the claimed part is left alone
    assert AttributionRun.objects.get().state == "running"
    assert not Credit.objects.exists()

    clock.at += CLAIM + SECOND
    again = parts._claim(asked, clock())
    assert again.pk == slow.pk
    assert again.fence == slow.fence + 1
    assert parts._compute(asked, slow, clock) == 0
    assert parts._compute(asked, again, clock) == 1
    assert parts._compute(asked, again, clock) == 0
    parts._finish(asked, clock)
    with pytest.raises(RunInProgress):
        parts._finish(asked, clock)
    assert AttributionRun.objects.get().state == "done"
    assert AttributionRun.objects.get().shards_done == 3
    known = stored()
    run(kind="full")
    assert stored() == known


def test_other_rules_meanwhile_end_the_run() -> None:
    company_with_deals()
    asked, clock = planned(), Clock()
    parts._take_up(asked, clock, 3)
    AttributionRules.objects.update(half_life_days=3)
    assert work_on_runs(clock=clock) == 0
    asked.refresh_from_db()
    assert asked.state == "failed"
    assert "changed" in asked.error
    assert not StagedCredit.objects.exists()
    assert not AttributionShard.objects.exists()
    assert run().state == "done"


def test_a_touch_deleted_meanwhile_leaves_no_orphan() -> None:
    company_with_deals()
    asked, clock = planned(), Clock()
    parts._take_up(asked, clock, 100)
    parts._compute(asked, parts._claim(asked, clock()), clock)
    Touchpoint.objects.filter(exclusion="").delete()
    assert work_on_runs(clock=clock) == 0
    asked.refresh_from_db()
    assert asked.state == "failed"
    assert not Credit.objects.exists()


def test_a_run_whose_workers_all_died_gives_way() -> None:
    company_with_deals()
    asked, clock = planned(), Clock()
    parts._take_up(asked, clock, 3)
    parts._compute(asked, parts._claim(asked, clock()), clock)
    assert run(at=clock.at + LEASE + SECOND).state == "done"
    asked.refresh_from_db()
    assert asked.state == "failed"
    assert not StagedCredit.objects.exists()
    assert work_on_runs(clock=clock) == 0


def test_one_worker_learns_while_the_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    company_with_deals()
    asked, clock, learned = planned("refit"), Clock(), []
    learn = parts.fit_methods

    def second_worker_meanwhile(**given):
        learned.append(given["reason"])
        assert work_on_runs(clock=clock) == 0
        return learn(**given)

    monkeypatch.setattr(parts, "fit_methods", second_worker_meanwhile)
    assert work_on_runs(clock=clock) == 1
    assert len(learned) == 1
    asked.refresh_from_db()
    assert asked.state == "done"

    # One that died while it learned is replaced when its claim is over.
    asked = planned("refit")
    AttributionRun.objects.filter(pk=asked.pk).update(beat_at=clock.at)
    assert work_on_runs(clock=clock) == 0
    clock.at += CLAIM + SECOND
    assert work_on_runs(clock=clock) == 1
