"""What every channel, programme and campaign earned and cost, under one method or all side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from attribution.figures.campaign_table import BASIC_METHODS, CampaignTable, Node, campaign_table
from attribution.figures.deals import overlap
from attribution.figures.headlines import TILES, headlines
from attribution.forms.campaigns import AttributionForm, presets
from attribution.models import JourneyScope
from attribution.pure.methods import Method
from attribution.queries.runs import last_run
from attribution.views.doors import figure_url, figure_urls, roi_words
from attribution.views.table_file import csv_file, xlsx_file
from leads.figures.base import NO_CAMPAIGN, Definition, Number, Scope, definition, figure
from leads.models import Company
from leads.past.deemed import deemed_now
from leads.past.span import moment
from leads.pure import words
from leads.pure.charts import Chart, hbars, shares
from leads.views.doors import SignedInRequest
from leads.views.filters import refused_filters
from leads.views.past import asked_as_of, has_filters
from leads.views.restated import restated

ALWAYS_SHOWN = ("method", "basis", "scope", "from", "to")
LEVELS = {"channels": "Channels", "programmes": "Programs", "campaigns": "Campaigns"}
SORTS = {"name", "revenue", "pipeline", "cost", "roi", "leads"}
PAGE_SIZE = 30
BARS = 10
PARTS = 7
NOT_KNOWN = {
    "attribution.roi": "No cost reported in this period",
    "attribution.roas": "No ad spend reported in this period",
    "attribution.marketing_cac": "No cost reported, or no new customer",
}
_HERE = "METHOD"
"""Stands for a method's key, none of which is in capitals."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A method's revenue and verdict in one row of the side-by-side table."""

    text: str
    url: str
    verdict: str
    roi: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table, ready to print."""

    node: Node
    depth: int
    url: str
    revenue: str
    share: str
    pipeline: str
    cost: str
    roi: str
    roi_note: str
    roi_range: str
    tone: str
    is_disputed: bool
    is_in_programme: bool
    links: dict[str, str]
    cells: list[Cell]


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
    lines = [
        line
        for node in _sorted(table.channels, sort, scope.method)
        for line in _lines(node, scope, table, shown if is_side_by_side else ())
    ]
    visible = [line for line in lines if _is_shown(line, level)]
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
        "tiles": _tiles(scope),
        "restated": restated(definition("attribution.cost"), scope),
        "page": (page := Paginator(visible, PAGE_SIZE).get_page(request.GET.get("page"))),
        "lines": [*_above(visible, page.start_index() - 1), *page] if visible else [],
        "is_any_disputed": any(line.is_disputed for line in visible),
        "level": level,
        "levels": LEVELS,
        "table": table,
        "totals": _totals(table, scope, shown),
        "overlap": _overlap(scope),
        "check": _check(table, scope),
        "chart": _chart(table, scope),
        "mix": _mix(table, scope, form.known, is_side_by_side=is_side_by_side),
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


def _sorted(nodes: list[Node], sort: str, method: str) -> list[Node]:
    key, is_descending = sort.removeprefix("-"), sort.startswith("-")

    def value(node: Node) -> Any:
        known = {
            "revenue": node.earned.value(method),
            "pipeline": node.pipeline,
            "cost": node.cost,
            "leads": node.leads,
        }
        return node.name.casefold() if key == "name" else node.roi(method) if key == "roi" else known[key]

    known = sorted((node for node in nodes if value(node) is not None), key=value, reverse=is_descending)
    for node in nodes:
        node.children = _sorted(node.children, sort, method)
    return [*known, *(node for node in nodes if value(node) is None)]


def _is_shown(line: Line, level: str) -> bool:
    """Channels always; campaigns without a programme stand on the programmes' level."""
    if level == "campaigns" or line.node.kind == "channel":
        return True
    return level == "programmes" and not line.is_in_programme


def _above(lines: list[Line], first: int) -> list[Line]:
    """The rows that the first row of a page belongs to, from the channel down; none on the first page."""
    found: list[Line] = []
    depth = lines[first].depth
    for line in reversed(lines[:first]):
        if line.depth < depth:
            found.insert(0, line)
            depth = line.depth
    return found


def _lines(node: Node, scope: Scope, table: CampaignTable, compared: Sequence[Method]) -> list[Line]:
    inside = {id(child) for _, found in node.walk() if found.kind == "programme" for child in found.children}
    return [_line(depth, found, scope, table, compared, id(found) in inside) for depth, found in node.walk()]


def _line(
    depth: int, node: Node, scope: Scope, table: CampaignTable, compared: Sequence[Method], is_in_programme: bool
) -> Line:
    method, currency = scope.method, scope.currency
    campaign = NO_CAMPAIGN if node.kind == "none" else str(node.campaign or "")
    place: dict[str, Any] = {"channel": node.channel, "campaign": campaign}
    roi, total = node.roi(method), table.total[method]
    names = {"revenue": "attribution.revenue", "pipeline": "attribution.pipeline", "roi": "attribution.roi"}
    if node.cost is not None:
        names["cost"] = "attribution.cost"
    if node.leads:
        names["leads"] = "leads.captured"
    links = figure_urls(names, scope, **place)
    page = reverse("attribution:campaign", args=[node.campaign]) if node.campaign else ""
    return Line(
        node=node,
        depth=depth,
        url=f"{page}?{urlencode({**scope.query(), 'channel': ''})}" if page else "",
        revenue=words.money(revenue := node.earned.value(method), currency),
        share=words.share(revenue / total, 1) if total and revenue is not None else words.MISSING,
        pipeline=words.money(node.pipeline, currency),
        cost=words.money(node.cost, currency),
        roi=roi_words(roi),
        roi_note=_roi_note(node),
        roi_range=_roi_range(node),
        tone="" if roi is None else "good" if roi >= 0 else "bad",
        is_disputed=node.is_disputed(),
        is_in_programme=is_in_programme,
        links=links,
        cells=_cells(node, scope, place, compared),
    )


def _cells(node: Node, scope: Scope, place: dict[str, Any], compared: Sequence[Method]) -> list[Cell]:
    if not compared:
        return []
    # One address for the row: building it anew for every method is what a page of 16 methods would spend its time on.
    before, _, after = figure_url("attribution.revenue", scope, method=_HERE, **place).partition(_HERE)
    return [_cell(node, scope, f"{before}{each.key}{after}", each.key) for each in compared]


def _cell(node: Node, scope: Scope, url: str, method: str) -> Cell:
    roi = node.roi(method)
    return Cell(
        text=words.money(node.earned.value(method), scope.currency),
        url=url,
        verdict="" if roi is None else "good" if roi >= 0 else "bad",
        roi=roi_words(roi),
    )


def _roi_range(node: Node) -> str:
    """Between which values the ROI lies by the basic methods, where these disagree."""
    if not node.is_disputed():
        return ""
    known = [value for method in BASIC_METHODS if (value := node.roi(method)) is not None]
    return f"{roi_words(min(known))} to {roi_words(max(known))} by model"


def _roi_note(node: Node) -> str:
    if node.cost is None:
        return "no cost reported"
    if node.cost == 0:
        return "nothing spent"
    return "cost incomplete" if node.is_cost_incomplete else ""


def _totals(table: CampaignTable, scope: Scope, shown: Sequence[Method]) -> dict[str, Any]:
    currency, whole = scope.currency, table.whole
    return {
        "unattributed": words.money(table.unattributed_of(scope.method), currency),
        "unattributed_share": words.share(table.unattributed[scope.method] / table.total[scope.method], 1)
        if table.total[scope.method]
        else words.MISSING,
        "unattributed_url": figure_url("attribution.unattributed", scope),
        "total": words.money(table.total_of(scope.method), currency),
        "total_url": figure_url("pipeline.won", scope),
        "pipeline": words.money(whole.pipeline, currency),
        "pipeline_url": figure_url("attribution.pipeline", scope),
        "cost": words.money(whole.cost, currency),
        "cost_url": figure_url("attribution.cost", scope) if whole.cost is not None else "",
        "roi": roi_words(whole.roi(scope.method)),
        "roi_url": figure_url("attribution.roi", scope) if whole.cost else "",
        "leads": words.count(whole.leads),
        "leads_url": figure_url("leads.captured", scope) if whole.leads else "",
        "elsewhere": words.money(table.elsewhere[scope.method], currency),
        "elsewhere_url": figure_url("attribution.elsewhere", scope),
        "unattributed_cells": _linked("attribution.unattributed", table.unattributed_of, scope, shown),
        "elsewhere_cells": _linked("attribution.elsewhere", table.elsewhere.__getitem__, scope, shown),
        "cells": [words.money(table.total_of(each.key), currency) for each in shown],
    }


def _linked(
    key: str, sum_of: Callable[[str], int | None], scope: Scope, shown: Sequence[Method]
) -> list[tuple[str, str]]:
    """(text, address) of a row's cell under every method."""
    before, _, after = figure_url(key, scope, method=_HERE).partition(_HERE)
    return [(words.money(sum_of(each.key), scope.currency), f"{before}{each.key}{after}") for each in shown]


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


def _tiles(scope: Scope) -> list[dict[str, Any]]:
    now, before = headlines(scope), headlines(scope.during(scope.period.previous(scope.tz)))
    return [_tile(definition(f"attribution.{name}"), scope, now[name], before[name]) for name in TILES]


def _worded(meaning: Definition, value: Number | None, scope: Scope) -> str:
    if meaning.unit == "money":
        return words.money_short(None if value is None else round(value), scope.currency)
    if meaning.unit == "share":
        return words.share(value)
    return words.MISSING if value is None else f"{value:,.2f}" if meaning.unit == "ratio" else words.count(value)


def _tile(meaning: Definition, scope: Scope, value: Number | None, last: Number | None) -> dict[str, Any]:
    tile: dict[str, Any] = {
        "name": meaning.name,
        "value": _worded(meaning, value, scope),
        "url": figure_url(meaning.key, scope),
        "note": f"before: {_worded(meaning, last, scope)}" if last is not None else "before: not known",
    }
    if meaning.key == "attribution.roas":
        tile["note"] = f"paid media only, {tile['note']}"
    if value is None:
        tile["note"] = NOT_KNOWN.get(meaning.key, "Not known")
    elif last:
        points = meaning.unit == "share"
        # In points: the difference of what is shown, so that a reader who subtracts finds the same.
        change = round(value * 100, 1) - round(last * 100, 1) if points else (value - last) / abs(last) * 100
        is_better = (change > 0) == (meaning.better == "up")
        tile |= {
            "delta": f"{words.signed(change, 1)}{' pt' if points else '%'}",
            "direction": "flat" if round(change, 1) == 0 else "up" if change > 0 else "down",
            "tone": "flat" if meaning.better == "neither" or round(change, 1) == 0 else "good" if is_better else "bad",
        }
    return tile


def _chart(table: CampaignTable, scope: Scope) -> Chart:
    leaves = [node for channel in table.channels for _, node in channel.walk() if node.kind == "campaign"]
    best = sorted(leaves, key=lambda node: -node.revenue[scope.method])[:BARS]
    groups = [(node.name, (node.revenue[scope.method], node.cost)) for node in best if node.revenue[scope.method]]
    return hbars(
        groups,
        series=("Attributed revenue", "Cost"),
        title=f"The {BARS} campaigns with the most attributed revenue",
        of="Campaign",
        words=lambda cents: words.money_short(round(cents), scope.currency),
    )


def _mix(table: CampaignTable, scope: Scope, known: Sequence[Method], *, is_side_by_side: bool) -> Chart:
    """Who gets the credit, by method: all of them, or the chosen one beside the basic ones."""
    methods = [each for each in known if is_side_by_side or each.key in {*BASIC_METHODS, scope.method}]
    # The channels that matter under any method, in one order for all.
    weight = {id(node): max(node.revenue[each.key] for each in methods) for node in table.channels}
    order = sorted((node for node in table.channels if weight[id(node)] > 0), key=lambda node: -weight[id(node)])
    large, small = order[:PARTS], order[PARTS:]
    names = [node.name for node in large] + ["Other channels"] * bool(small)
    rows = []
    for each in methods:
        parts = [node.revenue[each.key] for node in large]
        parts += [sum(node.revenue[each.key] for node in small)] * bool(small)
        rows.append((each.name, [max(cents, 0) for cents in (*parts, table.unattributed[each.key])]))
    has_baseline = any(each.has_baseline for each in methods)
    return shares(
        rows,
        series=[*names, "Baseline and unattributed" if has_baseline else "Unattributed"],
        title="Who gets the credit, by model",
        of="Model",
        words=lambda cents: words.money_short(round(cents), scope.currency),
        percent=lambda share: words.share(share, 0),
        has_rest=True,
        highlight=next(each.name for each in methods if each.key == scope.method),
        width=1080 if is_side_by_side else 520,
    )
