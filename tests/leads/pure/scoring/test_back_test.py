"""A back-test knows of each day only what was known then."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from leads.pure.conditions.evaluate import Event
from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import Operator
from leads.pure.scoring.back_test import Judge, PastLead, Tally, is_outcome, summary
from leads.pure.scoring.rules import Rule, RuleSet

CREATED = date(2026, 6, 1)
HORIZON = timedelta(days=60)
CTO = Rule(1, "CTO", "fit", Group((Condition("job_title", Operator.IS, ("CTO",)),)), 20)
FORM = Rule(2, "Form", "behaviour", Group((Condition("event:form_submission", Operator.HAPPENED, low=1),)), 20, 2)
RULES = RuleSet(1, (CTO, FORM), 20, 20, 60, 60, 30)


def day(n: int) -> date:
    return CREATED + timedelta(days=n)


def form(n: int) -> Event:
    return Event("form_submission", "", datetime(2026, 6, 1, 9, tzinfo=UTC) + timedelta(days=n), day(n))


def lead(
    *events: Event, outcome: int | None = None, titles: tuple[tuple[int, str], ...] = ((0, "CTO"),), pk: int = 1
) -> PastLead:
    stood = [(day(n), {"job_title": title}) for n, title in titles]
    return PastLead(pk, CREATED, stood, events, None if outcome is None else day(outcome))


def qualified_on(past: PastLead) -> date | None:
    return Judge(RULES, HORIZON)(past).qualified_on


def test_a_lead_qualifies_on_the_first_day_on_which_both_thresholds_are_met() -> None:
    assert qualified_on(lead(form(0))) == day(0)
    assert qualified_on(lead(form(9))) == day(9)
    assert qualified_on(lead()) is None


def test_a_title_that_came_later_counts_from_its_day() -> None:
    assert qualified_on(lead(form(0), titles=((0, "Intern"), (5, "CTO")))) is None  # the form has decayed to 18 by then
    assert qualified_on(lead(form(0), form(5), titles=((0, "Intern"), (5, "CTO")))) == day(5)
    assert qualified_on(lead(form(0), titles=((0, "CTO"), (5, "Intern")))) == day(0)


def test_nothing_counts_after_the_outcome_or_the_horizon() -> None:
    assert qualified_on(lead(form(20), outcome=10)) is None
    assert qualified_on(lead(form(10), outcome=10)) == day(10)
    assert qualified_on(lead(form(61))) is None


def test_the_score_of_the_calibration_is_that_a_week_after_creation() -> None:
    assert Judge(RULES, HORIZON)(lead(form(8))).total == 20
    # 20 · 2^(−7/30) = 17.01
    assert Judge(RULES, HORIZON)(lead(form(0), form(8))).total == 37


def test_figures_of_a_sample() -> None:
    pasts = [
        lead(form(0), outcome=20),  # hit
        lead(form(0)),
        lead(form(30), outcome=40),  # hit
        lead(outcome=50),  # missed
        lead(form(0), outcome=70),  # too late to be an outcome
        lead(form(3), outcome=5),  # hit, too early for the calibration
    ]
    judge, tally = Judge(RULES, HORIZON), Tally()
    for past in pasts:
        tally.add(past, judge(past), HORIZON)
    outcomes = sum(is_outcome(past, HORIZON) for past in pasts)
    told = summary(tally, n=6, outcomes=outcomes, weeks=[day(0), day(7)], capacity=3)
    assert (outcomes, told["qualified"], told["hits"]) == (4, 5, 3)
    assert (told["precision"], told["recall"]) == (0.6, 0.75)
    assert round(told["lift"], 3) == 0.9
    assert (told["weeks"], told["per_week"], told["weeks_over"]) == ([4, 0], 2.0, 1)
    bands = {band["low"]: (band["n"], band["outcomes"]) for band in told["bands"] if band["n"]}
    # Without a form 20 of fit; with one of the first day 37.
    assert bands == {20: (2, 2), 30: (3, 1)}


def test_an_empty_sample_has_no_figures() -> None:
    told = summary(Tally(), n=0, outcomes=0, weeks=[], capacity=None)
    assert [told[name] for name in ("precision", "recall", "lift", "lift_interval", "per_week", "weeks_over")] == [
        None
    ] * 6
