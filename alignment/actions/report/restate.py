"""Notice published numbers that would read differently today, and write down why. Reports themselves never change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from alignment.actions.report.compare_rows import (
    entry_scope,
    is_as_published,
    is_comparable,
    is_other_version,
    rows_now,
)
from alignment.actions.report.compare_targets import TARGET, ShownTarget, explain_target, shown_targets, target_now
from alignment.actions.report.count_rows import Counted
from alignment.actions.report.explain_difference import explain_difference, is_corrected, sentence
from alignment.actions.report.explain_meaning import explain_incomparable
from alignment.actions.report.explain_tiles import BEFORE
from alignment.actions.report.list_items import CHANGE, SPLIT, Item, list_items
from alignment.actions.report.trace_difference import Difference, trace_difference
from alignment.models import Restatement, WeeklyReport
from alignment.pure import sealing
from alignment.pure.ledger import is_same
from alignment.queries.report import looks, newest_looks, standing
from leads.figures import words
from leads.figures.base import Number, definition, figure, keys
from leads.models import Company
from leads.past.settled import reading_moment
from leads.past.span import known_at
from leads.pure import words as plain
from leads.pure.week import Week

WEEKS_WATCHED = 26
AGED_EVERY = timedelta(days=7)
"""A number that only grows older, as every young cohort does each day, is written down again so often."""
BACK = "Back at the published value"


def restate(*, at: datetime | None = None) -> list[Restatement]:
    """Compare the reports of the last half year with what is known now, and append what differs from the last look.

    Every number of a report is compared by its rows, and its targets. That a definition changed is a cause of its own.
    Reports in another currency are left alone. Seeding and tests choose the moment: ``at``. Raises NotSettled.
    """
    now = reading_moment(at)
    company = Company.current()
    oldest = Week.of(now, company.tz).previous(WEEKS_WATCHED)
    reports = WeeklyReport.objects.filter(
        week__gte=str(oldest), currency=company.currency, published_at__lt=now
    ).order_by("week")
    found = [row for report in reports for row in _Look(report, now).restatements()]
    return Restatement.objects.bulk_create(found, ignore_conflicts=True)


@dataclass(slots=True)
class _Look:
    """One look at one report."""

    report: WeeklyReport
    now: datetime
    ends: dict[str, Counted] = field(default_factory=dict)
    differences: dict[str, Difference] = field(default_factory=dict)

    def restatements(self) -> Iterator[Restatement]:
        defined = self._defined()
        with known_at(self.now):
            self.ends = {entry: rows_now(self.report, entry, self.now) for entry in defined}
            targets = [(each, target_now(self.report, each)) for each in shown_targets(self.report)]
        entries = frozenset(entry for entry in defined if is_comparable(self.report, entry, self.ends[entry]))
        changed = frozenset(
            entry
            for entry in entries
            if is_other_version(self.report, entry) or not is_as_published(self.report, entry, self.ends[entry])
        )
        last = newest_looks(self.report)
        restated = {(each.entry, TARGET) for each, _ in targets}
        for each, current in targets:
            yield from self._target(each, current, last.get((each.entry, TARGET)))
        for entry in defined:
            if entry not in entries:
                restated.add((entry, ""))
                yield from self._incomparable(entry, last.get((entry, "")))
        for item in list_items(self.report, entries, changed):
            restated.add((item.entry, item.item))
            yield from self._noticed(item, last.get((item.entry, item.item)))
        for which, row in last.items():
            if which not in restated and not is_same(row.published_value, row.current_value):
                yield from self._back(row, entries)

    def _defined(self) -> list[str]:
        known = set(keys())
        return [entry for entry, about in self.report.content["figures"].items() if about["figure"] in known]

    def _noticed(self, item: Item, last: Restatement | None) -> Iterator[Restatement]:
        def explain() -> dict[str, Any]:
            differences = {entry: self._difference(entry) for entry in item.entries}
            return explain_difference(report=self.report, item=item, differences=differences, now=self.now)

        current = item.current(self.ends)
        yield from self._compared(item.entry, item.item, item.published, current, last, explain)

    def _target(self, shown: ShownTarget, current: Number | None, last: Restatement | None) -> Iterator[Restatement]:
        def explain() -> dict[str, Any]:
            return explain_target(report=self.report, shown=shown, current=current, now=self.now)

        yield from self._compared(shown.entry, TARGET, shown.published, current, last, explain)

    def _incomparable(self, entry: str, last: Restatement | None) -> Iterator[Restatement]:
        """A figure whose definition has other parts, or another unit, now."""
        about = self.report.content["figures"][entry]
        is_same_unit = about["unit"] == definition(about["figure"]).unit
        current: Number | None = None
        if is_same_unit:
            with known_at(self.now):
                current = figure(about["figure"], entry_scope(self.report, entry, self.now)).value

        def explain() -> dict[str, Any]:
            return explain_incomparable(report=self.report, entry=entry, current=current, now=self.now)

        yield from self._compared(entry, "", about["value"], current, last, explain)

    def _compared(
        self,
        entry: str,
        item: str,
        published: Number | None,
        current: Number | None,
        last: Restatement | None,
        explain: Callable[[], dict[str, Any]],
    ) -> Iterator[Restatement]:
        """What is written down of a number, if anything: nothing where it reads as at the last look."""
        if is_same(published, current):
            if last is not None and not is_same(last.published_value, last.current_value):
                yield self._row(entry, item, published, current, BACK, {})
            return
        if last is not None and is_same(last.current_value, current):
            return
        kept = explain()
        is_fresh = last is not None and not last.is_correction and last.noticed_at > self.now - AGED_EVERY
        if is_corrected(kept) or not is_fresh:
            yield self._row(entry, item, published, current, sentence(kept), kept)

    def _back(self, row: Restatement, entries: frozenset[str]) -> Iterator[Restatement]:
        """None of its figures differs in any row, unless they cannot be compared any more."""
        needed = row.ledger.get("entries", [row.figure])  # read here alone, as this is rare
        if set(needed) <= entries:
            yield self._row(row.figure, row.item, row.published_value, row.published_value, BACK, {})

    def _difference(self, entry: str) -> Difference:
        if entry not in self.differences:
            self.differences[entry] = trace_difference(
                report=self.report, entry=entry, end=self.ends[entry], now=self.now
            )
        return self.differences[entry]

    def _row(
        self, entry: str, item: str, published: Number | None, current: Number | None, cause: str, kept: dict[str, Any]
    ) -> Restatement:
        return Restatement(
            report=self.report,
            figure=entry,
            item=item,
            published_value=published,
            current_value=current,
            cause=cause,
            salt=token_hex(16),
            is_correction=is_corrected(kept) if kept else True,
            ledger=kept,
            noticed_at=self.now,
        )


# --- in words --------------------------------------------------------------------------------------------------------


def news_since(last: datetime | None, *, until: datetime) -> list[dict[str, Any]]:
    """Corrections noticed since the last report came out, newest week first, each number once, ready to freeze.

    A cause may name a person, so that its hash is frozen in its place: `alignment.queries.report.causes_of` finds it.
    """
    rows = Restatement.objects.filter(noticed_at__lte=until).select_related("report")
    if last is not None:
        rows = rows.filter(noticed_at__gt=last)
    newest = {(row.report.week, row.figure, row.item): row for row in looks(rows)}
    listed = standing(newest[key] for key in sorted(newest, reverse=True))
    return [_frozen(row) for row in listed if row.is_correction and not is_detail(row.figure)]


def _frozen(row: Restatement) -> dict[str, Any]:
    shown = told(row)
    sealed = sealing.seal_text(shown.pop("cause"), row.salt)
    return {**shown, "cause_hash": sealed}


def is_detail(entry: str) -> bool:
    """Whether a number explains another one: a part of a change, or the week before that it is measured against. These
    stand on the page of restatements alone; the week before has a report of its own that lists them."""
    return entry.startswith((SPLIT, CHANGE)) or entry.endswith(BEFORE)


def told(row: Any) -> dict[str, Any]:
    """A restatement of `alignment.queries.report.looks` in words."""
    about = row.report.content["figures"].get(row.figure, {})
    unit = row.told_unit or about["unit"]
    published, current = both_texts(row.published_value, row.current_value, unit, row.report.currency)
    return {
        "week": row.report.week,
        "entry": row.figure,
        "item": row.item,
        "name": str(row.told_name or about["name"]),
        "published_text": published,
        "current_text": current,
        "cause": row.cause,
        "is_correction": row.is_correction,
        "noticed_at": row.noticed_at.isoformat(),
    }


def both_texts(published: Number | None, current: Number | None, unit: Any, currency: str) -> tuple[str, str]:
    """Two values for people, as exact as it takes to tell them apart."""
    short = [words.number_text(_whole(value, unit), unit, currency) for value in (published, current)]
    if short[0] != short[1] or is_same(published, current):
        return short[0], short[1]
    first, second = (_exactly(value, unit, currency) for value in (published, current))
    return first, second


def _exactly(value: Number | None, unit: str, currency: str) -> str:
    if value is None:
        return plain.MISSING
    if unit in ("money", "money_per_day"):
        return plain.money_exact(round(value), currency)
    if unit == "share":
        return plain.share(value, 4)
    return f"{value:,.4f}" + (f" {unit}" if unit in ("hours", "days", "minutes") else "")


def _whole(value: Number | None, unit: str) -> Number | None:
    return round(value) if value is not None and unit in ("count", "money", "money_per_day") else value
