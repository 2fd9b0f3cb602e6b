"""Keep the PDF of a published report: made once, served from there, made anew only after somebody was erased."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import structlog
from django.db.models import F, Q, QuerySet

from alignment.actions.report.render_pdf import PdfUnavailable, render_pdf
from alignment.models import ReportPdf, WeeklyReport
from leads.models import Company

log = structlog.get_logger(__name__)

# A claim without a file was interrupted. Longer than the slowest making by far.
LEASE = timedelta(minutes=15)
# So many of a run, the newest first, so that the mails of the next report need not wait for those of years.
MOST_AT_ONCE = 4


def kept_pdf(*, week: str) -> bytes | None:
    """The file that is kept of a week's report; None where there is none, or it is not what was kept."""
    row = ReportPdf.objects.filter(report__week=week, content__isnull=False).first()
    if row is None or row.content is None:
        return None
    content = bytes(row.content)
    if hashlib.sha256(content).hexdigest() == row.digest:
        return content
    log.warning("report_pdf_damaged", report=week)
    drop_pdfs(reports=WeeklyReport.objects.filter(week=week))
    return None


def keep_pdf(*, report: WeeklyReport, at: datetime) -> bytes:
    """The report's PDF: the kept one, or one made and kept now. Raises PdfUnavailable."""
    while True:
        if (kept := kept_pdf(week=report.week)) is not None:
            return kept
        row, _ = ReportPdf.objects.get_or_create(report=report)
        # Read after the edition: an erasure in the meantime raises it, and what is made here is not kept.
        fresh = WeeklyReport.objects.get(pk=report.pk)
        made = render_pdf(report=fresh, company_name=Company.current().name)
        ours = ReportPdf.objects.filter(pk=row.pk, edition=row.edition, content__isnull=True)
        if ours.update(content=made, digest=hashlib.sha256(made).hexdigest(), made_at=at, claimed_at=None):
            return made


def keep_due_pdfs(*, at: datetime) -> int:
    """Make the PDFs that are missing and that no other worker makes; returns how many were made."""
    free = Q(pdf__isnull=True) | Q(pdf__content__isnull=True) & (
        Q(pdf__claimed_at__isnull=True) | Q(pdf__claimed_at__lte=at - LEASE)
    )
    due = WeeklyReport.objects.filter(free, published_at__lte=at).defer("content").order_by("-week")[:MOST_AT_ONCE]
    made = 0
    for report in due:
        if not _claim(report, at):
            continue
        try:
            keep_pdf(report=report, at=at)
        except PdfUnavailable as refusal:
            ReportPdf.objects.filter(report=report, content__isnull=True).update(claimed_at=None)
            log.info("report_pdf_unavailable", why=str(refusal))
            break
        made += 1
    return made


def drop_pdfs(*, reports: QuerySet[WeeklyReport]) -> int:
    """Forget the PDFs of reports, those that are just being made among them; they are made anew later."""
    return ReportPdf.objects.filter(report__in=reports.values("pk")).update(
        content=None, digest="", made_at=None, claimed_at=None, edition=F("edition") + 1
    )


def _claim(report: WeeklyReport, at: datetime) -> bool:
    """Whether the making is ours."""
    row, is_new = ReportPdf.objects.defer("content").get_or_create(report=report, defaults={"claimed_at": at})
    if is_new:
        return True
    free = Q(claimed_at__isnull=True) | Q(claimed_at__lte=at - LEASE)
    return bool(ReportPdf.objects.filter(free, pk=row.pk, content__isnull=True).update(claimed_at=at))
