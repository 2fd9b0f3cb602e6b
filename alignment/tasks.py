"""Background work of the alignment app: the weekly report, its mails, and the daily look at older reports."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from alignment.actions.report.keep_pdf import keep_due_pdfs
from alignment.actions.report.publish_due import publish_due
from alignment.actions.report.restate import restate
from alignment.actions.report.send_report import send_due_reports
from alignment.models import WeeklyReport
from attribution.actions.forget_past_credits import forget_past_credits as forget


@shared_task(name="alignment.tasks.publish_due_report")
def publish_due_report() -> int:
    """Publish what is due, mail what is not mailed yet, make the PDFs; returns how many mails went out."""
    at = timezone.now()
    publish_due(at=at)
    sent = send_due_reports(at=at)
    keep_due_pdfs(at=at)
    return sent


@shared_task(name="alignment.tasks.notice_restatements")
def notice_restatements() -> int:
    """Compare published reports with today's figures; returns how many differ newly."""
    return len(restate(at=timezone.now()))


@shared_task(name="alignment.tasks.forget_past_credits")
def forget_past_credits() -> int:
    """Forget the credits of past moments that nobody asks for, but for those of reports; returns how many moments."""
    return forget(at=timezone.now(), keep=list(WeeklyReport.objects.values_list("as_of", flat=True)))
