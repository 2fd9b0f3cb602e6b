"""Emails go out at most once, at moments that are allowed, to people who want them."""

from __future__ import annotations

import smtplib
from datetime import datetime, timedelta
from email.message import Message
from typing import Any

import pytest
from django.core import mail as outbox
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from pytest import MonkeyPatch

from leads.actions.workflows.advance import advance_enrollments
from leads.actions.workflows.enroll import enroll_triggered
from leads.actions.workflows.opt_out import opt_out, opt_out_url
from leads.actions.workflows.send_mails import MailRefused, send_workflow_mails, settle_mail
from leads.models import Company, Lead, Notification, Touchpoint, WorkflowMail
from leads.queries.mail import opt_outs
from tests.leads.actions.workflows.made import MAIL, MONDAY, WAIT, created, workflow
from tests.leads.factories import LeadFactory, TouchpointFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def started(company: Company) -> None:
    enroll_triggered(at=MONDAY - timedelta(days=9))


def waiting(at: datetime = MONDAY, lead: Lead | None = None, **rules: Any) -> WorkflowMail:
    """An email that waits to be sent."""
    workflow(MAIL, WAIT, at=at, **rules)
    created([lead or LeadFactory(owner=UserFactory(name="Rita", email="rita@portal.example"))], at)
    enroll_triggered(at=at)
    advance_enrollments(at=at)
    return WorkflowMail.objects.get()


def raising(error: Exception) -> Any:
    def send(self: EmailMultiAlternatives, fail_silently: bool = False) -> int:
        raise error

    return send


def test_it_goes_out_once_with_text_html_and_a_way_out() -> None:
    row = waiting()
    assert send_workflow_mails(at=MONDAY) == 1
    assert send_workflow_mails(at=MONDAY + timedelta(minutes=1)) == 0
    row.refresh_from_db()
    assert (row.state, row.sent_at) == ("sent", MONDAY)
    (sent,) = outbox.outbox
    assert sent.to == [row.email]
    assert sent.subject == "Hello Ada"
    assert sent.reply_to == ["rita@portal.example"]
    assert "Dear Ada Byron" in sent.body
    assert opt_out_url(mail=row) in sent.body
    message: Message = sent.message()
    assert message["Message-ID"].startswith(f"<{row.public_id}@")
    assert message["List-Unsubscribe"] == f"<{opt_out_url(mail=row)}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    ((html, kind),) = sent.alternatives
    assert kind == "text/html"
    assert "Dear Ada Byron" in str(html)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        (MONDAY + timedelta(hours=11), MONDAY + timedelta(hours=22)),  # 21:00 → 8:00 on Tuesday
        (MONDAY + timedelta(days=5), MONDAY + timedelta(days=6, hours=22)),  # Saturday → Monday, 8:00
    ],
)
def test_quiet_hours_and_weekends(at: datetime, until: datetime) -> None:
    row = waiting(at=at)
    assert row.not_before == until
    assert send_workflow_mails(at=until - timedelta(minutes=1)) == 0
    assert send_workflow_mails(at=until) == 1


def test_a_worker_that_comes_late_keeps_quiet_hours_too() -> None:
    row = waiting()
    assert send_workflow_mails(at=MONDAY + timedelta(hours=13)) == 0
    row.refresh_from_db()
    assert (row.state, row.not_before) == ("waiting", MONDAY + timedelta(hours=22))


def test_who_unsubscribed_meanwhile_gets_none() -> None:
    row = waiting()
    lead = row.enrollment.lead
    TouchpointFactory(lead=lead, kind="email_unsubscribe", occurred_at=MONDAY, exclusion="opt_out")
    assert send_workflow_mails(at=MONDAY) == 0
    row.refresh_from_db()
    assert (row.state, row.said) == ("withheld", "No email may be sent: unsubscribed on 2026-11-16.")
    assert outbox.outbox == []


def test_an_ended_enrollment_sends_no_more() -> None:
    row = waiting()
    row.enrollment.state = "ended"
    row.enrollment.save()
    assert send_workflow_mails(at=MONDAY) == 0
    row.refresh_from_db()
    assert row.state == "withheld"


def test_what_the_server_refused_is_tried_again(monkeypatch: MonkeyPatch) -> None:
    row = waiting()
    with monkeypatch.context() as patch:
        patch.setattr(EmailMultiAlternatives, "send", raising(ConnectionRefusedError()))
        assert send_workflow_mails(at=MONDAY) == 0
    row.refresh_from_db()
    assert (row.state, row.not_before) == ("waiting", MONDAY + timedelta(minutes=2))
    assert send_workflow_mails(at=MONDAY + timedelta(minutes=2)) == 1


@pytest.mark.parametrize(
    "error", [TimeoutError(), smtplib.SMTPServerDisconnected("gone"), smtplib.SMTPDataError(451, b"")]
)
def test_what_may_have_left_is_never_sent_again_by_itself(
    monkeypatch: MonkeyPatch, admin_user: Any, rep: Any, error: Exception
) -> None:
    row = waiting()
    with monkeypatch.context() as patch:
        patch.setattr(EmailMultiAlternatives, "send", raising(error))
        assert send_workflow_mails(at=MONDAY) == 0
    row.refresh_from_db()
    assert row.state == "unclear"
    assert send_workflow_mails(at=MONDAY + timedelta(hours=3)) == 0
    assert Notification.objects.filter(kind="workflow_trouble", recipient=admin_user, channel="portal").count() == 1
    with pytest.raises(MailRefused):
        settle_mail(mail=row, was_sent=False, again=True, by=rep, at=MONDAY)
    settle_mail(mail=row, was_sent=False, again=True, by=admin_user, at=MONDAY + timedelta(hours=3))
    assert send_workflow_mails(at=MONDAY + timedelta(hours=3)) == 1
    with pytest.raises(MailRefused):
        settle_mail(mail=row, was_sent=True, again=False, by=admin_user, at=MONDAY + timedelta(hours=4))


def test_a_claim_without_an_end_is_listed(admin_user: Any) -> None:
    row = waiting()
    WorkflowMail.objects.update(state="sending", claimed_at=MONDAY)
    send_workflow_mails(at=MONDAY + timedelta(minutes=9))
    row.refresh_from_db()
    assert row.state == "sending"
    send_workflow_mails(at=MONDAY + timedelta(minutes=11))
    row.refresh_from_db()
    assert (row.state, row.said) == ("unclear", "The worker stopped while it was sending.")
    assert outbox.outbox == []


def test_one_click_leaves_all_emails(client: Client) -> None:
    row = waiting()
    lead = row.enrollment.lead
    path = opt_out_url(mail=row).partition("/u/")[2]
    assert client.get(f"/u/{path}").status_code == 200
    assert opt_outs([lead]) == {}
    assert client.post(f"/u/{path}", {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert client.post(f"/u/{path}").status_code == 200
    touch = Touchpoint.objects.get(lead=lead, kind="email_unsubscribe")
    assert touch.exclusion == "opt_out"
    assert opt_outs([lead])[lead.pk].reason == "unsubscribed"
    assert client.get("/u/forged:link").status_code == 404


def test_a_repeat_of_the_link_adds_nothing() -> None:
    row = waiting()
    token = opt_out_url(mail=row).rsplit("/", 1)[-1]
    opt_out(token=token, at=MONDAY)
    opt_out(token=token, at=MONDAY + timedelta(days=1))
    assert Touchpoint.objects.filter(kind="email_unsubscribe").count() == 1
