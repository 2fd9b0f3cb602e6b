"""What every channel, programme and campaign earned and cost, under one method or all side by side."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from attribution.figures.campaign_table import BASIC_METHODS, CampaignTable, campaign_table
from attribution.figures.deals import overlap
from attribution.forms.campaigns import AttributionForm, presets
from attribution.models import JourneyScope
from attribution.queries.runs import last_run
from attribution.views.campaign_charts import best_campaigns, credit_by_method
from attribution.views.campaign_lines import SORTS, above, branches_of, is_shown, line_of, sorted_nodes, totals
from attribution.views.campaign_tiles import tiles
from attribution.views.doors import figure_url
from attribution.views.table_file import csv_file, xlsx_file
from leads.figures.base import Scope, definition, figure
from leads.models import Company
from leads.past.deemed import deemed_now
from leads.past.span import moment
from leads.pure import words
from leads.views.doors import SignedInRequest
from leads.views.filters import refused_filters
from leads.views.past import asked_as_of, has_filters
from leads.views.restated import restated

ALWAYS_SHOWN = ("method", "basis", "scope", "from", "to")
LEVELS = {"channels": "Channels", "programmes": "Programs", "campaigns": "Campaigns"}
PAGE_SIZE = 30


@login_required
@require_GET
@asked_as_of
@has_filters
def campaign_attribution(request: SignedInRequest) -> HttpResponse:
    """The campaign tree; ``view=methods`` compares methods, ``export=csv`` or ``xlsx`` gives the table as a file."""
    user = request.user
    if not user.sees_all:
        raise Http404("Campaign attribution is for those who see the whole company.")
    company, at = Company.current(), deemed_now()
    form = AttributionForm(request.GET, company=company, at=at)
    if refusal := refused_filters(request, form, title="Campaign attribution"):
        return refusal
    if any(not request.GET.get(name) for name in ALWAYS_SHOWN):
        asked = {name: value for name, value in request.GET.dict().items() if name != "week"}
        return redirect(f"{request.path}?{urlencode({**asked, **form.shown()})}")
    scope = form.scope(user)
    method, is_side_by_side = form.chosen, request.GET.get("view") == "methods"
    export = request.GET.get("export")
    # The flag of disputed rows needs the basic methods; all the others are read only where they are shown.
    shown = form.known if is_side_by_side or export in ("csv", "xlsx") else (method,)
    table = campaign_table(scope, {each.key for each in shown} | {*BASIC_METHODS})
    match export:
        case "csv":
            return csv_file(table, scope, shown)
        case "xlsx":
            return xlsx_file(table, scope, shown)
    sort = request.GET.get("sort", "")
    sort = sort if sort.removeprefix("-") in SORTS else "-revenue"
    level = request.GET.get("level", "")
    level = level if level in LEVELS else "programmes"
    branches = branches_of(sorted_nodes(table.channels, sort, scope.method))
    visible = [branch for branch in branches if is_shown(branch, level)]
    page = Paginator(visible, PAGE_SIZE).get_page(request.GET.get("page"))
    listed = [*above(visible, page.start_index() - 1), *page] if visible else []
    context = {
        "form": form,
        "scope": scope,
        "method": method,
        "methods": shown,
        "left_over": "Baseline and unattributed" if method.has_baseline else "Unattributed",
        "has_baseline": any(each.has_baseline for each in shown),
        "is_side_by_side": is_side_by_side,
        "presets": [
            (name, _query(request, days), all(request.GET.get(key) == day for key, day in days.items()))
            for name, days in presets(company, at)
        ],
        "tiles": tiles(scope),
        "restated": restated(definition("attribution.cost"), scope),
        "page": page,
        "lines": [line_of(branch, scope, table, shown if is_side_by_side else ()) for branch in listed],
        "is_any_disputed": any(branch.node.is_disputed() for branch in visible),
        "level": level,
        "levels": LEVELS,
        "table": table,
        "totals": totals(table, scope, shown),
        "overlap": _overlap(scope),
        "check": _check(table, scope),
        "chart": best_campaigns(table, scope),
        "mix": credit_by_method(table, scope, form.known, is_side_by_side=is_side_by_side),
        "rules": form.rules,
        "scope_name": JourneyScope(scope.journey_scope).label,
        "look_back_days": company.look_back_days,
        "run": last_run(),
        "is_past": moment() is not None,
        "query": urlencode(scope.query()),
    }
    return render(request, "attribution/campaigns/campaign_attribution.html", context)


def _query(request: SignedInRequest, changes: dict[str, str]) -> str:
    return "?" + urlencode({**request.GET.dict(), **changes})


def _check(table: CampaignTable, scope: Scope) -> dict[str, Any]:
    """Whether the table adds up to closed-won revenue as sales knows it, to the cent."""
    known = figure("pipeline.won", scope).value
    won = int(known or 0)
    total = table.total[scope.method]
    return {
        "is_realised": scope.basis == "realised",
        "holds": won == total,
        "won": words.money_exact(None if known is None else won, scope.currency),
        "attributed": words.money_exact(table.whole.earned.value(scope.method), scope.currency),
        "off_by": words.money_exact(abs(won - total), scope.currency),
        "url": figure_url("pipeline.won", scope),
    }


def _overlap(scope: Scope) -> dict[str, Any]:
    """How many campaigns the influenced deals met: why numbers of campaigns must not be added up."""
    met = overlap(scope)
    several = met["two"] + met["three"] + met["more"]
    return {
        "met": [(name, met[key]) for key, name in (("two", "2"), ("three", "3"), ("more", "4 or more")) if met[key]],
        "several": several,
        "all": several + met["one"],
        "url": figure_url("attribution.overlap", scope),
    }
