"""The clock's door: one beat or two, a report comes out once and is mailed once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail

from alignment.models import WeeklyReport
from alignment.tasks import notice_restatements, publish_due_report
from config.schedule import SCHEDULE
from leads.models import Company, User
from leads.past.acting import backdated
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


def test_both_tasks_are_scheduled_by_their_names() -> None:
    scheduled = {entry["task"] for entry in SCHEDULE.values()}
    assert {publish_due_report.name, notice_restatements.name} <= scheduled
