"""Compare the targets that a report shows with those that stand now for its week, change by change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from alignment.actions.report.call_change import BEFORE_HISTORY
from alignment.actions.report.explain_difference import DOORS
from alignment.actions.report.list_items import TARGET
from alignment.actions.report.read_figures import standing_target
from alignment.actions.report.tell_change import Telling, signed_text
from alignment.models import Target, WeeklyReport
from alignment.pure import sealing
from alignment.pure.ledger import Number
from alignment.queries.row_changes import RowChange, changes_between
from leads.figures.words import number_text
from leads.models import Change
from leads.past.moments import from_micros
from leads.past.snapshot import BeforeMemory, snapshot_at
from leads.past.span import known_at
from leads.pure import words
from leads.pure.week import Week

_COLUMNS = ("weekly_value", "starts_on", "ends_on")
_WORDS = {"came": "Target set after publication", "went": "Target removed", "changed": "Target changed"}


@dataclass(frozen=True, slots=True)
class ShownTarget:
    """A target as a report shows it; None: there was none."""

    entry: str
    figure: str
    name: str
    unit: Any
    published: Number | None


def shown_targets(report: WeeklyReport) -> Iterator[ShownTarget]:
    """The target of every figure that the report compares with one."""
    content = report.content
    told = [*content["tiles"], *(each for side in content["service"] for each in side["figures"]), *content["quality"]]
    for each in told:
        if "target" in each:
            name = f"{each['name']}: target"
            yield ShownTarget(each["entry"], each["figure"], name, each["unit"], each["target"])


def target_now(report: WeeklyReport, shown: ShownTarget) -> Number | None:
    """What the target of the week is; inside a span as of its moment."""
    return standing_target(shown.figure, Week.parse(report.week))


def explain_target(
    *, report: WeeklyReport, shown: ShownTarget, current: Number | None, now: datetime
) -> dict[str, Any]:
    """The ledger of a target between publication and now: each change of it, by whom and through which door."""
    lines = list(_lines(report, shown, now))
    change = None if None in (shown.published, current) else current - shown.published  # type: ignore[operator]
    causes = [
        _cause(words, [line for line in lines if _WORDS[line["what"]] == words], is_correction=True)
        for words in dict.fromkeys(_WORDS[line["what"]] for line in lines)
    ]
    kept: dict[str, Any] = sealing.plain(
        {
            "known_at": now,
            "unit": shown.unit,
            "name": shown.name,
            "entries": [shown.entry],
            "is_sum": bool(lines),
            "change": change,
            "interaction": 0 if lines and change is not None else None,
            "parts": [],
            "causes": causes or [{**_cause(BEFORE_HISTORY.words, [], is_correction=True), "effect": change}],
        }
    )
    return kept


def _cause(text: str, lines: list[dict[str, Any]], *, is_correction: bool) -> dict[str, Any]:
    return {
        "key": "target",
        "words": text,
        "is_correction": is_correction,
        "effect": sum(line["amount"] for line in lines),
        "count": len(lines),
        "lines": lines,
        "more": 0,
        "more_amounts": {},
    }


def _lines(report: WeeklyReport, shown: ShownTarget, now: datetime) -> Iterator[dict[str, Any]]:
    try:
        since = snapshot_at(report.as_of)
    except BeforeMemory:
        return
    made = changes_between(Target, _COLUMNS, "figure", [shown.figure], since, snapshot_at(now))
    by_id = Change.objects.in_bulk({change.change for change in made})
    telling, value = Telling([]), shown.published
    for moment in sorted({change.at for change in by_id.values()}):
        at = from_micros(moment)
        with known_at(at):
            after = target_now(report, shown)
        if after == value:
            continue
        own = [change for change in made if by_id[change.change].at == moment]
        yield _line(report, shown, own, by_id[own[0].change], telling, (after or 0) - (value or 0), at)
        value = after


def _line(
    report: WeeklyReport,
    shown: ShownTarget,
    own: list[RowChange],
    change: Change,
    telling: Telling,
    amount: Number,
    at: datetime,
) -> dict[str, Any]:
    return {
        "part": f"{shown.entry}|{TARGET}",
        "label": "Target",
        "key": str(own[0].pk),
        "what": own[0].kind,
        "row": shown.name,
        "url": "",
        "amount": amount,
        "amount_text": signed_text(amount, shown.unit, report.currency),
        "columns": [told for each in own for told in _columns(each, shown, report)],
        "changed": [[each.model._meta.db_table, each.pk] for each in own],
        "people": [],
        "at": at,
        "day": f"{at:%-d %b %Y}",
        "change": change.pk,
        "door": DOORS.get(change.door, change.door),
        "by": telling.writer(change),
        "because": change.because,
    }


def _columns(change: RowChange, shown: ShownTarget, report: WeeklyReport) -> Iterator[dict[str, str]]:
    def text(value: Any) -> str:
        if value is None:
            return words.MISSING
        return f"{value:%-d %b %Y}" if isinstance(value, date) else number_text(value, shown.unit, report.currency)

    columns = change.columns
    if change.kind != "changed":
        value = change.row["weekly_value"]
        columns = (("weekly_value", None, value) if change.kind == "came" else ("weekly_value", value, None),)
    for name, before, after in columns:
        label = str(Target._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
        yield {"of": "Target", "label": label.capitalize(), "before": text(before), "after": text(after)}


__all__ = ["TARGET", "ShownTarget", "explain_target", "shown_targets", "target_now"]
