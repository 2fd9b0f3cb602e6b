"""Deals as they stood at a past moment, by their history: open or not, in which stage, since when, at what amount."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from alignment.figures.stages import standing
from leads.figures import selection, stood
from leads.figures.base import Scope, definition, figure, series
from leads.figures.deals import open_deals
from leads.figures.together import figures, stock_series
from leads.models import Company, Opportunity, OpportunityChange
from leads.pure.week import Period, Week
from tests.leads.factories import OpportunityFactory, stage
from tests.leads.figures.world import TZ, on, scope

OCTOBER = Period.of_dates(date(2026, 10, 1), date(2026, 11, 1), TZ)
BEFORE = on(1, month=9)


def deal(name: str, *history: tuple[str, datetime, int | None], currency: str = "EUR", **more: object) -> Opportunity:
    """A deal whose row stands where its history ends."""
    key, entered, cents = history[-1]
    last = stage(key)
    known = {"stage": last, "status": last.status, "opened_at": history[0][1], "stage_changed_at": entered}
    known |= {"amount_cents": cents, "closed_at": None if last.status == "open" else entered, "currency": currency}
    made = OpportunityFactory(name=name, **{**known, **more})
    for place, (key, at, cents) in enumerate(history):
        OpportunityChange.objects.create(
            opportunity=made,
            stage=stage(key),
            status=stage(key).status,
            amount_cents=cents,
            currency=currency,
            changed_at=at,
            recorded_at=at,
            source_key=str(place),
        )
    return made


def october(**more: object) -> Scope:
    """The end of October, asked today."""
    return scope(OCTOBER, **more)


def names(asked: Scope) -> set[str]:
    return set(open_deals(asked).values_list("name", flat=True))


@pytest.fixture
def made(company: Company) -> None:
    """Six deals open at the end of October, of which one is lost and one won by now, and two that were not open."""
    deal("Stays", ("qualification", BEFORE, 10_000))
    deal("Moves on", ("qualification", BEFORE, 20_000), ("proposal", on(10), 20_000))
    deal(
        "Won since", ("qualification", BEFORE, 40_000), ("negotiation", on(5, month=10), 40_000), ("won", on(9), 40_000)
    )
    deal("Lost since", ("discovery", on(20, month=10), 80_000), ("lost", on(12), 80_000))
    deal("Grows", ("discovery", on(2, month=10), 100_000), ("discovery", on(3), 160_000))
    deal("No amount", ("proposal", on(4, month=10), None))
    deal("Reopened", ("discovery", BEFORE, 1_000), ("lost", on(15, month=10), 1_000), ("discovery", on(2), 1_000))
    deal("Later", ("qualification", on(2), 5_000))


def test_who_stood_at_lost_and_was_reopened_later_was_not_open(made) -> None:
    six = {"Stays", "Moves on", "Won since", "Lost since", "Grows", "No amount"}
    assert names(october()) == six
    assert figure("pipeline.open_count", october()).value == 6
    assert "Reopened" in names(scope(Period.of_dates(date(2026, 10, 1), date(2026, 10, 15), TZ)))
    assert names(scope()) == (six - {"Won since", "Lost since"}) | {"Reopened", "Later"}


def test_a_deal_without_history_counts_by_its_dates(company: Company) -> None:
    OpportunityFactory(name="Open", opened_at=BEFORE)
    OpportunityFactory(name="Closed since", status="lost", opened_at=BEFORE, closed_at=on(5))
    OpportunityFactory(name="Closed before", status="won", opened_at=BEFORE, closed_at=on(5, month=10))
    OpportunityFactory(name="Later", opened_at=on(5))
    assert names(october()) == {"Open", "Closed since"}


def test_a_row_that_moved_after_its_last_line_says_how_it_stood(company: Company) -> None:
    """The source kept no line of the reopening; the row has stood there since the 20th."""
    deal("Silent", ("discovery", BEFORE, 1_000), ("lost", on(10, month=10), 1_000))
    again = on(20, month=10)
    Opportunity.objects.update(stage=stage("proposal"), status="open", closed_at=None, stage_changed_at=again)
    assert names(scope(Period.of_dates(date(2026, 10, 1), date(2026, 10, 15), TZ))) == set()
    assert list(open_deals(october()).values_list("name", "stood_stage_name")) == [("Silent", "Proposal")]


def test_amounts_are_those_of_then(made) -> None:
    assert figure("pipeline.open", october()).value == 10_000 + 20_000 + 40_000 + 80_000 + 100_000
    assert figure("pipeline.open", scope()).value == 10_000 + 20_000 + 160_000 + 1_000 + 5_000
    row = open_deals(october()).values("stood_cents", "stood_amount_cents", "stood_currency").get(name="Grows")
    assert row == {"stood_cents": 100_000, "stood_amount_cents": 100_000, "stood_currency": "EUR"}


def test_an_amount_in_another_currency_is_taken_at_the_deals_own_rate(company: Company) -> None:
    history = [("discovery", BEFORE, 100_000), ("discovery", on(3), 150_000)]
    deal("Changed", *history, currency="USD", reporting_cents=120_000)
    deal(
        "Unchanged", ("discovery", BEFORE, 70_001), ("proposal", on(3), 70_001), currency="USD", reporting_cents=55_555
    )
    moved = deal("Was in euros", *history, currency="EUR", reporting_cents=150_000)
    moved.changes.filter(changed_at=BEFORE).update(currency="USD")
    found = dict(open_deals(october()).values_list("name", "stood_cents"))
    assert found == {"Changed": 80_000, "Unchanged": 55_555, "Was in euros": None}
    assert figure("pipeline.open", october()).parts["excluded_no_rate"].count() == 1


def test_a_line_without_an_amount_does_not_take_it_away(company: Company) -> None:
    deal("Stages only", ("discovery", BEFORE, None), ("proposal", on(3), None), amount_cents=9_000)
    assert figure("pipeline.open", october()).value == 9_000


def test_weighted_is_by_the_stage_of_then(made) -> None:
    p = {key: stage(key).probability for key in ("qualification", "discovery", "negotiation")}
    expected = p["qualification"] * 30_000 + p["negotiation"] * 40_000 + p["discovery"] * 180_000
    assert figure("pipeline.weighted", october()).value == round(expected)


def test_stalled_is_by_the_stage_of_then_and_a_change_of_amount_does_not_start_it_anew(company: Company) -> None:
    days = stage("discovery").stalled_after_days
    end = OCTOBER.end
    long, short = end - timedelta(days=days + 1), end - timedelta(days=days - 1)
    deal("Stalled then, won since", ("discovery", long, 1_000), ("won", on(9), 1_000))
    deal("Stalled then, moved since", ("discovery", long, 1_000), ("proposal", on(9), 1_000))
    deal("Stalled, amount changed", ("discovery", long, 1_000), ("discovery", end - timedelta(days=2), 2_000))
    deal(
        "Back again", ("discovery", long, 1_000), ("proposal", short, 1_000), ("discovery", short + timedelta(1), 1_000)
    )
    deal("Not yet", ("discovery", short, 1_000), ("discovery", on(2), 3_000))
    part = figure("pipeline.stalled", october()).parts["included"]
    assert {row["name"]: row["stood_since"] for row in part.rows()} == {
        "Stalled then, won since": long,
        "Stalled then, moved since": long,
        "Stalled, amount changed": long,
    }


def test_the_stages_of_then_add_up_to_the_head(made) -> None:
    # Its history begins after the moment, and its row stands at lost.
    OpportunityFactory(name="Unknown", status="lost", opened_at=BEFORE, closed_at=on(5), amount_cents=7)
    for asked in (october(), scope(), october(territory=-1), scope(at=on(6))):
        by_amount, by_count = figure("pipeline.stages", asked), figure("pipeline.stages_count", asked)
        lines = standing(open_deals(asked), selection.moment(asked)).lines
        assert by_amount.value == figure("pipeline.open", asked).value
        assert by_count.value == figure("pipeline.open_count", asked).value == sum(line.count for line in lines)
        assert sum(line.weighted_cents or 0 for line in lines) == figure("pipeline.weighted", asked).value
        assert sum(line.stalled for line in lines) == figure("pipeline.stalled", asked).value
        for line in lines:
            assert (line.cents, line.count) == (by_amount.totals[line.part], by_count.totals[line.part])
            assert len(by_count.parts[line.part].rows()) == line.count
    lines = standing(open_deals(october()), selection.moment(october())).lines
    assert {line.part: (line.count, line.cents, line.unpriced) for line in lines} == {
        "stage_qualification": (2, 30_000, 0),
        "stage_discovery": (2, 180_000, 0),
        "stage_proposal": (1, None, 1),
        "stage_negotiation": (1, 40_000, 0),
        "stage_unknown": (1, 7, 0),
    }


def test_weeks_and_questions_together_agree(made) -> None:
    first, last = Week(2026, 42), Week(2026, 47)
    for key in ("open", "open_count", "weighted", "stalled", "stages", "velocity"):
        weeks = series(f"pipeline.{key}", scope(), first, last)
        assert weeks == stock_series(f"pipeline.{key}", scope(), first, last)
        for week, value in weeks:
            assert value == figure(f"pipeline.{key}", scope().stood(week.period(TZ))).value
    assert dict(series("pipeline.open_count", scope(), Week(2026, 44), Week(2026, 44))) == {Week(2026, 44): 6}


def test_closed_spells_say_what_was_open_says_of_one_moment(made) -> None:
    spells = stood.closed_spells(Opportunity.objects.values("pk"))
    for day in range(1, 31):
        for moment in (on(day, month=10), on(day)):
            rows = Opportunity.objects.filter(opened_at__lt=moment).exclude(closed_at__lt=moment)
            expected = {
                row.pk for row in rows if not any(a < moment and (b is None or b >= moment) for a, b in spells[row.pk])
            }
            assert set(Opportunity.objects.filter(stood.was_open(moment)).values_list("pk", flat=True)) == expected


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["open", "open_count", "weighted", "stalled", "velocity"])
def test_the_new_meaning_is_a_new_version(key: str) -> None:
    assert definition(f"pipeline.{key}").version >= 2


# --- unknown is not zero ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["pipeline.created", "pipeline.open", "pipeline.weighted", "pipeline.stages"])
def test_a_sum_of_rows_that_all_lack_their_amount_is_unknown(company: Company, key: str) -> None:
    assert (figure(key, scope()).value, figure(key, scope()).lacking) == (0, 0)
    OpportunityFactory(amount_cents=None, opened_at=on(3))
    OpportunityFactory(currency="USD", reporting_cents=None, opened_at=on(9))
    alone, together = figure(key, scope()), figures([(key, scope())])[0]
    assert (alone.value, alone.lacking) == (together.value, together.lacking) == (None, 2)
    OpportunityFactory(amount_cents=0, opened_at=on(9))
    assert (figure(key, scope()).value, figure(key, scope()).lacking) == (0, 0)


def test_a_week_whose_rows_all_lack_their_amount_is_unknown(company: Company) -> None:
    for day, cents in ((2, None), (9, None), (10, 500)):
        OpportunityFactory(status="won", amount_cents=cents, opened_at=BEFORE, closed_at=on(day))
    weeks = series("pipeline.won", scope(), Week(2026, 45), Week(2026, 47))
    assert weeks == [(Week(2026, 45), None), (Week(2026, 46), 500), (Week(2026, 47), 0)]
    for week, value in weeks:
        assert figure("pipeline.won", scope(week.period(TZ))).value == value


@pytest.mark.parametrize(("amounts", "value"), [((0, None), 0), ((5_000, -5_000, None), 0), ((None, None), None)])
def test_known_amounts_that_sum_to_nothing_are_known(
    company: Company, amounts: tuple[int | None, ...], value: int | None
) -> None:
    """Of deals in stages of their own, so that one stage is unknown, one 0, and others empty."""
    for key, cents in zip(("discovery", "proposal", "negotiation"), amounts, strict=False):
        deal(key, (key, on(2, month=10), cents))
    alone, together = figure("pipeline.stages", october()), figures([("pipeline.stages", october())])[0]
    assert alone.value == value
    assert together.value == value
    assert alone.lacking == (0 if value == 0 else 2)
    first = Week(2026, 40)
    assert stock_series("pipeline.stages", scope(), first, first.next(5)) == series(
        "pipeline.stages", scope(), first, first.next(5)
    )


def test_a_move_shows_the_amount_of_then(company: Company) -> None:
    """Moved on at 100,000 and again at 160,000; in dollars at the deal's own rate; a source that keeps no amounts."""
    history = (("discovery", on(2), 100_000), ("proposal", on(4), 100_000), ("negotiation", on(6), 160_000))
    deal("Grows", *history)
    deal("Dollars", *history, currency="USD", reporting_cents=144_000)
    deal("Stages only", *((key, at, None) for key, at, _ in history), amount_cents=9_000)
    last = deal("Amount later", *((key, at, None) for key, at, _ in history), amount_cents=700)
    last.changes.filter(changed_at=on(2)).update(amount_cents=500)
    last.changes.filter(changed_at=on(6)).update(amount_cents=700)
    rows = figure("pipeline.advanced", scope()).parts["included"].rows()
    told = [(row["opportunity__name"], row["stage__name"], row["moved_cents"]) for row in rows]
    assert sorted(told) == [
        ("Amount later", "Negotiation", 700),
        ("Amount later", "Proposal", 500),
        ("Dollars", "Negotiation", 144_000),
        ("Dollars", "Proposal", 90_000),
        ("Grows", "Negotiation", 160_000),
        ("Grows", "Proposal", 100_000),
        ("Stages only", "Negotiation", 9_000),
        ("Stages only", "Proposal", 9_000),
    ]
