"""A stored score on later days is what its rules give on those days, and it names the next day on which it changes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from leads.pure.conditions.evaluate import Event, Facts
from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import Operator
from leads.pure.scoring.rules import Rule, RuleSet
from leads.pure.scoring.score import Scorer
from leads.pure.scoring.stored import score_on, to_stored, told

TODAY = date(2026, 11, 16)
KINDS = ["form_submission", "page_view", "email_unsubscribe"]


def happened(kind: str, days: int | None = None, low: int = 1) -> Group:
    return Group((Condition(f"event:{kind}", Operator.HAPPENED, low=low, days=days),))


@st.composite
def rule_sets(draw: st.DrawFn, with_windows: bool = True) -> RuleSet:
    rules = [
        Rule(1, "Size", "fit", Group((Condition("company_size", Operator.AT_LEAST, low=50),)), draw(st.integers(1, 40)))
    ]
    for number in range(draw(st.integers(1, 5))):
        days = draw(st.none() | st.integers(1, 60)) if with_windows else None
        when = happened(draw(st.sampled_from(KINDS)), days, draw(st.integers(1, 2)))
        points = draw(st.integers(-30, 30).filter(bool))
        half_life = draw(st.sampled_from([None, None, 0, 7, 45]))
        rules.append(Rule(number + 2, f"Deed {number}", "behaviour", when, points, draw(st.integers(1, 3)), half_life))
    caps = st.none() | st.integers(0, 60)
    return RuleSet(1, rules, 20, 20, draw(caps), draw(caps), draw(st.sampled_from([None, 3, 30])))


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    events = []
    for kind, age in draw(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(-9, 90)), max_size=8)):
        at = datetime(2026, 11, 16, 9, tzinfo=UTC) - timedelta(days=age)
        events.append(Event(kind, "", at, at.date()))
    return Facts({"company_size": draw(st.sampled_from([None, 9, 80]))}, events)


@settings(max_examples=300, deadline=None)
@given(rule_sets(), facts())
def test_nothing_changes_before_the_day_it_names(rule_set: RuleSet, known: Facts) -> None:
    scorer = Scorer(rule_set)
    now = scorer(known, TODAY)
    for later in range(1, 100):
        day = TODAY + timedelta(days=later)
        if now.changes_on is not None and day >= now.changes_on:
            break
        then = scorer(known, day)
        assert (then.fit, then.behaviour, then.is_qualified) == (now.fit, now.behaviour, now.is_qualified)


@settings(max_examples=300, deadline=None)
@given(rule_sets(), facts())
def test_a_stored_score_ages_as_its_rules_do(rule_set: RuleSet, known: Facts) -> None:
    scorer = Scorer(rule_set)
    first = scorer(known, TODAY)
    stored = json.loads(json.dumps(to_stored(first)))
    for later in (0, 1, 2, 5, 13, 30, 61, 200):
        day = TODAY + timedelta(days=later)
        if first.turns_on is not None and day >= first.turns_on:
            break
        whole, aged = scorer(known, day), score_on(stored, rule_set, day, first.turns_on)
        assert (aged.total, aged.fit, aged.behaviour) == (whole.total, whole.fit, whole.behaviour)
        assert told(aged.reasons) == told(whole.reasons)
        assert aged.changes_on == whole.changes_on


def test_a_reason_says_what_it_is_still_worth() -> None:
    rules = RuleSet(1, [Rule(1, "Form", "behaviour", happened("form_submission"), 20)], 0, 0, half_life_days=25)
    at = datetime(2026, 11, 3, 9, tzinfo=UTC)
    score = Scorer(rules)(Facts({}, [Event("form_submission", "Pricing", at, at.date())]), TODAY)
    (reason,) = score.reasons
    assert reason.points == 14
    assert reason.because == "Submitted a form “Pricing”, 13 days ago (worth 14 of 20 points by now)"
    # 20 · 2^(−k/25) falls under 13.5 after 14.2 days.
    assert score.changes_on == date(2026, 11, 18)


def test_behind_a_cap_only_a_shown_change_is_named() -> None:
    rules = RuleSet(
        1, [Rule(1, "Form", "behaviour", happened("form_submission"), 50, 2)], 0, 0, behaviour_cap=60, half_life_days=30
    )
    at = datetime(2026, 11, 16, 9, tzinfo=UTC)
    score = Scorer(rules)(Facts({}, [Event("form_submission", "", at, at.date())] * 2), TODAY)
    # 100 · 2^(−k/30) rounds to less than 60 once it is under 59.5: after 22.5 days.
    assert score.total == 60
    assert score.changes_on == TODAY + timedelta(days=23)
