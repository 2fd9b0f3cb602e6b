"""The rows of the campaign table, ready to print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from attribution.figures.campaign_table import BASIC_METHODS, CampaignTable, Node
from attribution.pure.methods import Method
from attribution.views.doors import figure_url, figure_urls, roi_words
from leads.figures.base import NO_CAMPAIGN, Scope
from leads.pure import words

SORTS = {"name", "revenue", "pipeline", "cost", "roi", "leads"}
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
class Branch:
    """A node in its place of the tree."""

    node: Node
    depth: int
    is_in_programme: bool


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
    links: dict[str, str]
    cells: list[Cell]


def sorted_nodes(nodes: list[Node], sort: str, method: str) -> list[Node]:
    """By one of SORTS, descending with a minus sign, on every level; unknown values last."""
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
        node.children = sorted_nodes(node.children, sort, method)
    return [*known, *(node for node in nodes if value(node) is None)]


def is_shown(branch: Branch, level: str) -> bool:
    """Channels always; campaigns without a programme stand on the programmes' level."""
    if level == "campaigns" or branch.node.kind == "channel":
        return True
    return level == "programmes" and not branch.is_in_programme


def above(branches: Sequence[Branch], first: int) -> list[Branch]:
    """What the first row of a page belongs to, from the channel down; none on the first page."""
    found: list[Branch] = []
    depth = branches[first].depth
    for branch in reversed(branches[:first]):
        if branch.depth < depth:
            found.insert(0, branch)
            depth = branch.depth
    return found


def branches_of(nodes: Sequence[Node]) -> list[Branch]:
    """The nodes and everything below them, from the top down."""
    walked = [step for node in nodes for step in node.walk()]
    inside = {id(child) for _, node in walked if node.kind == "programme" for child in node.children}
    return [Branch(node, depth, id(node) in inside) for depth, node in walked]


def line_of(branch: Branch, scope: Scope, table: CampaignTable, compared: Sequence[Method]) -> Line:
    """The row of a branch, with a cell per compared method."""
    node = branch.node
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
        depth=branch.depth,
        url=f"{page}?{urlencode({**scope.query(), 'channel': ''})}" if page else "",
        revenue=words.money(revenue := node.earned.value(method), currency),
        share=words.share(revenue / total, 1) if total and revenue is not None else words.MISSING,
        pipeline=words.money(node.pipeline, currency),
        cost=words.money(node.cost, currency),
        roi=roi_words(roi),
        roi_note="costs have no owner" if scope.owner else _roi_note(node),
        roi_range=_roi_range(node),
        tone="" if roi is None else "good" if roi >= 0 else "bad",
        is_disputed=node.is_disputed(),
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


def totals(table: CampaignTable, scope: Scope, shown: Sequence[Method]) -> dict[str, Any]:
    """The last rows of the table, ready to print, with their addresses."""
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
