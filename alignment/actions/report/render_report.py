"""Render a published report: what the page and the e-mail show, all from its frozen content."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode

from alignment.actions.report.explain_revenue import shown_parts
from alignment.actions.report.present_recommendations import present_kept
from alignment.actions.report.restate import is_detail, told
from alignment.models import WeeklyReport
from alignment.queries.report import causes_told, is_sealed, newest_looks, standing
from leads.figures.words import number_text
from leads.pure import words
from leads.pure.charts import Chart, hbars, sparkline
from leads.pure.week import Week

UNANSWERED = "excluded_unanswered"
"""The part of speed to lead that lists those who wait for a first reply."""


def present_report(*, report: WeeklyReport) -> dict[str, Any]:
    """Template variables of a report; numbers come from the frozen content only, charts are drawn from them."""
    content = report.content
    zone = ZoneInfo(report.time_zone)
    restated, causes = restatements(report=report), causes_told(report)
    heads = [row for row in restated if not is_detail(row["entry"])]
    return {
        "report": report,
        "week": Week.parse(report.week),
        "content": content,
        "headline": content["headline"],
        "tiles": [_tile(report, tile) for tile in content["tiles"]],
        "split": {**content["split"], "parts": shown_parts(split=content["split"])},
        "split_url": figure_path(report=report, entry="pipeline.won"),
        "split_before_url": figure_path(report=report, entry="pipeline.won-before"),
        "split_chart": _split_chart(content["split"], report.currency),
        "changes": [_change(report, change) for change in content.get("changes", [])],
        "best": [_campaign(report, row) for row in content["campaigns"]["best"]],
        "worst": [_campaign(report, row) for row in content["campaigns"]["worst"]],
        "service": [
            {"side": side["side"], "figures": [_tile(report, figure) for figure in side["figures"]]}
            for side in content["service"]
        ],
        "quality": [_quality(report, figure) for figure in content["quality"]],
        "unusual": [{**move, "url": figure_path(report=report, entry=move["entry"])} for move in content["unusual"]],
        # Reports of before have none of the following.
        "recommendations": [present_kept(kept=each) for each in content.get("recommendations", [])],
        "recommendations_more": content.get("recommendations_more", ""),
        "last_recommendations": (last := content.get("last_recommendations", [])),
        "last_recommendations_answered": [row for row in last if _is_answered(row)],
        "last_recommendations_open": [row for row in last if not _is_answered(row)],
        "revisions": [_revision(report, row, zone) for row in content.get("revisions", [])],
        "restatements_of_others": [
            {**item, "cause": cause.text, "url": reverse("alignment:report-restatements", args=[item["week"]])}
            for item, cause in zip(content["restatements"], causes, strict=True)
        ],
        "restatements": [row for row in heads if row["is_correction"]],
        "restated_details": sum(row["is_correction"] and is_detail(row["entry"]) for row in restated),
        "aged": [row for row in heads if not row["is_correction"]],
        "restatements_url": restatements_path(report=report),
        "is_sealed": is_sealed(report, causes),
        "published_text": f"{report.published_at.astimezone(zone):%-d %b %Y, %H:%M %Z}",
        "company_name": "",
    }


def figure_path(*, report: WeeklyReport, entry: str) -> str:
    """Where a frozen figure opens."""
    return reverse("alignment:report-figure", args=[report.week, entry])


def restatements_path(*, report: WeeklyReport, entry: str = "", item: str = "") -> str:
    """Where a report's restatements open, or that of one number."""
    path = reverse("alignment:report-restatements", args=[report.week])
    return f"{path}?{urlencode({'figure': entry, **({'item': item} if item else {})})}" if entry else path


def restatements(*, report: WeeklyReport) -> list[dict[str, Any]]:
    """Numbers of the report that read differently since it came out, by the newest look, corrections first."""
    found = []
    for row in standing(newest_looks(report).values()):
        row.report = report
        found.append(
            {
                **told(row),
                "noticed_at": row.noticed_at,
                "url": restatements_path(report=report, entry=row.figure, item=row.item),
            }
        )
    return sorted(found, key=lambda item: (not item["is_correction"], item["name"]))


# --- parts of the page -----------------------------------------------------------------------------------------------


def _is_answered(told: dict[str, Any]) -> bool:
    """Whether a recommendation of the report before was decided or dismissed; older reports say so in words alone."""
    return bool(told.get("is_answered", told["outcome"].startswith(("Decided", "Dismissed"))))


def _revision(report: WeeklyReport, row: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    since = datetime.fromisoformat(row["at"]).astimezone(zone)
    return {**row, "since": f"{since:%-d %b %Y}", "url": figure_path(report=report, entry=row["entry"])}


def _words(unit: str, currency: str) -> Callable[[float], str]:
    def said(value: float) -> str:
        return number_text(value, unit, currency)  # type: ignore[arg-type]

    return said


def _tile(report: WeeklyReport, tile: dict[str, Any]) -> dict[str, Any]:
    weeks = [Week.parse(week) for week, _ in tile["series"]]
    quarter = words.week_label(Week.parse(tile["quarter_week"]), "short")
    # Reports that were published before say nothing about it.
    notes = [text] if (text := tile.get("lacking_text")) else []
    notes += [f"{tile['previous_text']} last week", f"{tile['quarter_text']} same week last quarter ({quarter})"]
    if tile["is_cohort"]:
        notes.append("weeks compared at the same age")
    if any(row["entry"] == tile["entry"] for row in report.content.get("revisions", [])):
        notes.append(f"all weeks by definition version {tile['version']}")
    return {
        **tile,
        "url": figure_path(report=report, entry=tile["entry"]),
        "notes": notes,
        "waiting_text": _waiting(report, tile["entry"]),
        "target_words": _target(tile),
        "spark": sparkline(
            [value for _, value in tile["series"]],
            title=f"{tile['name']}, {len(weeks)} weeks",
            labels=[words.week_label(week, "short") for week in weeks],
            words=_words(tile["unit"], report.currency),
        ),
    }


def _waiting(report: WeeklyReport, entry: str) -> str:
    """How many leads a median of replies says nothing about, as nobody has replied to them."""
    parts = report.content["figures"][entry]["parts"]
    number = next((part["count"] for part in parts if part["name"] == UNANSWERED), 0)
    return f"{words.count(number)} lead{'' if number == 1 else 's'} without a reply" if number else ""


def _target(tile: dict[str, Any]) -> str:
    value, target = tile["value"], tile["target"]
    if target is None:
        return ""
    if tile["unit"] in ("count", "money") and target and value is not None:
        return f"{tile['target_text']}, {words.share(value / target, 0)} of it"
    return str(tile["target_text"])


def _quality(report: WeeklyReport, figure: dict[str, Any]) -> dict[str, Any]:
    is_fine = not figure["value"] if figure["better"] == "down" else (figure["value"] or 0) >= 0.8
    return {**figure, "url": figure_path(report=report, entry=figure["entry"]), "is_fine": is_fine}


def _campaign(report: WeeklyReport, row: dict[str, Any]) -> dict[str, Any]:
    currency = report.currency
    rows = {"week_revenue": "attribution.revenue", "week_cost": "spend.total"}
    rows |= {"revenue": "attribution.revenue-13-weeks", "cost": "spend.total-13-weeks"}
    return {
        **row,
        "is_losing": row["roi"] is not None and row["roi"] < 0,
        "roi_text": words.share(row["roi"], 0),
        **{f"{name}_text": words.money(row[name], currency) for name in rows},
        **{
            f"{name}_url": f"{figure_path(report=report, entry=entry)}?only={row['id']}" for name, entry in rows.items()
        },
    }


def _change(report: WeeklyReport, change: dict[str, Any]) -> dict[str, Any]:
    parts = change["parts"]
    return {
        **change,
        "url": figure_path(report=report, entry=change["entry"]),
        "before_url": figure_path(report=report, entry=change["before"]),
        "because": "The figure of one of the weeks is unknown."
        if parts is None
        else ", ".join(f"{part['name']} {part['text']}" for part in parts) or "No change.",
        "largest_text": _largest(change),
    }


def _largest(change: dict[str, Any]) -> str:
    if not (row := change["largest"]):
        return ""
    share = "" if row["share"] > 1 else f", {words.share(row['share'], 0)} of the week"
    amount = words.money(row["cents"], change["currency"])
    return f"Largest deal{'' if row['is_now'] else ' of last week'}: {row['name']}, {amount}{share}."


def _split_chart(split: dict[str, Any], currency: str) -> Chart:
    return hbars(
        [(part["name"], (part["cents"] or 0,)) for part in shown_parts(split=split)],
        series=("Change",),
        of="Part",
        title="Change of won revenue against last week, by cause",
        words=lambda cents: words.money_short(int(cents), currency),
    )


# --- e-mail ----------------------------------------------------------------------------------------------------------


def render_email(*, report: WeeklyReport, company_name: str) -> tuple[str, str, str]:
    """Subject, text and HTML of the e-mail: the same content as the page, with absolute links."""
    context = {**present_report(report=report), "site": settings.PORTAL_URL, "company_name": company_name}
    subject = " ".join(f"Week {context['week'].number}: {report.content['headline']['sentence']}".split())
    html = render_to_string("emails/weekly_report.html", context)
    text = render_to_string("emails/weekly_report.txt", context)
    return subject[:160], text, css_inline.CSSInliner(load_remote_stylesheets=False).inline(html)
