"""Versions of the rules: drafts are edited, activation scores every lead, roll-back is a version of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytest import MonkeyPatch

from leads.actions.intake import run_intake
from leads.actions.scoring import rescore_leads as rescoring
from leads.actions.scoring.edit_draft import RuleValues, move_rule, remove_rule, save_limits, save_rule, switch_rule
from leads.actions.scoring.rescore_leads import rescore_leads
from leads.actions.scoring.version_scoring import (
    NotADraft,
    VersionRefused,
    activate_due,
    activate_rule_set,
    cancel_schedule,
    copy_rule_set,
    discard_draft,
    roll_back,
    schedule_rule_set,
)
from leads.models import JobRun, Lead, LeadScore, LifecyclePassage, ScoringRule, ScoringRuleSet, ShownScore
from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import Operator
from leads.pure.scoring.rules import InvalidRule
from tests.leads.factories import LeadFactory, TouchpointFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 16, 9, tzinfo=UTC)
GERMAN = RuleValues("German", "fit", Group((Condition("country", Operator.IS, ("DE",)),)), 15)


def active() -> ScoringRuleSet:
    return ScoringRuleSet.objects.get(state="active")


def draft() -> ScoringRuleSet:
    return copy_rule_set(rule_set_id=active().pk, by=UserFactory(role="admin"), at=AT)


def test_a_draft_is_edited_and_an_active_version_is_not() -> None:
    row = draft()
    made = save_rule(rule_set_id=row.pk, values=GERMAN)
    changed = save_rule(rule_set_id=row.pk, rule_id=made.pk, values=RuleValues("German", "fit", GERMAN.when, 5))
    assert (changed.pk, changed.points) == (made.pk, 5)
    switch_rule(rule_set_id=row.pk, rule_id=made.pk, is_enabled=False)
    save_limits(
        rule_set_id=row.pk,
        fit_threshold=1,
        behaviour_threshold=2,
        fit_cap=3,
        behaviour_cap=4,
        half_life_days=None,
        note="x",
    )
    row.refresh_from_db()
    assert (row.fit_threshold, row.behaviour_cap, row.half_life_days, row.note) == (1, 4, None, "x")
    assert not ScoringRule.objects.get(pk=made.pk).is_enabled
    remove_rule(rule_set_id=row.pk, rule_id=made.pk)
    assert row.rules.count() == active().rules.count()
    with pytest.raises(NotADraft):
        save_rule(rule_set_id=active().pk, values=GERMAN)
    with pytest.raises(InvalidRule):
        save_rule(rule_set_id=row.pk, values=RuleValues("Bad", "behaviour", GERMAN.when, 5))


def test_rules_move_among_their_group() -> None:
    row = draft()
    fit = list(row.rules.filter(group="fit").order_by("position", "pk"))
    move_rule(rule_set_id=row.pk, rule_id=fit[1].pk, is_up=True)
    names = list(row.rules.filter(group="fit").order_by("position", "pk").values_list("name", flat=True))
    assert names[:2] == [fit[1].name, fit[0].name]
    move_rule(rule_set_id=row.pk, rule_id=fit[1].pk, is_up=True)
    assert list(row.rules.filter(group="fit").order_by("position").values_list("name", flat=True)) == names


def test_activation_scores_every_lead_and_names_the_reason_of_new_mqls() -> None:
    leads = [LeadFactory(country=country) for country in ("DE", "FR")]
    for lead in leads:
        TouchpointFactory(lead=lead, occurred_at=AT)
    run_intake(lead_ids=[lead.pk for lead in leads], at=AT)
    row, by = draft(), UserFactory(role="admin")
    save_rule(rule_set_id=row.pk, values=RuleValues("German", "fit", GERMAN.when, 50))
    activate_rule_set(rule_set_id=row.pk, at=AT, by=by, why="Germany first")
    job = JobRun.objects.get(kind="scoring")
    assert (job.state, job.total) == ("waiting", 2)

    assert rescore_leads(clock=lambda: AT) == 2

    job.refresh_from_db()
    assert (job.state, job.done) == ("done", 2)
    assert "2 leads scored" in job.message
    german, french = Lead.objects.get(country="DE"), Lead.objects.get(country="FR")
    assert (german.stage, french.stage) == ("mql", "lead")
    passage = LifecyclePassage.objects.get(to_stage="mql")
    assert passage.because.endswith(f"; the rules changed with version {row.version}")
    assert german.intake_due_at == AT
    row.refresh_from_db()
    assert (row.state, row.activated_by, row.why) == ("active", by, "Germany first")
    assert set(ShownScore.objects.values_list("given__rule_set", flat=True)) == {row.pk}

    before = LeadScore.objects.count()
    JobRun.objects.update(state="waiting", progress={})
    rescore_leads(clock=lambda: AT)
    assert LeadScore.objects.count() == before


def test_rescoring_takes_turns_and_goes_on_where_the_last_one_or_a_dead_worker_ended(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(rescoring, "BATCH", 2)
    monkeypatch.setattr(rescoring, "TURN", timedelta())
    LeadFactory.create_batch(5)
    activate_rule_set(rule_set_id=draft().pk, at=AT)
    job = JobRun.objects.get(kind="scoring")
    assert rescore_leads(clock=lambda: AT) == 2
    job.refresh_from_db()
    assert (job.state, job.done) == ("waiting", 2)
    assert rescoring.rescoring_waits()
    JobRun.objects.update(state="running", beat_at=AT - timedelta(hours=1))
    assert rescore_leads(clock=lambda: AT) == 2
    assert rescore_leads(clock=lambda: AT) == 1
    job.refresh_from_db()
    assert (job.state, job.done) == ("waiting", 5)
    assert rescore_leads(clock=lambda: AT) == 0
    job.refresh_from_db()
    assert job.state == "done"
    assert "5 leads scored" in job.message


def test_nobody_loses_a_stage_by_a_roll_back() -> None:
    lead = LeadFactory(country="DE")
    TouchpointFactory(lead=lead, occurred_at=AT)
    first, row = active(), draft()
    save_rule(rule_set_id=row.pk, values=RuleValues("German", "fit", GERMAN.when, 50))
    activate_rule_set(rule_set_id=row.pk, at=AT)
    rescore_leads(clock=lambda: AT)
    high = Lead.objects.get().score
    again = roll_back(rule_set_id=first.pk, by=None, at=AT + timedelta(hours=1), why="Too many")
    rescore_leads(clock=lambda: AT + timedelta(hours=1))
    lead.refresh_from_db()
    assert (lead.stage, lead.score) == ("mql", high - 50)
    assert (again.state, again.is_roll_back, again.based_on, again.why) == ("active", True, first, "Too many")
    assert list(again.rules.values_list("name", "points", "position")) == list(
        first.rules.values_list("name", "points", "position")
    )


def test_a_schedule_activates_by_itself_and_can_be_cancelled() -> None:
    row, by = draft(), UserFactory(role="admin")
    monday = AT + timedelta(days=7)
    with pytest.raises(VersionRefused, match="future"):
        schedule_rule_set(rule_set_id=row.pk, activates_at=AT, by=by, at=AT, why="New quarter")
    schedule_rule_set(rule_set_id=row.pk, activates_at=monday, by=by, at=AT, why="New quarter")
    with pytest.raises(NotADraft):
        save_rule(rule_set_id=row.pk, values=GERMAN)
    with pytest.raises(VersionRefused, match="scheduled already"):
        schedule_rule_set(rule_set_id=draft().pk, activates_at=monday, by=by, at=AT, why="x")
    cancel_schedule(rule_set_id=row.pk)
    schedule_rule_set(rule_set_id=row.pk, activates_at=monday, by=by, at=AT, why="New quarter")
    assert activate_due(at=monday - timedelta(seconds=1)) == []
    assert [each.version for each in activate_due(at=monday)] == [row.version]
    row.refresh_from_db()
    assert (row.state, row.activated_by, row.why) == ("active", by, "New quarter")
    assert activate_due(at=monday) == []


def test_a_version_that_cannot_score_is_not_activated() -> None:
    row = draft()
    row.rules.filter(name="Sent a form").update(conditions={"schema": 1, "match": "all", "items": []})
    with pytest.raises(VersionRefused, match="Sent a form"):
        activate_rule_set(rule_set_id=row.pk, at=AT)
    row.rules.all().update(is_enabled=False)
    with pytest.raises(VersionRefused, match="no enabled rule"):
        activate_rule_set(rule_set_id=row.pk, at=AT)
    assert active().pk != row.pk


def test_a_draft_is_discarded_and_nothing_else() -> None:
    row = draft()
    discard_draft(rule_set_id=row.pk)
    assert not ScoringRuleSet.objects.filter(pk=row.pk).exists()
    with pytest.raises(NotADraft):
        discard_draft(rule_set_id=active().pk)


def test_a_job_of_a_version_that_was_replaced_ends() -> None:
    first, second = draft(), draft()
    activate_rule_set(rule_set_id=first.pk, at=AT)
    activate_rule_set(rule_set_id=second.pk, at=AT)
    rescore_leads(clock=lambda: AT)
    messages = list(JobRun.objects.order_by("pk").values_list("state", "message"))
    assert messages[0] == ("done", "Another version was activated meanwhile")
    assert messages[1][0] == "done"
