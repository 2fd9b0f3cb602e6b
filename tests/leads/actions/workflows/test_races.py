"""Nobody is enrolled, promised or mailed twice, whoever looks at once and whoever dies."""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path

import pytest

from leads.models import Enrollment, FollowUp, HoldOutArm, LeadEvent, Notification, StepRun, WorkflowMail, WorkflowSweep
from leads.pure.workflows.definition import StepKind
from leads.pure.workflows.ready import Planned
from tests import forking
from tests.integrations.api.test_capture_races import shared_database
from tests.leads.actions.workflows.made import CALL, MAIL, created, workflow
from tests.leads.factories import LeadFactory, UserFactory

pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]

LEADS, TRIGGERS, KILLS, WORKERS = 40, 50, 14, 3


def test_fifty_triggers_of_a_lead_retries_and_kills_enroll_and_promise_once(tmp_path: Path) -> None:
    """Each lead is created once and fifty more times at the same moment, while workers die and others take over."""
    owner, now = UserFactory(), datetime.now(UTC)
    tell = Planned(StepKind.NOTIFY, {"to": "owner", "text": "Look"})
    flow = workflow(
        tell, CALL, MAIL, at=now - timedelta(minutes=5), mails_from=clock(0), mails_until=clock(0),
        on_business_days=False, hold_out_percent=20,
    )  # fmt: skip
    WorkflowSweep.objects.create(pk=1, seen_until=now - timedelta(minutes=5))
    leads = LeadFactory.create_batch(LEADS, owner=owner)
    for _ in range(TRIGGERS):
        created(leads, now - timedelta(minutes=1))
    folder, start, stop = tmp_path / "mails", tmp_path / "start", tmp_path / "stop"
    folder.mkdir()
    start.touch()
    chance, died = random.Random(7), 0
    with shared_database(tmp_path) as address:
        words = ("tests.leads.actions.workflows.worker", folder, start, stop)
        workers = [forking.start(*words, address=address) for _ in range(WORKERS)]
        while died < KILLS:
            time.sleep(chance.uniform(0.05, 0.5))
            victim = workers.pop(0)
            victim.kill()
            died += victim.wait(20) == -9
            workers.append(forking.start(*words, address=address))
        time.sleep(6)
        stop.touch()
        assert [worker.communicate(60)[0].splitlines()[-1] for worker in workers] == ["stopped"] * WORKERS

    assert LeadEvent.objects.filter(kind="captured").count() == LEADS * TRIGGERS
    entered = Enrollment.objects.entered()
    assert Counter(entered.values_list("lead", flat=True)) == Counter(lead.pk for lead in leads)
    assert Enrollment.objects.filter(state="refused").count() == LEADS * (TRIGGERS - 1)
    held = set(entered.filter(state="held_out").values_list("lead", flat=True))
    assert held == set(HoldOutArm.objects.filter(arm="held_out").values_list("lead", flat=True))
    assert HoldOutArm.objects.count() == LEADS
    treated = [lead for lead in leads if lead.pk not in held]
    assert not Enrollment.objects.running().exists()
    expected = Counter(lead.pk for lead in treated)
    assert Counter(FollowUp.objects.values_list("lead", flat=True)) == expected
    assert Counter(StepRun.objects.values_list("enrollment__lead", flat=True)) == Counter(dict.fromkeys(expected, 3))
    assert Notification.objects.filter(kind="workflow", channel="portal").count() == len(treated)
    # What a worker left while sending is not sent again: it stays for a person to decide.
    left = Counter(path.name.rsplit(".", 1)[0] for path in folder.iterdir())
    states = dict(WorkflowMail.objects.values_list("email", "state"))
    assert set(states) == {lead.email for lead in treated}
    assert set(states.values()) <= {"sent", "sending"}
    assert not [email for email, times in left.items() if times > 1]
    assert not [email for email, state in states.items() if state == "sent" and left[email] != 1]
    assert flow.enrollments.count() == LEADS * TRIGGERS


def test_without_the_claim_mails_would_be_doubled() -> None:
    """The control: whoever sends first and writes afterwards cannot know, after a death between, what left."""
    sent: list[str] = []

    def send_then_write(queue: dict[str, str], dies: bool) -> None:
        for email, state in queue.items():
            if state == "waiting":
                sent.append(email)
                if dies:
                    return
                queue[email] = "sent"

    queue = {"ada@example.com": "waiting"}
    send_then_write(queue, dies=True)
    send_then_write(queue, dies=False)
    assert sent == ["ada@example.com"] * 2
