"""Present the restatements of a report: each number with its causes, rows and amounts, which add up."""

from __future__ import annotations

from typing import Any

from alignment.actions.report.list_items import TARGET
from alignment.actions.report.render_report import figure_path, restatements_path
from alignment.actions.report.restate import both_texts
from alignment.actions.report.tell_change import signed_text
from alignment.models import Restatement, WeeklyReport
from alignment.queries.report import newest_looks, standing
from leads.figures.base import Number

SHOWN = 10
"""So many rows of a cause beside other numbers; on its own page a number shows all that are kept."""


def present_restatements(
    *, report: WeeklyReport, entry: str = "", item: str = "", is_whole: bool = False
) -> list[dict[str, Any]]:
    """Numbers that read differently now, corrections first; with ``entry`` (and ``item``) those of one figure alone.

    ``is_whole``: with every row that is kept, and not the first few of each cause.
    """
    rows = standing(newest_looks(report).values())
    if entry:
        rows = [row for row in rows if row.figure == entry and (not item or row.item == item)]
    ledgers = dict(Restatement.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", "ledger"))
    told = [_number(report, row, ledgers[row.pk], None if entry or is_whole else SHOWN) for row in rows]
    return sorted(told, key=lambda each: (not each["is_correction"], each["name"]))


def _number(report: WeeklyReport, row: Restatement, ledger: dict[str, Any], most: int | None) -> dict[str, Any]:
    about = report.content["figures"].get(row.figure, {})
    unit = ledger.get("unit") or about["unit"]
    published, current = both_texts(row.published_value, row.current_value, unit, report.currency)

    def said(value: Number | None) -> str:
        return signed_text(value, unit, report.currency)

    change = None if None in (row.published_value, row.current_value) else ledger.get("change")
    return {
        "entry": row.figure,
        "item": row.item,
        "anchor": f"{row.figure}-{row.item}".strip("-").replace(".", "-"),
        "name": ledger.get("name") or about["name"],
        "unit": unit,
        "published": row.published_value,
        "current": row.current_value,
        "published_text": published,
        "current_text": current,
        "change": change,
        "change_text": said(change),
        "is_correction": row.is_correction,
        "noticed_at": row.noticed_at,
        # Looks of before rows were compared have only a sentence.
        "cause": "" if ledger else row.cause,
        "note": ledger.get("note", ""),
        "is_sum": ledger.get("is_sum", True),
        "parts": ledger.get("parts", []),
        "causes": [_cause(each, said, most) for each in ledger.get("causes", [])],
        "interaction": ledger.get("interaction") or None,
        "interaction_text": said(ledger.get("interaction")) if ledger.get("interaction") else "",
        "figure_url": _figure_url(report, row),
        "own_url": restatements_path(report=report, entry=row.figure, item=row.item),
    }


def _figure_url(report: WeeklyReport, row: Restatement) -> str:
    """Where the frozen rows open; empty for what is computed of several figures."""
    if row.figure not in report.content["figures"]:
        return ""
    is_campaign = row.item not in ("", TARGET)
    return figure_path(report=report, entry=row.figure) + (f"?only={row.item}" if is_campaign else "")


def _cause(cause: dict[str, Any], said: Any, most: int | None) -> dict[str, Any]:
    lines = cause["lines"][:most]
    return {
        **cause,
        "effect_text": said(cause["effect"]),
        "lines": lines,
        "unlisted": cause["more"] + len(cause["lines"]) - len(lines),
    }
