"""The clock's door: one beat or two, a report comes out once and is mailed once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail

from alignment.models import WeeklyReport
from alignment.tasks import forget_past_credits, notice_restatements, publish_due_report
from attribution.models import PastMoment
from config.schedule import SCHEDULE
from leads.models import Company, User
from leads.past.acting import backdated
from leads.past.snapshot import snapshot_at
from tests.alignment.factories import MONDAY
from tests.leads.factories import LeadFactory

pytestmark = pytest.mark.django_db


def test_nothing_before_monday_six_and_everything_once_after(company: Company, director: User) -> None:
    LeadFactory(captured_at=MONDAY - timedelta(days=30))
    with time_machine.travel(MONDAY - timedelta(seconds=1), tick=False), backdated(MONDAY - timedelta(seconds=1)):
        publish_due_report()
        assert list(WeeklyReport.objects.values_list("week", flat=True)) == ["2026-W45"]
    mail.outbox.clear()
    with time_machine.travel(MONDAY, tick=False), backdated(MONDAY):
        assert [publish_due_report(), publish_due_report()] == [1, 0]
        assert notice_restatements() == 0
    assert WeeklyReport.objects.order_by("-week").first().week == "2026-W46"
    assert [message.to for message in mail.outbox] == [[director.email]]


def test_tasks_are_scheduled_by_their_names() -> None:
    scheduled = {entry["task"] for entry in SCHEDULE.values()}
    assert {publish_due_report.name, notice_restatements.name, forget_past_credits.name} <= scheduled


def test_credits_as_of_a_published_report_are_not_forgotten(company: Company) -> None:
    LeadFactory(captured_at=MONDAY - timedelta(days=30))
    long_ago = (MONDAY - timedelta(days=30)).date()
    with time_machine.travel(MONDAY, tick=False), backdated(MONDAY):
        publish_due_report()
        for report in WeeklyReport.objects.all():
            PastMoment.objects.create(moment=snapshot_at(report.as_of).key, used_on=long_ago)
        PastMoment.objects.create(moment=-1, used_on=long_ago)
        assert forget_past_credits() == 1
    assert WeeklyReport.objects.exists()
    assert not PastMoment.objects.filter(moment=-1).exists()
