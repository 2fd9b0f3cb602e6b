"""The pipeline: what it yields a day, where deals stand, what moved this week, how far the cohort has come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from alignment.figures.cycle import cycle_curve
from alignment.figures.stages import cohort, stage_lines
from alignment.forms.pipeline import PipelineForm
from leads.figures import columns, selection, words
from leads.figures.base import Column, Figure, RowSet, Scope, definition, figure, series
from leads.figures.pipeline import is_stalled, open_deals
from leads.figures.together import figures, stock_series
from leads.models import Company, Opportunity, Stage
from leads.past.deemed import deemed_now
from leads.pure.charts import Chart, funnel, sparkline
from leads.pure.charts import Stage as Bar
from leads.pure.week import Week, days_label, local_date, quarter_bounds, quarter_label
from leads.pure.words import count, days, money, money_short
from leads.views.doors import SignedInRequest
from leads.views.figure_file import csv_file, xlsx_file
from leads.views.past import asked_as_of

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
CONVERSIONS = tuple(
    f"leads.conversion.{step}"
    for step in ("lead_to_mql", "mql_to_sal", "mql_to_sql", "sql_to_opportunity", "opportunity_to_won")
)
VELOCITY, STALLED = "pipeline.velocity", "pipeline.stalled"
SORTS = {
    "name": "name",
    "owner": "owner__name",
    "stage": "stage__position",
    "amount": "reporting_cents",
    "opened": "opened_at",
    "in_stage": "-stage_changed_at",  # longest in the stage means changed first
    "expected": "expected_close_on",
}
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
def pipeline(request: SignedInRequest) -> HttpResponse:
    """The current quarter by default; a rep sees only their own deals and leads."""
    user, company = request.user, Company.current()
    form = PipelineForm(request.GET, user=user, company=company, at=deemed_now())
    if not form.is_valid():
        return render(request, "alignment/pipeline.html", {"form": form}, status=400)
    scope = form.scope(user)
    deals = _listed(form, scope)
    if request.GET.get("export") in ("csv", "xlsx"):
        return _file(request, deals, scope)
    open_page = Paginator(deals.select_related("account", "owner", "stage"), PAGE_SIZE)
    context = {
        "form": form,
        "scope": scope,
        "period": _period_label(scope, company),
        **_tiles(scope),
        "stages": stage_lines(scope),
        "funnel": _funnel(scope),
        "page": (page := open_page.get_page(request.GET.get("page"))),
        "deals": [_deal_line(deal, scope) for deal in page],
    }
    return render(request, "alignment/pipeline.html", context)


def _tiles(scope: Scope) -> dict[str, Any]:
    """Every figure of the page, asked for together; those of movement are of a week, whatever the period."""
    week = _week(scope)
    of_week = scope.during(week.period(scope.tz))
    asked = [(key, scope) for key in (VELOCITY, STALLED, *FACTORS, *OUTCOMES, *CONVERSIONS)]
    asked += [(key, of_week) for key in MOVEMENT]
    found = {each.definition.key: each for each in figures(asked)}
    return {
        "velocity": _tile(found[VELOCITY]),
        "factors": [_tile(found[key], _factor_notes(key, scope)) for key in FACTORS],
        "outcomes": [_tile(found[key], spark=_spark(key, scope)) for key in OUTCOMES],
        "stalled": _tile(found[STALLED]),
        "conversions": [_tile(found[key]) for key in CONVERSIONS],
        "week": week,
        "movement": [_tile(found[key]) for key in MOVEMENT],
    }


def _tile(found: Figure, notes: tuple[str, ...] = (), spark: Chart | None = None) -> Tile:
    text = words.value_text(found)
    return Tile(
        found.definition.name,
        text if found.value is not None else "unknown",
        words.figure_url(found.definition.key, found.scope),
        notes,
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
    last = _week(scope)
    by_week = stock_series if definition(key).weekly == "each" else series
    weeks = by_week(key, scope, last.previous(11), last)
    return sparkline(
        [value for _, value in weeks],
        title=f"{definition(key).name}, 12 weeks",
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


def _funnel(scope: Scope) -> Chart:
    steps = cohort(scope)
    bars = [Bar(_BARS.get(Stage(s.stage), Stage(s.stage).label), s.reached, s.pending) for s in steps]
    return funnel(bars, title="Leads captured in the period, and how far they have come", words=count)


# --- open deals ------------------------------------------------------------------------------------------------------


def _listed(form: PipelineForm, scope: Scope) -> QuerySet[Opportunity]:
    deals, given = open_deals(scope), form.cleaned_data
    if given.get("owner"):
        deals = deals.filter(owner=given["owner"])
    if given.get("stage"):
        deals = deals.filter(stage=given["stage"])
    if given.get("stalled"):
        deals = deals.filter(is_stalled(selection.moment(scope)))
    sort = form.data.get("sort") or "-amount"
    path = SORTS.get(sort.removeprefix("-"), "reporting_cents")
    descending = sort.startswith("-") != path.startswith("-")
    return deals.order_by(f"{'-' if descending else ''}{path.removeprefix('-')}", "pk")


def _deal_line(deal: Opportunity, scope: Scope) -> dict[str, Any]:
    at = selection.moment(scope)
    age = max((at - deal.stage_changed_at).days, 0)
    today = local_date(at, scope.tz)
    return {
        "deal": deal,
        "amount": "not known" if deal.reporting_cents is None else money(deal.reporting_cents, scope.currency),
        "days": age,
        "is_stalled": at - deal.stage_changed_at > timedelta(days=deal.stage.stalled_after_days),
        "is_late": deal.expected_close_on is not None and deal.expected_close_on < today,
    }


def _file(request: SignedInRequest, deals: QuerySet[Opportunity], scope: Scope) -> HttpResponse:
    since = Column("stage_changed_at", "In stage since", "date")
    shown = (*columns.DEAL, since, Column("expected_close_on", "Expected close", "date"))
    rows = RowSet(deals, shown, "Open deals, filtered as on the page")
    found = figure("pipeline.open_count", scope)
    found = replace(found, parts={"included": rows}, totals={"included": rows.total()}, value=rows.total())
    return (csv_file if request.GET["export"] == "csv" else xlsx_file)(found, "included", "")
