"""A score is the sum of its reasons, whatever the rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.scoring import Event, Facts, InvalidRule, Rule, RuleSet, score

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)


def event(kind: str, name: str = "", days_ago: float = 0) -> Event:
    return Event(kind, name, NOW - timedelta(days=days_ago))


def rules_of(*rules: Rule, **settings: object) -> RuleSet:
    return RuleSet(**{"version": 1, "rules": rules, "fit_threshold": 0, "behaviour_threshold": 0, **settings})


def fit(field: str, operator: str, value: object, points: int = 10) -> Rule:
    return Rule(1, "fit rule", "fit", field, operator, value, points)  # type: ignore[arg-type]


def deed(kind: str, operator: str = "happened", value: object = "", points: int = 10, max_times: int = 1) -> Rule:
    return Rule(2, "deed", "behaviour", kind, operator, value, points, max_times)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "attributes", "because"),
    [
        (fit("job_title", "contains", "CTO"), {"job_title": "Interim cto, EMEA"}, "Job title contains CTO"),
        (fit("role", "contains", ["CEO", "engineer"]), {"role": "Engineering"}, "Role contains engineer"),
        (fit("country", "is", "de"), {"country": "DE"}, "Country is DE"),
        (fit("industry", "in", ["software", "retail"]), {"industry": "Retail"}, "Industry is Retail"),
        (fit("size", "at_least", 50), {"size": 120}, "Size is 120, at least 50"),
        (fit("size", "at_most", "50"), {"size": "12"}, "Size is 12, at most 50"),
        (fit("size", "between", [50, 99.5]), {"size": 50}, "Size is 50, between 50 and 99.5"),
        (fit("phone", "exists", None), {"phone": "+49"}, "Phone is known"),
        (fit("tags", "contains", "vip"), {"tags": ["new", "VIP"]}, "Tags contains vip"),
    ],
)
def test_fit_reasons_are_plain_sentences(rule: Rule, attributes: dict[str, object], because: str) -> None:
    result = score(Facts(attributes), rules_of(rule), NOW)
    assert [(reason.points, reason.because) for reason in result.reasons] == [(10, because)]
    assert (result.total, result.fit, result.behaviour) == (10, 10, 0)


@pytest.mark.parametrize(
    ("rule", "attributes"),
    [
        (fit("job_title", "contains", "CTO"), {"job_title": "Director of Sales"}),
        (fit("company_size", "at_least", 50), {"company_size": None}),
        (fit("company_size", "at_least", 50), {"company_size": "many"}),
        (fit("company_size", "at_least", 50), {"company_size": float("nan")}),
        (fit("company_size", "at_most", 50), {}),
        (fit("phone", "exists", None), {"phone": "  "}),
        (fit("country", "is", "DE"), {"country": ""}),
    ],
)
def test_what_is_unknown_or_other_scores_nothing(rule: Rule, attributes: dict[str, object]) -> None:
    assert score(Facts(attributes), rules_of(rule), NOW).reasons == ()


def test_repeats_count_up_to_their_limit() -> None:
    events = [event("webinar_attendance", "Launch", days) for days in (3, 10, 20)]
    (reason,) = score(Facts({}, events), rules_of(deed("webinar_attendance", max_times=2)), NOW).reasons
    assert (reason.points, reason.times) == (20, 2)
    assert reason.because == "Attended webinar “Launch” ×2, newest 3 days ago"


def test_points_halve_with_each_half_life() -> None:
    result = score(
        Facts({}, [event("email_click", days_ago=30)]),
        rules_of(deed("email_click"), half_life_days=30.0),
        NOW,
    )
    assert result.total == 5
    assert result.reasons[0].because == "Clicked in email, 30 days ago (worth 5 of 10 points by now)"


def test_caps_cut_the_last_reasons_and_say_so() -> None:
    rules = (fit("a", "exists", None, 30), fit("b", "exists", None, 30), fit("c", "exists", None, 30))
    result = score(Facts({"a": 1, "b": 1, "c": 1}), rules_of(*rules, fit_cap=40), NOW)
    assert [reason.points for reason in result.reasons] == [30, 10, 0]
    assert result.reasons[1].because == "B is known (cut from 30 to 10: fit counts at most 40)"


def test_a_total_is_never_below_zero_and_no_row_is_invented() -> None:
    rules = (fit("a", "exists", None, 5), fit("b", "exists", None, -20))
    result = score(Facts({"a": 1, "b": 1}), rules_of(*rules), NOW)
    assert [reason.points for reason in result.reasons] == [5, -5]
    assert result.total == 0


def test_behaviour_rules_match_names_or_count_events() -> None:
    events = [event("page_view", "Pricing", 1), event("page_view", "Jobs", 2)]
    expected: list[tuple[Rule, Sequence[int]]] = [
        (deed("page_view", "contains", "pric"), [10]),
        (deed("page_view", "is", "jobs"), [10]),
        (deed("page_view", "in", ["Blog"]), []),
        (deed("page_view", "happened", "pricing"), [10]),
        (deed("page_view", "exists", None, max_times=9), [20]),
        (deed("page_view", "at_least", 2), [10]),
        (deed("page_view", "at_least", 3), []),
        (deed("email_open", "at_most", 0, -5), []),
    ]
    for rule, points in expected:
        found = score(Facts({"x": 1}, events), rules_of(rule), NOW).reasons
        assert [reason.points for reason in found if reason.points] == points


def test_both_thresholds_are_needed_and_the_future_does_not_count() -> None:
    rules = rules_of(fit("a", "exists", None), deed("form_submission"), fit_threshold=10, behaviour_threshold=10)
    assert score(Facts({"a": 1}, [event("form_submission")]), rules, NOW).is_qualified
    assert not score(Facts({"a": 1}), rules, NOW).is_qualified
    assert not score(Facts({"a": 1}, [event("form_submission", days_ago=-1)]), rules, NOW).is_qualified


@pytest.mark.parametrize(
    "arguments",
    [
        ("fit", "x", "happened", "", 1, 1), ("fit", "x", "at_least", "many", 1, 1), ("fit", "x", "between",
        [1], 1, 1), ("fit", "x", "between", [2, 1], 1, 1), ("fit", "x", "is", "", 1, 1), ("fit", "x", "in",
        [], 1, 1), ("fit", "x", "like", "y", 1, 1), ("other", "x", "is", "y", 1, 1), ("fit", "x", "is", "y",
        1, 0),
    ],
)  # fmt: skip
def test_rules_that_can_never_score_are_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(InvalidRule):
        Rule(1, "bad", *arguments)  # type: ignore[arg-type]
    with pytest.raises(InvalidRule):
        rules_of(fit_cap=-1)
    with pytest.raises(InvalidRule):
        rules_of(half_life_days=0.0)


RULES = st.lists(
    st.one_of(
        st.builds(fit, st.sampled_from("abc"), st.just("at_least"), st.integers(0, 5), st.integers(-50, 50)),
        st.builds(
            deed,
            st.sampled_from("xy"),
            st.just("happened"),
            st.just(""),
            st.integers(-50, 50),
            st.integers(1, 4),
        ),
    ),
    max_size=8,
)
FACTS = st.builds(
    Facts,
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)),
    st.lists(st.builds(event, st.sampled_from("xy"), st.just("n"), st.floats(-5, 400)), max_size=8),
)
CAPS = st.none() | st.integers(0, 80)


@given(FACTS, RULES, CAPS, CAPS, st.none() | st.floats(0.1, 1000))
def test_the_total_is_always_the_sum_of_the_reasons(
    facts: Facts, rules: list[Rule], fit_cap: int | None, behaviour_cap: int | None, half_life: float | None
) -> None:
    settings = {"fit_cap": fit_cap, "behaviour_cap": behaviour_cap, "half_life_days": half_life}
    result = score(facts, rules_of(*rules, **settings), NOW)
    assert result.total == sum(reason.points for reason in result.reasons) == result.fit + result.behaviour
    assert result.total >= 0
    if result.total and fit_cap is not None and result.behaviour >= 0:
        assert result.fit <= fit_cap or any(reason.points < 0 for reason in result.reasons)
    shuffled = Facts(facts.attributes, tuple(reversed(facts.events)))
    assert score(shuffled, rules_of(*rules, **settings), NOW) == result
