"""A missed service level from end to end, by the tasks of the beat: alert, escalation, another rep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leads.actions.notifications.watch import watch
from leads.actions.pass_stage import pass_stage
from leads.actions.workflows.advance import advance_enrollments
from leads.actions.workflows.enroll import enroll_triggered
from leads.actions.workflows.version_workflow import activate_version, create_workflow
from leads.models import (
    Assignment,
    Enrollment,
    FollowUp,
    Lead,
    Notification,
    StepRun,
    Territory,
    TerritoryRep,
    User,
)
from leads.pure.workflows.ready import READY
from tests.leads.actions.workflows.made import berlin
from tests.leads.factories import LeadFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
MONDAY = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
"""09:00 in Berlin, as the day begins."""
SLA = timedelta(hours=4)


@pytest.fixture
def reps() -> tuple[User, User]:
    berlin()
    territory = Territory.objects.get(is_catch_all=True)
    made = UserFactory(name="Rita"), UserFactory(name="Sven")
    for rep in made:
        TerritoryRep.objects.create(territory=territory, rep=rep)
    return made


def minute(at: datetime) -> None:
    """What the beat does each minute."""
    enroll_triggered(at=at)
    advance_enrollments(at=at)
    watch(at=at)


def told(person: User) -> list[str]:
    rows = Notification.objects.filter(recipient=person, channel="portal").order_by("created_at", "pk")
    return [row.title.partition(":")[0] for row in rows]


def mql(rita: User) -> FollowUp:
    """An MQL of Rita, whose call is due four hours later."""
    flow = create_workflow(name="Sales SLA", by=None, at=MONDAY, ready=READY["sla"], seed="7")
    activate_version(version=flow.versions.get(), why="Test", by=None, at=MONDAY)
    lead = LeadFactory(first_name="Ada", last_name="Byron", company="", owner=rita)
    pass_stage(lead=lead, to="mql", at=MONDAY, because="Test")
    enroll_triggered(at=MONDAY)
    return FollowUp.objects.create(
        lead=lead, owner=rita, kind="call", because="became MQL", planned_at=MONDAY, due_at=MONDAY + SLA
    )


def test_who_is_not_called_is_escalated_and_gets_another_rep(reps: tuple[User, User], sales_leader: User) -> None:
    rita, sven = reps
    call = mql(rita)
    minute(MONDAY + SLA - timedelta(minutes=1))
    assert not Enrollment.objects.exists()
    minute(MONDAY + SLA + timedelta(minutes=1))
    assert sorted(told(rita)) == ["Call overdue", "Please answer"]
    assert [title.partition(" ")[0] for title in told(sales_leader)] != []
    before = len(told(sales_leader))
    minute(MONDAY + SLA + timedelta(hours=2, minutes=2))
    assert told(sales_leader)[before:] == ["Not answered two hours after the Sales SLA"]
    assert Lead.objects.get().owner == rita
    # Four business hours later: the day ends at 18:00 in Berlin, so on Tuesday.
    minute(MONDAY + timedelta(hours=9, minutes=30))
    assert Lead.objects.get().owner == rita
    tuesday = Enrollment.objects.get().due_at
    assert tuesday.date() == datetime(2026, 11, 17, tzinfo=UTC).date()
    minute(tuesday)
    call.refresh_from_db()
    assert (Lead.objects.get().owner, call.owner) == (sven, sven)
    assert "Reassigned to you" in told(sven)
    assert Assignment.objects.latest("pk").because == "Transferred from Rita: workflow “Sales SLA”"
    assert Enrollment.objects.get().state == "completed"
    assert set(StepRun.objects.values_list("outcome", flat=True)) == {"done"}
    count = Notification.objects.count()
    minute(tuesday + timedelta(minutes=1))
    assert (Notification.objects.count(), Enrollment.objects.count()) == (count, 1)


def test_who_is_called_before_the_escalation_keeps_the_rep(reps: tuple[User, User], sales_leader: User) -> None:
    rita, _ = reps
    call = mql(rita)
    minute(MONDAY + SLA + timedelta(minutes=1))
    before = len(told(sales_leader))
    pass_stage(lead=call.lead, to="sal", at=MONDAY + SLA + timedelta(hours=1), because="Called")
    minute(MONDAY + SLA + timedelta(hours=3))
    assert Enrollment.objects.get().state == "goal"
    assert told(sales_leader)[before:] == []
    assert Lead.objects.get().owner == rita
