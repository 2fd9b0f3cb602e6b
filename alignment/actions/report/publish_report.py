"""Publish the report of a finished week: once, whole, and for good."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse

from alignment.actions.report.compose_report import Draft, compose_report
from alignment.actions.report.recommend import recommended, write_recommendations
from alignment.actions.report.restate import news_since, restate
from alignment.models import ReportRows, WeeklyReport
from alignment.pure import sealing
from alignment.queries.report import last_whole_week, may_publish
from leads.actions.webhooks.record_events import News, record_event
from leads.models import Company, User
from leads.past.settled import reading_moment
from leads.past.span import known_at
from leads.pure.refused import Refused
from leads.pure.week import Week
from leads.queries.answers import of_portal

BATCH = 20


class WeekNotOver(Refused):
    """The week has not ended yet, so that its figures would still change."""


class PublishRefused(Refused):
    """This person may not publish reports."""


def publish_report(
    *, week: Week, at: datetime | None = None, by: User | None = None, looks_back: bool = True
) -> WeeklyReport:
    """Freeze a finished week with all its rows; a week that is published already is given back as it is.

    Everything is read as of one settled moment, so that asking as of it later gives the same to the cent. Seeding and
    tests choose the moment: ``at``. `by` is the person who asked for it, or None for the clock. Without ``looks_back``
    earlier reports are not compared first, for whoever publishes many at once. Raises WeekNotOver, PublishRefused and
    NotSettled.
    """
    if by is not None and not may_publish(by):
        raise PublishRefused("Marketing directors, sales leaders and admins publish reports.")
    at = reading_moment(at)
    company = Company.current()
    if week > last_whole_week(at, company):
        raise WeekNotOver(f"Week {week} ends on {week.ends_on:%-d %b %Y} at midnight, {company.time_zone} time.")
    published = WeeklyReport.objects.filter(week=str(week)).first()
    if published is not None:
        return published
    if looks_back:
        restate(at=at)
    with known_at(at):
        company = Company.current()
        draft = compose_report(company=company, week=week, at=at)
    try:
        return _write(draft, company, at, by)
    except IntegrityError:
        # Somebody else published the same week in the meantime. If it was not that, the report is missing: say so.
        return WeeklyReport.objects.get(week=str(week))


@transaction.atomic
def _write(draft: Draft, company: Company, at: datetime, by: User | None) -> WeeklyReport:
    before = WeeklyReport.objects.filter(week__lt=str(draft.week)).order_by("-week").first()
    new, told = recommended(draft=draft, before=before, at=at)
    content: dict[str, Any] = {
        **draft.content,
        "headline": {**draft.content["headline"], "decision": told["decision"]},
        "recommendations": sealing.plain(told["recommendations"]),
        "recommendations_more": told["recommendations_more"],
        "last_recommendations": sealing.plain(told["last_recommendations"]),
        "published_by": by.name if by else "",
        "restatements": sealing.plain(news_since(before.published_at if before else None, until=at)),
    }
    report = WeeklyReport(
        week=str(draft.week),
        starts_on=draft.week.starts_on,
        published_at=at,
        as_of=at,
        time_zone=company.time_zone,
        currency=company.currency,
        definitions={about["figure"]: about["version"] for about in content["figures"].values()},
        content=content,
        digest=sealing.digest(content),
    )
    report.save(force_insert=True)
    ReportRows.objects.bulk_create(
        [
            ReportRows(
                report=report,
                figure=entry,
                part=part.name,
                columns=part.columns,
                rows=part.rows,
                count=len(part.rows),
                total=part.total if isinstance(part.total, int) else None,
                seals=part.seals,
            )
            for entry, frozen in draft.frozen.items()
            for part in frozen.parts
        ],
        batch_size=BATCH,
    )
    write_recommendations(report=report, new=new)
    _tell(report, at)
    return report


def _tell(report: WeeklyReport, at: datetime) -> None:
    """What other systems are told: where the report is, and that it was sealed."""
    path = reverse("alignment:weekly-report", args=[report.week])
    told = {
        "week": report.week,
        "url": of_portal(path),
        "published_at": report.published_at.isoformat(),
        "digest": report.digest,
    }
    key = f"report.published:{report.week}"
    record_event(news=News(kind="report.published", key=key, occurred_at=at, data={"report": told}), at=at)
