"""A draft of the scoring rules that an admin is working on, tried on past leads."""

from __future__ import annotations

from datetime import datetime, timedelta

from leads.actions.scoring.back_test import request_back_test, run_back_tests
from leads.actions.scoring.edit_draft import RuleValues, save_limits, save_rule, switch_rule
from leads.actions.scoring.version_scoring import copy_rule_set
from leads.models import Company, LifecyclePassage, Role, ScoringRule, ScoringRuleSet, Stage, User
from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import Operator

WEEKS = 12
NOTE = "Fewer, better MQLs: home market first, opened emails no longer count"
RULES = (
    RuleValues("Home market", "fit", Group((Condition("country", Operator.IS, ("DE", "AT", "CH")),)), 10),
    RuleValues(
        "Webinar in the last 30 days",
        "behaviour",
        Group((Condition("event:webinar_attendance", Operator.HAPPENED, low=1, days=30),)),
        10,
        half_life_days=14,
    ),
)


def write_draft(at: datetime) -> None:
    """One draft with a back-test, beside the active version; nothing when there is a draft already."""
    admin = User.objects.filter(role=Role.ADMIN).order_by("pk").first()
    active = ScoringRuleSet.objects.get(state=ScoringRuleSet.State.ACTIVE)
    if ScoringRuleSet.objects.filter(state=ScoringRuleSet.State.DRAFT).exists():
        return
    made = {"activated_by": admin, "why": "Agreed at the quarterly planning"}
    ScoringRuleSet.objects.filter(pk=active.pk).update(created_by=admin, created_at=active.activated_at, **made)
    Company.objects.update(mqls_per_week=_capacity(at))
    asked_at = at - timedelta(days=2, hours=3)
    draft = copy_rule_set(rule_set_id=active.pk, by=admin, at=asked_at)
    save_limits(
        rule_set_id=draft.pk,
        fit_threshold=active.fit_threshold + 5,
        behaviour_threshold=active.behaviour_threshold,
        fit_cap=active.fit_cap,
        behaviour_cap=active.behaviour_cap,
        half_life_days=active.half_life_days,
        note=NOTE,
    )
    for values in RULES:
        save_rule(rule_set_id=draft.pk, values=values)
    opened = ScoringRule.objects.get(rule_set=draft, name="Opened an email")
    switch_rule(rule_set_id=draft.pk, rule_id=opened.pk, is_enabled=False)
    last = asked_at.astimezone(Company.current().tz).date() - timedelta(days=60)
    request_back_test(
        rule_set_id=draft.pk,
        first_day=last - timedelta(days=181),
        last_day=last,
        horizon_days=60,
        by=admin,
        at=asked_at + timedelta(minutes=10),
    )
    run_back_tests(clock=lambda: asked_at + timedelta(minutes=11))


def _capacity(at: datetime) -> int:
    """What sales can take: a little more than what came on average lately, in fives."""
    since = at - timedelta(weeks=WEEKS)
    came = LifecyclePassage.objects.filter(to_stage=Stage.MQL, passed_at__gte=since, passed_at__lte=at).count()
    return max(5, -(-came // WEEKS // 5) * 5 + 5)
