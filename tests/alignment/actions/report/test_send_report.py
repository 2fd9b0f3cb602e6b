"""The e-mail: to whom, once, and safe whatever people are called."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parseaddr

import pytest
from django.core import mail

from alignment.actions.report.send_report import LEASE, send_due_reports, send_report
from alignment.models import ReportDelivery
from leads.models import Company, User
from tests.alignment.factories import MONDAY, build_world, report
from tests.leads.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(director: User, sales_leader: User, rep: User, admin_user: User) -> list[str]:
    UserFactory(role="marketing_director", is_active=False)
    return sorted([director.email, sales_leader.email])


def test_everybody_it_is_for_gets_it_once(company: Company, people: list[str]) -> None:
    build_world()
    made = report()
    assert send_due_reports(at=MONDAY) == 2
    assert send_due_reports(at=MONDAY) == 0
    assert send_report(report=made, at=MONDAY + timedelta(hours=1)) == 0
    assert sorted(parseaddr(to)[1] for message in mail.outbox for to in message.to) == people
    assert ReportDelivery.objects.filter(sent_at=MONDAY).count() == 2


def test_the_mail_says_what_the_page_says(company: Company, people: list[str]) -> None:
    build_world()
    made = report()
    send_due_reports(at=MONDAY)
    message = mail.outbox[0]
    html = message.alternatives[0][0]
    for text in (made.content["headline"]["decision"], *(tile["text"] for tile in made.content["tiles"])):
        assert text.replace("'", "&#x27;") in html
        assert text in message.body
    assert "<style>" not in html
    assert 'style="' in html
    assert "http://127.0.0.1:8000/reports/2026-W46" in html


def test_an_interrupted_sending_is_taken_over_later(company: Company, director: User) -> None:
    made = report()
    ReportDelivery.objects.create(report=made, recipient=director.email, claimed_at=MONDAY)
    assert send_report(report=made, at=MONDAY + timedelta(minutes=1)) == 0  # somebody may still be sending
    assert send_report(report=made, at=MONDAY + LEASE) == 1
    assert send_report(report=made, at=MONDAY + 2 * LEASE) == 0


def test_a_mail_server_that_is_down_is_tried_again(
    company: Company, director: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = report()

    def refuse(self: object, fail_silently: bool = False) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as down:
        down.setattr("alignment.actions.report.send_report.EmailMultiAlternatives.send", refuse)
        assert send_report(report=made, at=MONDAY) == 0
    assert send_report(report=made, at=MONDAY + LEASE) == 1


def test_names_and_addresses_cannot_break_out(company: Company, director: User, sales_leader: User) -> None:
    made_up = build_world()
    type(made_up.search).objects.filter(pk=made_up.search.pk).update(
        name="<script>alert(1)</script>\r\nBcc: evil@portal.example"
    )
    User.objects.filter(pk=sales_leader.pk).update(email="a@portal.example, evil@portal.example")
    report()
    assert send_due_reports(at=MONDAY) == 1
    message = mail.outbox[0]
    assert "<script>" not in message.alternatives[0][0]
    assert message.recipients() == [director.email]
    assert "\n" not in message.subject
    assert len(message.subject) <= 160
    assert "Bcc" not in message.message()


def test_old_reports_are_no_news(company: Company, director: User) -> None:
    report()
    assert send_due_reports(at=MONDAY + timedelta(days=8)) == 0
