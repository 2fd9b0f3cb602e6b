"""The pipeline: what it yields a day, where deals stand, what moved this week, how far the cohort has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F, OrderBy, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from alignment.figures import cohorts
from alignment.figures.cohorts import Cohort, captured_cohort
from alignment.figures.cycle import cycle_curve
from alignment.figures.stages import OpenDeal, StageLine, Standing, standing
from alignment.forms.pipeline import PipelineForm
from attribution.queries.columns import listed
from leads.figures import columns, selection, words
from leads.figures.base import Column, Figure, RowSet, Scope, Tally, definition, figure, series, written
from leads.figures.deals import open_deals
from leads.figures.stood import in_stage_since, stalled
from leads.figures.together import figures, stock_series
from leads.models import Company, Opportunity, Stage
from leads.past.deemed import deemed_now
from leads.pure.charts import Chart, funnel, sparkline
from leads.pure.charts import Stage as Bar
from leads.pure.week import Period, Week, days_label, local_date, quarter_bounds, quarter_label
from leads.pure.words import count, days, money, money_short
from leads.views.doors import SignedInRequest
from leads.views.figure_file import csv_file, xlsx_file
from leads.views.filters import refused_filters
from leads.views.past import asked_as_of, has_filters

PAGE_SIZE = 25
FACTORS = ("pipeline.open_count", "pipeline.win_rate", "pipeline.deal_size", "pipeline.cycle_median")
OUTCOMES = ("pipeline.created", "pipeline.won", "pipeline.weighted", "pipeline.sourced", "pipeline.influenced")
MOVEMENT = (
    "pipeline.created_count",
    "pipeline.advanced",
    "pipeline.slipped",
    "pipeline.won_count",
    "pipeline.lost_count",
)
WON = "leads.conversion.opportunity_to_won"
CONVERSIONS = (*cohorts.CONVERSIONS, WON)
VELOCITY, STALLED = "pipeline.velocity", "pipeline.stalled"
STOCKS = (STALLED, "pipeline.open_count", "pipeline.weighted")
"""Told by the open deals, which the page reads for its stages."""
SORTS = {
    "name": "name",
    "owner": "owner__name",
    "stage": "stood_position",
    "amount": "stood_cents",
    "opened": "opened_at",
    "in_stage": "-stood_since",  # longest in the stage means changed first
    "expected": "expected_close_on",
}
_OF_FACTS = {
    "stood_position": attrgetter("position"),
    "stood_cents": attrgetter("cents"),
    "stood_since": attrgetter("since"),
}
"""Sorts by what a deal's history tells."""
_BARS = {Stage.LEAD: "Leads", Stage.CUSTOMER: "Customer"}


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure as the page shows it."""

    name: str
    text: str
    url: str
    notes: tuple[str, ...] = ()
    spark: Chart | None = None


@login_required
@require_GET
@asked_as_of
@has_filters
def pipeline(request: SignedInRequest) -> HttpResponse:
    """The current quarter by default; a rep sees only their own deals and leads."""
    user, company = request.user, Company.current()
    form = PipelineForm(request.GET, user=user, company=company, at=deemed_now())
    if refusal := refused_filters(request, form, title="Pipeline"):
        return refusal
    scope = form.scope(user)
    at, stood = selection.moment(scope), open_deals(scope)
    if request.GET.get("export") in ("csv", "xlsx"):
        return _file(request, _listed(form, stood, at), scope)
    now, people = standing(stood, at), captured_cohort(scope)
    page = Paginator(_ordered(form, now.deals), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = Opportunity.objects.select_related("owner").in_bulk([deal.pk for deal in page])
    context = {
        "form": form,
        "scope": scope,
        "period": _period_label(scope, company),
        **_tiles(scope, now, people),
        "stages": [_stage_line(line, scope) for line in now.lines],
        "funnel": _funnel(people),
        "page": page,
        "deals": [_deal_line(rows[deal.pk], deal, scope) for deal in page],
    }
    return render(request, "alignment/pipeline.html", context)


def _stage_line(line: StageLine, scope: Scope) -> dict[str, Any]:
    return {
        "line": line,
        "name": line.stage.name if line.stage else "Not known",
        "key": line.stage.key if line.stage else "",
        "url": words.figure_url("pipeline.stages", scope, part=line.part),
        "count_url": words.figure_url("pipeline.stages_count", scope, part=line.part),
        "amount": "unknown" if line.cents is None else money(line.cents, scope.currency),
        "weighted": "unknown" if line.weighted_cents is None else money(line.weighted_cents, scope.currency),
    }


def _tiles(scope: Scope, now: Standing, people: Cohort) -> dict[str, Any]:
    """Every figure of the page, asked for together; those of movement are of a week, whatever the period."""
    of_week = scope.during(_movement_of(scope))
    week = Week.of(of_week.period.start, scope.tz)
    first, end = (local_date(at, scope.tz) for at in (of_week.period.start, of_week.period.end))
    asked = [(key, scope) for key in (*FACTORS, *OUTCOMES, WON) if key not in STOCKS]
    asked += [(key, of_week) for key in MOVEMENT]
    found = {each.definition.key: each for each in figures(asked, for_value=True)}
    found |= {key: Figure.of(definition(key), scope, {}, now.tallies(key)) for key in STOCKS}
    told = cohorts.conversions(scope, people)
    found |= {key: Figure.of(definition(key), scope, {}, tallies) for key, tallies in told.items()}
    found[VELOCITY] = _velocity(scope, found)
    return {
        "velocity": _tile(found[VELOCITY]),
        "factors": [_tile(found[key], _factor_notes(key, scope)) for key in FACTORS],
        "outcomes": [_tile(found[key], spark=_spark(key, scope)) for key in OUTCOMES],
        "stalled": _tile(found[STALLED]),
        "conversions": [_tile(found[key]) for key in CONVERSIONS],
        "week": week,
        "week_title": "This week's movement" if scope.at < scope.period.end else "Movement in the period's last week",
        "week_label": f"Week {week.number}, {days_label(first, end)}",
        "movement": [_tile(found[key]) for key in MOVEMENT],
    }


def _velocity(scope: Scope, found: Mapping[str, Figure]) -> Figure:
    """Of its four factors, which the page shows beside it and has asked for already."""
    deals, rate, size, cycle = (found[key].totals for key in FACTORS)
    totals = {"open": deals["included"], **rate, "size": size["included"], "cycle": cycle["included"]}
    return Figure.of(definition(VELOCITY), scope, {}, {name: Tally(total) for name, total in totals.items()})


def _tile(found: Figure, notes: tuple[str, ...] = (), spark: Chart | None = None) -> Tile:
    text = words.value_text(found)
    return Tile(
        found.definition.name,
        text if found.value is not None else "unknown",
        words.figure_url(found.definition.key, found.scope),
        (*notes, *([lacking] if (lacking := words.lacking_text(found)) else [])),
        spark,
    )


def _factor_notes(key: str, scope: Scope) -> tuple[str, ...]:
    if key != "pipeline.cycle_median":
        return ()
    curve = cycle_curve(scope)
    median = curve.median()
    return (
        f"Until won or lost, open deals counted: {days(round(median, 1))}"
        if median is not None
        else "Too few decisions to tell for all deals",
    )


def _spark(key: str, scope: Scope) -> Chart:
    """Twelve weeks up to the scope's moment."""
    scope = replace(scope, at=selection.moment(scope))
    last = _week(scope)
    meaning = written(key)
    by_week = stock_series if meaning.weekly == "each" else series
    weeks = by_week(key, scope, last.previous(11), last)
    return sparkline(
        [value for _, value in weeks],
        title=f"{meaning.name}, 12 weeks",
        labels=[str(week) for week, _ in weeks],
        words=lambda cents: money_short(int(cents), scope.currency),
    )


def _period_label(scope: Scope, company: Company) -> str:
    first, end = (local_date(at, scope.tz) for at in (scope.period.start, scope.period.end))
    month = company.fiscal_year_start_month
    if (first, end) == quarter_bounds(first, month):
        return f"{quarter_label(first, month)}, {days_label(first, end)}"
    return days_label(first, end)


def _week(scope: Scope) -> Week:
    """The week of the scope's moment; the end of a period belongs to the week before it."""
    return Week.of(selection.moment(scope) - timedelta.resolution, scope.tz)


def _movement_of(scope: Scope) -> Period:
    """The week of the scope's moment while the period lasts. Of a period that is over its own last week: the last one
    that lies in it as a whole, else those of its days that the week of its end has."""
    week = _week(scope)
    whole = week.period(scope.tz)
    if scope.at < scope.period.end or whole.end <= scope.period.end:
        return whole
    before = week.previous().period(scope.tz)
    if before.start >= scope.period.start:
        return before
    return Period(max(whole.start, scope.period.start), scope.period.end)


def _funnel(people: Cohort) -> Chart:
    bars = [Bar(_BARS.get(Stage(s.stage), Stage(s.stage).label), s.reached, s.pending) for s in people.steps()]
    return funnel(bars, title="Leads captured in the period, and how far they have come", words=count)


# --- open deals ------------------------------------------------------------------------------------------------------


def _sorted_by(form: PipelineForm) -> tuple[str, bool]:
    """The column that the list of open deals goes by, and whether from its largest value down."""
    sort = form.data.get("sort") or "-amount"
    path = SORTS.get(sort.removeprefix("-"), "stood_cents")
    return path.removeprefix("-"), sort.startswith("-") != path.startswith("-")


def _listed(form: PipelineForm, deals: QuerySet[Any], at: datetime) -> QuerySet[Any]:
    """The list as rows of the database, for files."""
    given = form.cleaned_data
    deals = (stalled if given.get("stalled") else in_stage_since)(deals, at=at)
    if given.get("stage"):
        deals = deals.filter(stood_stage=given["stage"].pk)
    path, descending = _sorted_by(form)
    return deals.order_by(_unknown_last(path, descending), "pk")


def _ordered(form: PipelineForm, deals: Sequence[OpenDeal]) -> list[OpenDeal]:
    """The same of deals that were read for their stages, whose facts need not be asked again."""
    given = form.cleaned_data
    stage = given["stage"].pk if given.get("stage") else None
    kept = [deal for deal in deals if (deal.is_stalled or not given.get("stalled")) and stage in (None, deal.stage)]
    path, descending = _sorted_by(form)
    if path not in _OF_FACTS:
        by_id = {deal.pk: deal for deal in kept}
        rows = Opportunity.objects.filter(pk__in=listed(sorted(by_id))).order_by(_unknown_last(path, descending), "pk")
        return [by_id[pk] for pk in rows.values_list("pk", flat=True)]
    fact = _OF_FACTS[path]
    kept.sort(key=attrgetter("pk"))
    known = sorted((deal for deal in kept if fact(deal) is not None), key=fact, reverse=descending)
    return [*known, *(deal for deal in kept if fact(deal) is None)]


def _unknown_last(path: str, descending: bool) -> OrderBy:
    return F(path).desc(nulls_last=True) if descending else F(path).asc(nulls_last=True)


def _deal_line(deal: Opportunity, stood: OpenDeal, scope: Scope) -> dict[str, Any]:
    at = selection.moment(scope)
    today = local_date(at, scope.tz)
    return {
        "deal": deal,
        "stage": stood.stage_name or "not known",
        "amount": "not known" if stood.cents is None else money(stood.cents, scope.currency),
        "days": None if stood.since is None else max(at - stood.since, timedelta()).days,
        "is_stalled": stood.is_stalled,
        "is_late": deal.expected_close_on is not None and deal.expected_close_on < today,
    }


def _file(request: SignedInRequest, deals: QuerySet[Any], scope: Scope) -> HttpResponse:
    since = Column("stood_since", "In stage since", "date")
    shown = (*columns.DEAL_STOOD, since, Column("expected_close_on", "Expected close", "date"))
    rows = RowSet(deals, shown, "Open deals, filtered as on the page")
    found = figure("pipeline.open_count", scope)
    found = replace(found, parts={"included": rows}, totals={"included": rows.total()}, value=rows.total())
    return (csv_file if request.GET["export"] == "csv" else xlsx_file)(found, "included", "")
