"""Header equals list: recomputed from the rows a person would see, every figure keeps its value."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from leads.figures.base import Figure, Number, RowSet, Tally, definition, figure, keys
from leads.models import Company
from leads.pure.week import Period, Week
from tests.leads.figures import world
from tests.leads.figures.world import TZ, scope

OWN = [key for key in keys() if not key.startswith(("attribution.", "campaign.", "roi."))]


@pytest.fixture
def scopes(company: Company):
    made = world.build()
    q4 = Period.of_dates(date(2026, 10, 1), date(2027, 1, 1), TZ)
    return {
        "november": scope(),
        "quarter": scope(q4),
        "october": scope(Period.of_dates(date(2026, 10, 1), date(2026, 11, 1), TZ)),
        "first week": scope(Period.of_dates(date(2026, 11, 2), date(2026, 11, 9), TZ)),
        "ann": scope(q4, user=made.ann),
        "ben": scope(q4, user=made.ben),
        "north": scope(q4, territory=made.north.pk),
        "events": scope(q4, channel="events"),
        "search": scope(q4, campaign=str(made.search.public_id)),
        "ann in november, search": scope(user=made.ann, channel="paid-search"),
        "later": scope(q4, at=datetime(2026, 12, 10, tzinfo=UTC)),
        "nothing": scope(Period.of_dates(date(2020, 1, 1), date(2020, 2, 1), TZ)),
    }


def recomputed(part: RowSet) -> Tally:
    """The total of a part from its listed rows alone, fetched in pages as the drill-down does."""
    rows, start = [], 0
    while page := part.rows(start, start + 3):
        rows += page
        start += 3
    assert len(rows) == part.count()
    if part.statistic:
        read = [(row[part.amount], row[part.event]) if part.event else row[part.amount] for row in rows]
        return Tally(part.statistic(read))
    if part.amount:
        return Tally(sum(row[part.amount] for row in rows)) if rows else part.of_nothing()
    return Tally(len(rows))


def value_of_rows(found: Figure) -> Number | None:
    tallies = {name: recomputed(part) for name, part in found.parts.items() if not name.startswith("excluded")}
    return found.definition.value_of(tallies)


@pytest.mark.parametrize("key", OWN)
def test_header_equals_list_under_every_filter(scopes, key: str) -> None:
    values = set()
    for name, asked in scopes.items():
        found = figure(key, asked)
        assert value_of_rows(found) == pytest.approx(found.value), name
        values.add(found.value)
    assert len(values) > 1, "the scopes do not tell this figure apart, so the test would prove nothing"


@pytest.mark.parametrize("key", OWN)
def test_no_row_is_both_counted_and_left_out(scopes, key: str) -> None:
    parts = figure(key, scopes["quarter"]).parts
    if "included" not in parts:
        return
    counted = set(parts["included"].queryset.values_list("pk", flat=True))
    model = parts["included"].queryset.model
    for name, part in parts.items():
        if name.startswith("excluded") and part.queryset.model is model:
            assert counted.isdisjoint(part.queryset.values_list("pk", flat=True)), name


@pytest.mark.parametrize("key", OWN)
def test_every_column_can_be_sorted(scopes, key: str) -> None:
    for part in figure(key, scopes["quarter"]).parts.values():
        for column in part.columns:
            up = [row[column.path] for row in part.rows(sort=column.path)]
            known = [value for value in up if value is not None]
            if known and not isinstance(known[0], str):
                assert known == sorted(known), (key, column.path)
            assert sorted(map(str, up)) == sorted(str(row[column.path]) for row in part.rows(sort=f"-{column.path}"))


@pytest.mark.parametrize("key", OWN)
def test_a_figure_takes_few_queries_however_many_rows(scopes, key: str, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(7):
        figure(key, scopes["quarter"])


@pytest.mark.django_db
@pytest.mark.parametrize("key", OWN)
def test_the_definition_is_complete(key: str) -> None:
    meaning = definition(key)
    assert meaning.version >= 1
    assert meaning.name
    assert len(meaning.formula) > 10
    assert meaning.meaning.endswith(".")


@pytest.mark.parametrize("key", OWN)
def test_amounts_are_shown_and_links_have_what_they_need(scopes, key: str) -> None:
    for name, part in figure(key, scopes["quarter"]).parts.items():
        paths = {column.path for column in part.columns}
        assert not part.amount or part.amount in paths, name
        assert not part.event or part.event in paths, name
        assert part.label
        for column in part.columns:
            assert bool(column.link) == bool(column.link_by)


def test_a_passage_is_dated_by_itself(scopes) -> None:
    """Those who reached SAL show when they did, beside when they became MQL; a higher rung dates a rung not written."""
    (part, sqls) = (
        figure(f"leads.conversion.{step}", scopes["quarter"]).parts["numerator"]
        for step in ("mql_to_sal", "mql_to_sql")
    )
    assert [column.label for column in part.columns if column.kind == "time"] == ["When", "Reached SAL"]
    rows = {row["lead__who"]: (row["passed_at"], row["arrived_at"]) for row in part.rows()}
    assert [arrived for _, arrived in rows.values()] == [world.on(3), world.on(5)]
    assert all(passed <= arrived for passed, arrived in rows.values())
    assert [row["arrived_at"] for row in sqls.rows()] == [world.on(4)]
    assert part.rows(sort="-arrived_at")[0]["arrived_at"] == world.on(5)


@pytest.mark.parametrize("key", ["leads.captured", "pipeline.won", "spend.total"])
def test_days_add_up_to_weeks_and_months(scopes, key: str) -> None:
    part = definition(key).parts(scopes["quarter"])["included"]
    days = part.daily(TZ)
    months = part.added_up(days, lambda day: day.replace(day=1))
    weeks = part.added_up(days, lambda day: Week.of_date(day).starts_on)
    assert days != []
    assert months == part.monthly(TZ)
    assert weeks == {week.starts_on: total for week, total in part.weekly(TZ).items()}


def test_days_without_any_amount_are_unknown_and_leave_others_known(scopes) -> None:
    part = definition("pipeline.won").parts(scopes["quarter"])["included"]
    days = [(date(2026, 11, 2), None, 2), (date(2026, 11, 3), 500, 1), (date(2026, 12, 1), None, 1)]
    assert part.added_up(days, lambda day: day.replace(day=1)) == {date(2026, 11, 1): 500, date(2026, 12, 1): None}
