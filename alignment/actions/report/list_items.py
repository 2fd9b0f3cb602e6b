"""Every number of a published report that can be restated: its figures, campaign rows and the split of won revenue.

Each says from the rows of which figures it comes, and how, so that it is compared and explained like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alignment.actions.report.compare_rows import entry_scope
from alignment.actions.report.compose_report import (
    LOST_BEFORE,
    QUARTER_COST,
    QUARTER_REVENUE,
    WON_BEFORE,
    entry_name,
)
from alignment.actions.report.count_rows import valued
from alignment.actions.report.explain_revenue import NO_TERRITORY, PARTS
from alignment.actions.report.explain_tiles import change_by_part
from alignment.actions.report.freeze_figure import CAMPAIGN_ID
from alignment.models import WeeklyReport
from alignment.pure import ledger
from alignment.pure.decomposition import decompose, segments
from alignment.pure.drivers import OTHERS, part_key
from alignment.pure.ledger import Number, State
from leads.figures.base import Unit, definition

SPLIT = "split"
CHANGE = "change."
"""Begins the entry of a part of a figure's change."""
TARGET = "target"
"""In place of a campaign: the target of a figure."""
CAMPAIGN_ROI = "campaign.roi"
_CAMPAIGN_ROWS = {
    "week_revenue": ("attribution.revenue", "attributed revenue"),
    "week_cost": ("spend.total", "cost"),
    "revenue": (QUARTER_REVENUE, "attributed revenue, 13 weeks"),
    "cost": (QUARTER_COST, "cost, 13 weeks"),
}
_SPLIT_OF = ("pipeline.won", "pipeline.lost_count", WON_BEFORE, LOST_BEFORE)
States = Mapping[str, State]
"""By entry."""


@dataclass(frozen=True, slots=True)
class Item:
    """One number. ``entries`` are those whose rows make it, ``group`` the rows of them it takes (None: all), and
    ``is_sum`` whether it is their amounts added up, so that each row's share of a difference is exact.

    ``keeps_group``: the value needs to know which group a row is of. Money is in cents.
    """

    entry: str
    item: str
    name: str
    unit: Unit
    better: str
    published: Number | None
    entries: tuple[str, ...]
    group: str | None
    is_sum: bool
    value: Callable[[States], Number | None]
    keeps_group: bool = False

    def rows(self, state: State) -> State:
        """What the number takes of a figure's rows."""
        return state if self.keeps_group else ledger.within(state, self.group)

    def current(self, states: States) -> Number | None:
        """The number that these rows make, all rows of the figures given."""
        return self.value({entry: self.rows(states[entry]) for entry in self.entries})


def list_items(report: WeeklyReport, entries: frozenset[str], changed: frozenset[str]) -> Iterator[Item]:
    """The numbers that come from ``entries`` alone and from a ``changed`` one, in the order of the report."""
    yield from (_figure(report, entry) for entry in report.content["figures"] if entry in changed)
    if set(_SPLIT_OF) <= entries and changed & set(_SPLIT_OF):
        yield from _split(report)
    for change in report.content.get("changes", []):  # reports of before have none
        needed = {change["entry"], change["before"]}
        if change["entry"] != "pipeline.won" and needed <= entries and changed & needed:
            yield from _changes(report, change)
    yield from _campaigns(report, entries, changed)


def _figure(report: WeeklyReport, entry: str) -> Item:
    about = report.content["figures"][entry]
    how = valued(key=about["figure"], scope=entry_scope(report, entry, report.as_of))
    return Item(
        entry=entry,
        item="",
        name=entry_name(entry=entry, about=report.content["figures"][entry]),
        unit=about["unit"],
        better=about["better"],
        published=about["value"],
        entries=(entry,),
        group=None,
        is_sum=how.is_sum,
        value=lambda states: how.value(states[entry]),
    )


# --- campaigns -------------------------------------------------------------------------------------------------------


def _campaigns(report: WeeklyReport, entries: frozenset[str], changed: frozenset[str]) -> Iterator[Item]:
    listed = report.content["campaigns"]
    for row in {row["id"]: row for row in [*listed["best"], *listed["worst"]]}.values():
        for name, (entry, words) in _CAMPAIGN_ROWS.items():
            if entry in changed:
                yield Item(
                    entry=entry,
                    item=row["id"],
                    name=f"{row['name']}: {words}",
                    unit="money",
                    better="neither" if "cost" in name else "up",
                    published=row[name],
                    entries=(entry,),
                    group=row["id"],
                    is_sum=True,
                    value=_campaign_sum(entry, _nothing(report, entry, row["id"])),
                )
        quarter = {QUARTER_REVENUE, QUARTER_COST}
        if quarter <= entries and quarter & changed:
            yield Item(
                entry=CAMPAIGN_ROI,
                item=row["id"],
                name=f"{row['name']}: ROI, 13 weeks",
                unit="share",
                better="up",
                published=row["roi"],
                entries=(QUARTER_REVENUE, QUARTER_COST),
                group=row["id"],
                is_sum=False,
                value=_campaign_roi(_nothing(report, QUARTER_REVENUE, row["id"])),
            )


def _nothing(report: WeeklyReport, entry: str, campaign: str) -> Callable[[], Number | None]:
    """What a campaign without a row of an amount has: no revenue, or some of unknown amount; no known cost."""

    def nothing() -> Number | None:
        if entry in (QUARTER_COST, "spend.total"):
            return None
        about = report.content["figures"][entry]
        part = definition(about["figure"]).parts(entry_scope(report, entry, report.as_of))["included"]
        return part.narrowed(**{CAMPAIGN_ID: campaign}).of_nothing().total

    return nothing


def _campaign_sum(entry: str, nothing: Callable[[], Number | None]) -> Callable[[States], Number | None]:
    def value(states: States) -> Number | None:
        return _sum(states[entry], nothing)

    return value


def _campaign_roi(nothing: Callable[[], Number | None]) -> Callable[[States], Number | None]:
    def value(states: States) -> Number | None:
        revenue, cost = _sum(states[QUARTER_REVENUE], nothing), _sum(states[QUARTER_COST], lambda: None)
        return (revenue - cost) / cost if cost and revenue is not None else None

    return value


def _sum(state: State, nothing: Callable[[], Number | None]) -> Number | None:
    rows = state.get("included", {})
    return sum(kept.amount for kept in rows.values()) if rows else nothing()


# --- the parts of other changes --------------------------------------------------------------------------------------


def _changes(report: WeeklyReport, change: Mapping[str, Any]) -> Iterator[Item]:
    listed = [part["key"] for part in change["parts"] or []]
    for part in change["parts"] or []:
        yield Item(
            entry=f"{CHANGE}{change['entry']}",
            item=part["key"],
            name=f"Change of {change['name']}: {part['name']}",
            unit=change["unit"],
            better="neither",
            published=part["value"],
            entries=(change["entry"], change["before"]),
            group=None,
            is_sum=False,
            value=_change_part(report, change, part["key"], listed),
            keeps_group=True,
        )


def _change_part(
    report: WeeklyReport, change: Mapping[str, Any], key: str, listed: list[str]
) -> Callable[[States], Number | None]:
    how = valued(
        key=report.content["figures"][change["entry"]]["figure"],
        scope=entry_scope(report, change["entry"], report.as_of),
    )

    def value(states: States) -> Number | None:
        found = change_by_part(how, states[change["before"]], states[change["entry"]])
        if found is None:
            return None
        parts = {part_key(name): amount for name, amount in found.items()}
        if key == OTHERS:
            return sum(amount for name, amount in parts.items() if name not in listed)
        return parts.get(key, 0)

    return value


# --- the split of won revenue ----------------------------------------------------------------------------------------


def _split(report: WeeklyReport) -> Iterator[Item]:
    published = {part["key"]: part["cents"] for part in report.content["split"]["parts"]}
    for key, name, _ in PARTS:
        if key not in published:  # reports of before counted refunds as wins
            continue
        yield Item(
            entry=SPLIT,
            item=key,
            name=f"Change of won revenue: {name.lower()}",
            unit="money",
            better="neither",
            published=published[key],
            entries=_SPLIT_OF,
            group=None,
            is_sum=False,
            value=_split_part(report, key),
            keeps_group=True,
        )


def _split_part(report: WeeklyReport, key: str) -> Callable[[States], Number | None]:
    figures = {
        entry: valued(key="pipeline.won", scope=entry_scope(report, entry, report.as_of))
        for entry in ("pipeline.won", WON_BEFORE)
    }

    def value(states: States) -> Number | None:
        if None in [how.value(states[entry]) for entry, how in figures.items()]:
            return None
        rows = [states[entry].get("included", {}).values() for entry in _SPLIT_OF]
        now, before = (segments(won, lost, nowhere=NO_TERRITORY) for won, lost in (rows[:2], rows[2:]))
        found = decompose(before, now)
        return int(getattr(found, f"{key}_cents"))

    return value
