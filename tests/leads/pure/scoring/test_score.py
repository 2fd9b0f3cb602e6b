"""A score is the sum of its reasons, whatever the rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.conditions.evaluate import Event, Facts
from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import Operator as Op
from leads.pure.scoring.rules import InvalidRule, Rule, RuleSet, Side
from leads.pure.scoring.score import Score, Scorer

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)


def event(kind: str, name: str = "", days_ago: float = 0) -> Event:
    at = NOW - timedelta(days=days_ago)
    return Event(kind, name, at, at.date())


def rules_of(*rules: Rule, **settings: Any) -> RuleSet:
    return RuleSet(**{"version": 1, "rules": rules, "fit_threshold": 0, "behaviour_threshold": 0, **settings})


def when(key: str, operator: Op = Op.KNOWN, *values: str, **more: Any) -> Condition:
    return Condition(key, operator, values, **more)


def rule(side: Side, *conditions: Condition, points: int = 10, **more: Any) -> Rule:
    return Rule(1, "rule", side, Group(conditions), points, **more)


def deed(
    kind: str, *names: str, operator: Op = Op.HAPPENED, low: int | None = 1, points: int = 10, **more: Any
) -> Rule:
    of_condition = {name: more.pop(name) for name in ("days", "high", "names") if name in more}
    return rule("behaviour", when(f"event:{kind}", operator, *names, low=low, **of_condition), points=points, **more)


def known(key: str, points: int = 10) -> Rule:
    return rule("fit", when(f"attribute:{key}"), points=points)


def score(facts: Facts, rule_set: RuleSet) -> Score:
    return Scorer(rule_set)(facts, NOW.date())


def test_fit_reasons_are_plain_sentences() -> None:
    both = rule("fit", when("job_title", Op.CONTAINS, "CTO"), when("country", Op.IS, "DE", "AT"))
    result = score(Facts({"job_title": "Interim CTO", "country": "DE"}), rules_of(both))
    assert [reason.because for reason in result.reasons] == ["Job title contains CTO and country is DE"]
    assert (result.total, result.fit, result.behaviour) == (10, 10, 0)


def test_repeats_count_up_to_their_limit() -> None:
    events = [event("webinar_attendance", "Launch", days) for days in (3, 10, 20)]
    (reason,) = score(Facts({}, events), rules_of(deed("webinar_attendance", max_times=2))).reasons
    assert (reason.points, reason.times) == (20, 2)
    assert reason.because == "Attended webinar “Launch” ×2, newest 3 days ago"


def test_points_halve_with_each_half_life() -> None:
    result = score(Facts({}, [event("email_click", days_ago=30)]), rules_of(deed("email_click"), half_life_days=30))
    assert result.total == 5
    assert result.reasons[0].because == "Clicked in email, 30 days ago (worth 5 of 10 points by now)"


def test_a_rule_has_a_half_life_of_its_own() -> None:
    events = [event("email_click", days_ago=30)]
    faster = rules_of(deed("email_click", half_life_days=15), half_life_days=30)
    never = rules_of(deed("email_click", half_life_days=0), half_life_days=30)
    assert score(Facts({}, events), faster).total == 3  # 2.5, half away from zero
    assert score(Facts({}, events), never).total == 10


def test_decay_goes_by_the_company_day() -> None:
    rules = Scorer(rules_of(deed("email_click", points=100), half_life_days=1))
    late = Event("email_click", "", NOW.replace(hour=23, minute=59), NOW.date())
    assert rules(Facts({}, [late]), NOW.date()).total == 100
    assert rules(Facts({}, [late]), NOW.date() + timedelta(days=1)).total == 50


def test_caps_cut_the_last_reasons_and_say_so() -> None:
    rules = (known("a", 30), known("b", 30), known("c", 30))
    facts = Facts({"attribute:a": 1, "attribute:b": 1, "attribute:c": 1})
    result = score(facts, rules_of(*rules, fit_cap=40))
    assert [reason.points for reason in result.reasons] == [30, 10, 0]
    assert result.reasons[1].because == "B is known (cut from 30 to 10: fit counts at most 40)"


def test_a_total_is_never_below_zero_and_no_row_is_invented() -> None:
    result = score(Facts({"attribute:a": 1, "attribute:b": 1}), rules_of(known("a", 5), known("b", -20)))
    assert [reason.points for reason in result.reasons] == [5, -5]
    assert result.total == 0


def test_behavior_rules_match_names_or_count_events() -> None:
    events = [event("page_view", "Pricing", 1), event("page_view", "Jobs", 2)]
    expected = [
        (deed("page_view", "pric", names="contains"), [10]),
        (deed("page_view", "jobs"), [10]),
        (deed("page_view", "Blog"), []),
        (deed("page_view", max_times=9), [20]),
        (deed("page_view", low=2), [10]),
        (deed("page_view", low=3), []),
        (deed("page_view", days=2, max_times=9), [10]),
        (deed("email_open", operator=Op.NEVER, low=None), [10]),
        (deed("page_view", operator=Op.AT_MOST, low=None, high=1), []),
        (deed("page_view", operator=Op.BETWEEN, low=0, high=2), [10]),
    ]
    for each, points in expected:
        found = score(Facts({"attribute:x": 1}, events), rules_of(each)).reasons
        assert [reason.points for reason in found] == points


def test_other_conditions_of_a_behavior_rule_must_hold() -> None:
    counted = when("event:page_view", Op.HAPPENED, low=1)
    both = rule("behaviour", counted, when("country", Op.IS, "DE"))
    assert score(Facts({"country": "FR"}, [event("page_view")]), rules_of(both)).total == 0
    german = score(Facts({"country": "DE"}, [event("page_view")]), rules_of(both))
    assert german.reasons[0].because == "Country is DE; visited page, today"


def test_both_thresholds_are_needed_and_the_future_does_not_count() -> None:
    rules = rules_of(known("a"), deed("form_submission"), fit_threshold=10, behaviour_threshold=10)
    fit = {"attribute:a": 1}
    assert score(Facts(fit, [event("form_submission")]), rules).is_qualified
    assert not score(Facts(fit), rules).is_qualified
    tomorrow = score(Facts(fit, [event("form_submission", days_ago=-1)]), rules)
    assert not tomorrow.is_qualified
    assert tomorrow.turns_on == NOW.date() + timedelta(days=1)


def test_rules_that_can_never_score_are_refused() -> None:
    activity, fact = when("event:call", Op.HAPPENED, low=1), when("country")
    wrong: list[tuple[Side, Group, dict[str, Any]]] = [
        ("fit", Group((activity,)), {}),
        ("fit", Group(), {}),
        ("behaviour", Group((fact,)), {}),
        ("behaviour", Group((activity, activity)), {}),
        ("behaviour", Group((activity, fact), "any"), {}),
        ("fit", Group((fact,)), {"max_times": 0}),
        ("fit", Group((fact,)), {"points": 0}),
        ("fit", Group((fact,)), {"half_life_days": -1}),
    ]
    for side, group, more in wrong:
        with pytest.raises(InvalidRule):
            Rule(1, "bad", side, group, **{"points": 1, **more})
    with pytest.raises(InvalidRule):
        rules_of(fit_cap=-1)
    with pytest.raises(InvalidRule):
        rules_of(half_life_days=0.0)


def test_a_rule_is_a_sentence() -> None:
    assert (
        deed("page_view", "Pricing", points=5, max_times=3).sentence()
        == "+5 when visited page “Pricing”, up to 3 times"
    )
    assert rule("fit", when("industry"), points=-4).sentence() == "−4 when industry is known"
    assert deed("call", half_life_days=0).sentence() == "+10 when call, without decay"


RULES = st.lists(
    st.one_of(
        st.builds(known, st.sampled_from("abc"), st.integers(-50, 50).filter(bool)),
        st.builds(
            deed,
            st.sampled_from(["page_view", "call"]),
            points=st.integers(-50, 50).filter(bool),
            max_times=st.integers(1, 4),
        ),
    ),
    max_size=8,
)
FACTS = st.builds(
    Facts,
    st.dictionaries(st.sampled_from(["attribute:a", "attribute:b", "attribute:c"]), st.integers(0, 9)),
    st.lists(st.builds(event, st.sampled_from(["page_view", "call"]), st.just("n"), st.floats(-5, 400)), max_size=8),
)
CAPS = st.none() | st.integers(0, 80)


@given(FACTS, RULES, CAPS, CAPS, st.none() | st.floats(0.1, 1000))
def test_the_total_is_always_the_sum_of_the_reasons(
    facts: Facts, rules: list[Rule], fit_cap: int | None, behaviour_cap: int | None, half_life: float | None
) -> None:
    settings = {"fit_cap": fit_cap, "behaviour_cap": behaviour_cap, "half_life_days": half_life}
    scorer = Scorer(rules_of(*rules, **settings))
    result = scorer(facts, NOW.date())
    assert result.total == sum(reason.points for reason in result.reasons)
    assert result.total == result.fit + result.behaviour
    assert result.total >= 0
    assert scorer.sums(facts, NOW.date()) == (result.fit, result.behaviour)
    if result.total and fit_cap is not None and result.behaviour >= 0:
        assert result.fit <= fit_cap or any(reason.points < 0 for reason in result.reasons)
    shuffled = Facts(facts.values, tuple(reversed(facts.events)))
    assert scorer(shuffled, NOW.date()) == result
