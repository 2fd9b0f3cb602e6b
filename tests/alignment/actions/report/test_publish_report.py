"""A published report: whole, frozen, sealed, once per week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pytest

from alignment.actions.report import publish_report as publishing
from alignment.actions.report.compose_report import TILES
from alignment.actions.report.publish_due import publish_due
from alignment.actions.report.publish_report import PublishRefused, WeekNotOver, publish_report
from alignment.models import ReportIsFrozen, ReportRows, Target, WeeklyReport
from alignment.queries.report import are_rows_sealed, due_week, is_sealed
from leads.figures.base import figure
from leads.models import Company, Lead, Opportunity, User
from leads.past.acting import backdated
from leads.pure.week import Week
from tests.alignment.factories import MONDAY, WEEK, build_world, report
from tests.leads.factories import LeadFactory
from tests.leads.figures import world

pytestmark = pytest.mark.django_db


def amounts(rows: ReportRows) -> list[Any]:
    place = next((place for place, column in enumerate(rows.columns) if column["is_amount"]), None)
    return [1] * len(rows.rows) if place is None else [row[place] for row in rows.rows if row[place] is not None]


def parts_of(made: WeeklyReport) -> list[tuple[str, dict[str, Any], ReportRows]]:
    """Every part of every figure with its rows; the figure first, by the key it has in the registry."""
    return [
        (about["figure"], part, made.row_sets.get(figure=entry, part=part["name"]))
        for entry, about in made.content["figures"].items()
        for part in about["parts"]
    ]


def test_every_part_keeps_the_rows_it_counts(company: Company) -> None:
    build_world()
    made = report()
    assert set(TILES) <= set(made.content["figures"])
    counts = [part["count"] for _, part, _ in parts_of(made)]
    assert [rows.count for _, _, rows in parts_of(made)] == counts
    assert [len(rows.rows) for _, _, rows in parts_of(made)] == counts


def test_rows_sum_to_every_figure(company: Company) -> None:
    build_world()
    made = report()
    counted = [(key, part["total"], amounts(rows)) for key, part, rows in parts_of(made) if part["is_counted"]]
    times = [(total, found) for key, total, found in counted if key == "leads.speed_to_lead" and found]
    sums = [(key, total, found) for key, total, found in counted if key != "leads.speed_to_lead" and found]
    empty = [total for _, total, found in counted if not found]
    assert [total for total, _ in times] == [median(found) for _, found in times]
    assert [(key, total) for key, total, _ in sums] == [(key, sum(found)) for key, _, found in sums]
    assert set(empty) <= {0, None}
    assert sums
    won = made.content["figures"]["pipeline.won"]
    assert won["value"] == 300_000  # the deal won on Sunday 15 November
    assert [row["week_revenue"] for row in made.content["campaigns"]["best"]] != []


def test_every_frozen_value_is_what_the_registry_says(company: Company) -> None:
    build_world()
    made = report()
    scope = world.scope(WEEK.period(world.TZ), at=MONDAY, method=company.default_method)
    own = {entry: about["value"] for entry, about in made.content["figures"].items() if entry == about["figure"]}
    said = {entry: figure(entry, scope).value for entry in own}
    unknown = {entry for entry, value in said.items() if value is None}
    assert {entry for entry, value in own.items() if value is None} == unknown
    assert {entry: value for entry, value in own.items() if entry not in unknown} == pytest.approx(
        {entry: value for entry, value in said.items() if entry not in unknown}
    )


def test_split_adds_up_to_the_change(company: Company) -> None:
    build_world()
    split = report().content["split"]
    assert sum(part["cents"] for part in split["parts"]) == split["change_cents"]
    assert split["current_cents"] - split["previous_cents"] == split["change_cents"] == 200_000


def test_published_reports_never_change(company: Company) -> None:
    build_world()
    made = report()
    before = (made.content, made.digest, list(made.row_sets.order_by("pk").values()))
    Opportunity.objects.update(amount_cents=1, reporting_cents=1)
    Lead.objects.filter(email__isnull=False).update(first_name="Changed")
    again = report(at=MONDAY + timedelta(days=3))
    assert again.pk == made.pk
    assert (again.content, again.digest, list(again.row_sets.order_by("pk").values())) == before
    with pytest.raises(ReportIsFrozen):
        again.save()


def test_the_seal_notices_what_the_model_cannot_refuse(company: Company) -> None:
    build_world()
    made = report()
    rows = made.row_sets.get(figure="pipeline.won", part="included")
    assert is_sealed(made)
    assert are_rows_sealed(made, rows)
    content = {**made.content, "headline": {**made.content["headline"], "sentence": "All is well."}}
    WeeklyReport.objects.filter(pk=made.pk).update(content=content)
    ReportRows.objects.filter(pk=rows.pk).update(rows=rows.rows[:-1])
    made.refresh_from_db()
    rows.refresh_from_db()
    assert not is_sealed(made)
    assert not are_rows_sealed(made, rows)


def test_an_unfinished_week_is_refused_and_only_readers_publish(company: Company, rep: User, director: User) -> None:
    with pytest.raises(WeekNotOver, match="2026-W47"):
        publish_report(week=Week(2026, 47), at=MONDAY)
    with pytest.raises(PublishRefused):
        publish_report(week=WEEK, at=MONDAY, by=rep)
    assert not WeeklyReport.objects.exists()
    assert report(by=director).content["published_by"] == director.name


def test_an_empty_company_gets_a_report_of_unknowns(company: Company) -> None:
    content = report().content
    assert content["headline"]["sentence"] == "Nothing moved notably against the period before."
    spend = next(tile for tile in content["tiles"] if tile["figure"] == "spend.total")
    assert spend["value"] is None
    assert spend["text"] == "–"


def test_targets_are_those_of_the_week(company: Company) -> None:
    Target.objects.create(figure="leads.mqls", starts_on="2026-10-01", ends_on="2026-12-31", weekly_value=40)
    Target.objects.create(figure="pipeline.won", starts_on="2026-01-01", ends_on="2026-11-01", weekly_value=1)
    tiles = {tile["figure"]: tile for tile in report().content["tiles"]}
    assert tiles["leads.mqls"]["target"] == 40
    assert tiles["pipeline.won"]["target"] is None


def test_tiles_look_back_a_week_and_a_quarter(company: Company) -> None:
    def became_mql(at: datetime) -> None:
        world.passage(LeadFactory(captured_at=at), "mql", at)

    for at in (MONDAY - timedelta(days=3), MONDAY - timedelta(days=10), MONDAY - timedelta(days=11)):
        became_mql(at)
    for _ in range(4):
        became_mql(MONDAY - timedelta(weeks=13, days=3))
    tile = next(tile for tile in report().content["tiles"] if tile["figure"] == "leads.mqls")
    assert (tile["value"], tile["previous"], tile["quarter"]) == (1, 2, 4)
    assert tile["delta"] == "−50.0%"
    assert tile["direction"] == "down"
    assert tile["tone"] == "bad"
    assert [value for _, value in tile["series"]] == [0] * 10 + [2, 1]


def test_a_cohort_is_compared_at_the_same_age(company: Company) -> None:
    """Last week's MQL became SQL on Tuesday; at this week's age (five hours) it had not."""
    last = LeadFactory(captured_at=MONDAY - timedelta(days=10))
    world.passage(last, "mql", MONDAY - timedelta(days=10))
    world.passage(last, "sql", MONDAY - timedelta(days=6), "mql")
    this = LeadFactory(captured_at=MONDAY - timedelta(days=3))
    world.passage(this, "mql", MONDAY - timedelta(days=3))
    at = MONDAY + timedelta(hours=1)
    tile = next(t for t in report(at=at).content["tiles"] if t["figure"] == "leads.conversion.mql_to_sql")
    assert tile["is_cohort"]
    assert tile["value"] == 0
    assert tile["previous"] == 0


@pytest.mark.parametrize(
    ("week", "hours"),
    [(Week(2026, 13), 167), (Week(2026, 43), 169), (Week(2026, 53), 168), (Week(2027, 1), 168)],
)
def test_daylight_saving_and_week_53(company: Company, week: Week, hours: int) -> None:
    period = week.period(company.tz)
    assert (period.end - period.start) == timedelta(hours=hours)
    for at in (period.start - timedelta(seconds=1), period.start, period.end - timedelta(seconds=1), period.end):
        LeadFactory(captured_at=at)
        world.passage(Lead.objects.latest("pk"), "mql", at)
    made = publish_report(week=week, at=period.end + timedelta(hours=6))
    mqls = made.content["figures"]["leads.mqls"]
    assert made.week == str(week)
    assert mqls["value"] == 2
    tile = next(tile for tile in made.content["tiles"] if tile["figure"] == "leads.mqls")
    assert tile["previous"] == 1
    assert tile["series"][-2][0] == str(week.previous())


def test_due_on_monday_at_six_company_time(company: Company) -> None:
    assert due_week(MONDAY - timedelta(seconds=1), company) == Week(2026, 45)
    assert due_week(MONDAY, company) == WEEK
    assert due_week(datetime(2026, 11, 22, 22, 59, tzinfo=UTC), company) == WEEK
    assert due_week(datetime(2026, 3, 30, 4, 0, tzinfo=UTC), company) == Week(2026, 13)  # six in summer time


def test_missed_weeks_are_caught_up_once(company: Company) -> None:
    assert publish_due(at=MONDAY) == []  # no company to report on
    LeadFactory(captured_at=MONDAY - timedelta(days=40))
    with backdated(MONDAY):
        assert [made.week for made in publish_due(at=MONDAY)] == ["2026-W46"]
        assert publish_due(at=MONDAY) == []
    later = MONDAY + timedelta(weeks=3)
    with backdated(later):
        assert [made.week for made in publish_due(at=later)] == ["2026-W47", "2026-W48", "2026-W49"]
        assert publish_due(at=later) == []


def test_a_second_publisher_in_between_gives_both_the_same_report(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one publishes after we looked and before we write: the narrowest place of the race."""
    LeadFactory(captured_at=MONDAY - timedelta(days=3))
    other: list[WeeklyReport] = []

    write = publishing._write

    def write_after_another(*given: Any) -> WeeklyReport:
        if not other:
            other.append(WeeklyReport())  # the inner call must not recurse
            other[0] = publish_report(week=WEEK, at=MONDAY)
        return write(*given)

    monkeypatch.setattr(publishing, "_write", write_after_another)
    ours = publish_report(week=WEEK, at=MONDAY + timedelta(seconds=1))
    assert ours.pk == other[0].pk
    assert ours.published_at == MONDAY
    assert WeeklyReport.objects.count() == 1
    parts = [(rows.figure, rows.part) for rows in ReportRows.objects.all()]
    assert len(parts) == len(set(parts)) > 0
