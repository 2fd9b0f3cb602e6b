"""Send a report by e-mail, once to everybody it is for."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email

from alignment.actions.report.render_report import render_email
from alignment.models import ReportDelivery, WeeklyReport
from leads.actions.notifications.notify import notify
from leads.actions.notifications.unsubscribe import unsubscribe_headers
from leads.models import Company
from leads.models.notification import MessageChannel
from leads.queries.notifications import readers, wanting

log = structlog.get_logger(__name__)

KIND = "weekly_report"
# A report that is this old is no news any more; a new director does not get last year's.
STILL_NEWS = timedelta(days=7)
# A claim without a sending was interrupted. Longer than a mail server's time-out by far.
LEASE = timedelta(minutes=15)


def send_due_reports(*, at: datetime) -> int:
    """Send every report of the last week to whom it was not sent yet; returns how many mails went out."""
    reports = WeeklyReport.objects.filter(published_at__gt=at - STILL_NEWS, published_at__lte=at).order_by("week")
    for report in reports:
        _announce(report, at)
    return sum(send_report(report=report, at=at) for report in reports)


def send_report(*, report: WeeklyReport, at: datetime) -> int:
    """Send one report to its recipients who have not got it; returns how many mails went out.

    A delivery is claimed before it is sent, so that two beats send once. A claim that was never sent (the mail server
    was down, the worker died) is taken over after a while; only a worker that dies between the sending and the note
    of it makes a mail come twice.
    """
    people = wanting(readers(), kind=KIND, channel=MessageChannel.EMAIL)
    claimed = [(user, delivery) for user in people if (delivery := _claim(report, user.email, at)) is not None]
    if not claimed:
        return 0
    subject, text, html = render_email(report=report, company_name=Company.current().name)
    sent = 0
    for user, delivery in claimed:
        message = EmailMultiAlternatives(
            subject,
            text,
            settings.DEFAULT_FROM_EMAIL,
            [delivery.recipient],
            headers=unsubscribe_headers(user=user, kind=KIND),
        )
        message.attach_alternative(html, "text/html")
        try:
            message.send()
        except OSError as error:  # SMTP errors are OSErrors: the claim expires and another try follows
            log.warning("report_not_sent", report=report.week, error=type(error).__name__)
            continue
        ReportDelivery.objects.filter(pk=delivery.pk).update(sent_at=at)
        sent += 1
    return sent


def _announce(report: WeeklyReport, at: datetime) -> None:
    """Tell of a report in the portal, Slack and Teams; its mail is the report itself."""
    headline = report.content["headline"]
    notify(
        kind=KIND,
        key=f"weekly_report:{report.week}",
        title=f"Weekly report: week {int(report.week[-2:])}",
        text=str(headline["sentence"]),
        link=report.get_absolute_url(),
        to=readers(),
        at=at,
        by_email=False,
    )


def _claim(report: WeeklyReport, recipient: str, at: datetime) -> ReportDelivery | None:
    """The delivery, if it is ours to make."""
    try:
        validate_email(recipient)  # "a@x, evil@y" passes as a header
    except ValidationError:
        log.warning("report_recipient_refused", report=report.week)
        return None
    delivery, is_new = ReportDelivery.objects.get_or_create(
        report=report, recipient=recipient, defaults={"claimed_at": at}
    )
    if is_new:
        return delivery
    stale = ReportDelivery.objects.filter(pk=delivery.pk, sent_at__isnull=True, claimed_at__lte=at - LEASE)
    return delivery if stale.update(claimed_at=at) else None
