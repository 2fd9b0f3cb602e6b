"""Rules of before give every lead the same points as conditions; the old engine stands in `former`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from leads.migrations._scoring_conditions import COLUMNS, conditions_of, counts_once
from leads.pure.conditions.evaluate import Event, Facts
from leads.pure.conditions.grammar import from_json
from leads.pure.scoring.rules import Rule, RuleSet
from leads.pure.scoring.score import Scorer
from tests.leads.pure.scoring import former

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
TEXTS = ["CTO", "director", "Head of Data", "DE", "at", "software", "Pricing", "12", "50", "49.5", ""]
NUMBERS = [-3, 0, 1, 2, 3, 9, 49.5, 50, 120]
SCALARS = st.sampled_from([*TEXTS, *NUMBERS, True, None])
VALUES = SCALARS | st.lists(SCALARS, max_size=3)
FIELDS = st.sampled_from(["job_title", "country", "company_size", "industry", "account", "channel", "plan", "tags"])
KINDS = ["form_submission", "page_view", "email_click", "unheard_of"]
POINTS = st.integers(-30, 30).filter(bool)
OPERATORS = list(former.OPERATORS)


@st.composite
def old_rules(draw: st.DrawFn) -> former.Rule:
    group: Any = draw(st.sampled_from(["fit", "behaviour"]))
    field = draw(FIELDS if group == "fit" else st.sampled_from(KINDS))
    try:
        return former.Rule(
            draw(st.integers(1, 9)),
            "rule",
            group,
            field,
            draw(st.sampled_from(OPERATORS)),
            draw(VALUES),
            draw(POINTS),
            draw(st.integers(1, 4)),
        )
    except former.InvalidRule:
        assume(False)
        raise


ATTRIBUTES = st.dictionaries(FIELDS, VALUES, max_size=6)
EVENTS = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(TEXTS), st.integers(-5, 200)), max_size=12)
LIMITS = st.none() | st.integers(0, 60)


def migrated(rule: former.Rule) -> Rule | None:
    stored = conditions_of(rule.group, rule.field, rule.operator, rule.value)
    if stored is None:
        return None
    times = 1 if counts_once(rule.group, rule.operator) else rule.max_times
    return Rule(rule.id, rule.name, rule.group, from_json(stored), rule.points, times)


ONCE = former.Rule(1, "rule", "behaviour", "form_submission", "at_least", 1, 5, 2)
TWICE = [("form_submission", "CTO", 0), ("form_submission", "CTO", 3)]


@settings(max_examples=600)
@example([ONCE], {}, TWICE, None, None, 30)
@given(st.lists(old_rules(), max_size=8), ATTRIBUTES, EVENTS, LIMITS, LIMITS, st.none() | st.integers(1, 60))
def test_todays_scores_are_equal(
    rules: list[former.Rule],
    attributes: dict[str, object],
    events: list[tuple[str, str, int]],
    fit_cap: int | None,
    behaviour_cap: int | None,
    half_life: int | None,
) -> None:
    """Events lie whole days back, where decay by the minute and by the company day are the same."""
    more: dict[str, Any] = {"fit_cap": fit_cap, "behaviour_cap": behaviour_cap, "half_life_days": half_life}
    done = [(kind, name, NOW - timedelta(days=age)) for kind, name, age in events]
    old = former.score(
        former.Facts(attributes, [former.Event(*each) for each in done]), former.RuleSet(1, rules, 5, 5, **more), NOW
    )
    values = {key if key in COLUMNS else f"attribute:{key}": value for key, value in attributes.items()}
    facts = Facts(values, [Event(*each, each[2].date()) for each in done])
    kept = [rule for each in rules if (rule := migrated(each))]
    new = Scorer(RuleSet(1, kept, 5, 5, **more))(facts, NOW.date())
    assert (new.total, new.fit, new.behaviour, new.is_qualified) == (
        old.total,
        old.fit,
        old.behaviour,
        old.is_qualified,
    )
    assert [reason.points for reason in new.reasons] == [reason.points for reason in old.reasons]
