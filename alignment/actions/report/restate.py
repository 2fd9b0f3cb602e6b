"""Notice published figures that would read differently today, and write down why. Reports themselves never change."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Max, Q

from alignment.actions.report.compose_report import MARKETING_PROMISES, SALES_PROMISES, TILES, report_scope
from alignment.actions.report.read_figures import PENDING
from alignment.models import Restatement, WeeklyReport
from leads.figures import words
from leads.figures.base import Cause, Number, Scope, UnknownFigure, definition, figure, series
from leads.models import Company, LeadEvent, OpportunityChange, Touchpoint
from leads.pure.week import Period, Week

WEEKS_WATCHED = 26
RESTATED = (*TILES, *SALES_PROMISES, *MARKETING_PROMISES, "attribution.coverage", "attribution.revenue")
CORRECTED = "Rows of the week were corrected after publication"
NAMED, LONGEST = 2, 300
"""So many causes are told in full, and so many signs of all of them."""


def restate(*, at: datetime) -> list[Restatement]:
    """Compare the reports of the last half year with today's values and append what differs from the last look.

    A cohort is asked for as of its publication, because growing older is no correction. Figures whose definition or
    currency changed since are left alone: they are no longer the same question.
    """
    company = Company.current()
    oldest = Week.of(at, company.tz).previous(WEEKS_WATCHED)
    reports = list(WeeklyReport.objects.filter(week__gte=str(oldest), currency=company.currency).order_by("week"))
    if not reports:
        return []
    today = _values_today(reports, company, at)
    seen = _last_seen(reports)
    found = []
    for report in reports:
        for key in RESTATED:
            about = report.content["figures"].get(key)
            if about is None or (report.pk, key) not in today:
                continue
            published, current = about["value"], today[report.pk, key]
            if not _is_same(seen.get((report.pk, key), published), current):
                cause = _cause(report, key, at)
                found.append(
                    Restatement(
                        report=report,
                        figure=key,
                        published_value=published,
                        current_value=current,
                        cause=cause,
                        noticed_at=at,
                    )
                )
    return Restatement.objects.bulk_create(found, ignore_conflicts=True)


def news_since(last: datetime | None, *, until: datetime) -> list[dict[str, Any]]:
    """Restatements noticed since the last report came out, newest week first, each figure once, ready to show."""
    rows = Restatement.objects.filter(noticed_at__lte=until).select_related("report").order_by("noticed_at", "pk")
    if last is not None:
        rows = rows.filter(noticed_at__gt=last)
    newest = {(row.report.week, row.figure): row for row in rows}
    return [told(row) for _, row in sorted(newest.items(), reverse=True)]


def told(row: Restatement) -> dict[str, Any]:
    """A restatement in words."""
    about = row.report.content["figures"][row.figure]
    texts = [words.number_text(value, about["unit"], row.report.currency) for value in _both(row, about["unit"])]
    return {
        "week": row.report.week,
        "entry": row.figure,
        "name": about["name"],
        "published_text": texts[0],
        "current_text": texts[1],
        "cause": row.cause,
        "noticed_at": row.noticed_at.isoformat(),
    }


def _both(row: Restatement, unit: str) -> list[Number | None]:
    whole = unit in ("count", "money", "money_per_day")
    values = (row.published_value, row.current_value)
    return [round(value) if whole and value is not None else value for value in values]


# --- today's values --------------------------------------------------------------------------------------------------


def _values_today(reports: list[WeeklyReport], company: Company, at: datetime) -> dict[tuple[int, str], Number | None]:
    """Each report's figures as they read now. Reports that asked alike are answered by one series per figure."""
    groups: defaultdict[tuple[str, str], list[WeeklyReport]] = defaultdict(list)
    for report in reports:
        groups[report.time_zone, report.content["method"]].append(report)
    values: dict[tuple[int, str], Number | None] = {}
    for (zone, method), alike in groups.items():
        first, last = Week.parse(alike[0].week), Week.parse(alike[-1].week)
        scope = replace(report_scope(company=company, week=last, at=at), tz=ZoneInfo(zone), method=method)
        for key in RESTATED:
            version = _version(key)
            asked = [report for report in alike if version is not None and report.definitions.get(key) == version]
            if not asked:
                continue
            if PENDING in definition(key).parts(scope):
                for report in asked:
                    values[report.pk, key] = figure(key, _as_published(scope, report)).value
            else:
                weekly = dict(series(key, scope, first, last))
                values |= {(report.pk, key): weekly[Week.parse(report.week)] for report in asked}
    return values


def _as_published(scope: Scope, report: WeeklyReport) -> Scope:
    return replace(scope, period=Week.parse(report.week).period(scope.tz), at=report.as_of)


def _version(key: str) -> int | None:
    try:
        return definition(key).version
    except UnknownFigure:
        return None


def _is_same(one: Number | None, other: Number | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def _last_seen(reports: list[WeeklyReport]) -> dict[tuple[int, str], float | None]:
    rows = Restatement.objects.filter(report__in=reports)
    newest = rows.order_by().values("report", "figure").annotate(newest=Max("pk")).values("newest")
    return {
        (row["report_id"], row["figure"]): row["current_value"]
        for row in Restatement.objects.filter(pk__in=newest).values("report_id", "figure", "current_value")
    }


# --- causes ----------------------------------------------------------------------------------------------------------


def _cause(report: WeeklyReport, key: str, at: datetime) -> str:
    """What was recorded after publication about the period of the figure, in a sentence."""
    about = report.content["figures"][key]
    start, end = (datetime.fromisoformat(moment) for moment in about["period"])
    tz = ZoneInfo(report.time_zone)
    scope = Scope(period=Period(start, end), at=at, tz=tz, currency=report.currency, method=report.content["method"])
    told = _told(definition(key).causes(scope, report.published_at))
    if key == "leads.lead_velocity":
        start -= timedelta(days=92)  # it looks at the two whole months before
    said = [*told, *_causes(key, Period(start, end), report.published_at)]
    text = "; ".join(said) if said else CORRECTED
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _told(causes: Sequence[Cause]) -> Iterable[str]:
    """Each cause in full where they are few, else how many of which kind and the largest in full."""
    if len(causes) <= NAMED:
        return [cause.text for cause in causes]
    kinds = Counter(cause.kind for cause in causes)
    counted = ", ".join(f"{count:,} × {kind}" for kind, count in kinds.most_common())
    return [f"{counted}; most of all: {max(causes, key=lambda cause: cause.weight).text}"]


def _causes(key: str, period: Period, since: datetime) -> Iterable[str]:
    if key.startswith(("pipeline.", "attribution.")):
        changes = OpportunityChange.objects.filter(recorded_at__gt=since).filter(
            Q(opportunity__closed_at__gte=period.start, opportunity__closed_at__lt=period.end)
            | Q(opportunity__opened_at__gte=period.start, opportunity__opened_at__lt=period.end)
            | Q(changed_at__gte=period.start, changed_at__lt=period.end)
        )
        yield from _said(changes.values("opportunity").distinct().count(), "deal", "changed amount or stage")
    if key.startswith("attribution.") or key == "pipeline.sourced":
        touches = Touchpoint.objects.filter(recorded_at__gt=since, occurred_at__lt=period.end)
        yield from _said(touches.count(), "touch", "recorded late", "touches")
    if key.startswith("leads.") or key == "pipeline.sourced":
        events = LeadEvent.objects.filter(recorded_at__gt=since)
        merged = events.filter(kind=LeadEvent.Kind.MERGED)
        yield from _said(merged.values("lead").distinct().count(), "lead", "merged into another")
        dated = events.filter(happened_at__gte=period.start, happened_at__lt=period.end)
        late = dated.filter(kind__in=(LeadEvent.Kind.STAGE_CHANGED, LeadEvent.Kind.FOLLOW_UP_DONE))
        yield from _said(late.values("lead").distinct().count(), "lead", "had late news of the week")


def _said(count: int, noun: str, verb: str, plural: str = "") -> Iterable[str]:
    if count:
        yield f"{count:,} {noun if count == 1 else plural or f'{noun}s'} {verb}"
