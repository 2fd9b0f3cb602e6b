"""What happened to leads, follow-ups and imports is told to those it concerns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leads.actions.notifications.watch import watch
from leads.models import Assignment, FollowUp, ImportRun, JobRun, Lead, Notification, User
from tests.conftest import NOW
from tests.leads.factories import LeadFactory, UserFactory

pytestmark = pytest.mark.django_db
JUST_NOW = NOW - timedelta(minutes=2)


def assign(owner: User, *, by: User | None = None, count: int = 1) -> list[Lead]:
    leads = [LeadFactory(owner=owner, company="Initech") for _ in range(count)]
    for lead in leads:
        Assignment.objects.create(lead=lead, owner=owner, because="Next in turn", assigned_at=JUST_NOW, by=by)
    return leads


def inbox(user: User) -> list[str]:
    return list(Notification.objects.visible_to(user).order_by("pk").values_list("title", flat=True))


def test_a_rep_is_told_of_a_new_lead_once(rep: User) -> None:
    lead = assign(rep)[0]
    assert watch(at=NOW) == 2
    assert watch(at=NOW + timedelta(minutes=1)) == 0
    row = Notification.objects.visible_to(rep).get()
    assert (row.title, row.text) == (f"New lead: {lead.display_name}, Initech", "Next in turn")
    assert row.link == f"/leads/{lead.public_id}"


def test_who_takes_a_lead_knows_it(rep: User) -> None:
    assign(rep, by=rep)
    assert watch(at=NOW) == 0


def test_a_lead_that_went_on_is_told_to_its_owner_alone(rep: User) -> None:
    lead, other = assign(rep)[0], UserFactory()
    Lead.objects.filter(pk=lead.pk).update(owner=other)
    Assignment.objects.create(lead=lead, owner=other, because="Moved", assigned_at=JUST_NOW)
    watch(at=NOW)
    assert inbox(rep) == []
    assert len(inbox(other)) == 1


def test_many_leads_at_once_are_one_message(rep: User) -> None:
    assign(rep, count=40)
    watch(at=NOW)
    watch(at=NOW + timedelta(minutes=5))
    assert inbox(rep) == ["40 leads were assigned to you"]


def test_an_old_assignment_is_no_news(rep: User) -> None:
    assign(rep)
    assert watch(at=NOW + timedelta(hours=2)) == 0


def follow_up(owner: User, **more: object) -> FollowUp:
    return FollowUp.objects.create(
        lead=LeadFactory(owner=owner), owner=owner, because="MQL", planned_at=JUST_NOW, due_at=JUST_NOW, **more
    )


def test_an_overdue_follow_up_is_told_and_a_done_one_is_not(rep: User) -> None:
    late = follow_up(rep)
    follow_up(rep, done_at=JUST_NOW, outcome="reached")
    watch(at=NOW)
    watch(at=NOW)
    assert inbox(rep) == [f"Call overdue: {late.lead.display_name}"]


def test_leaders_are_told_of_an_mql_that_nobody_answered_in_time(rep: User, sales_leader: User) -> None:
    late, decided = follow_up(rep), follow_up(rep)
    Lead.objects.filter(pk=late.lead_id).update(stage="mql")
    Lead.objects.filter(pk=decided.lead_id).update(stage="sal")
    watch(at=NOW)
    watch(at=NOW)
    assert inbox(sales_leader) == [f"Sales SLA missed: {late.lead.display_name}, {rep}"]


@pytest.mark.parametrize(
    ("state", "title", "text"),
    [
        ("done", "Import finished: leads.csv", "1,200 created, 3 updated, 4 rejected."),
        ("failed", "Import stopped: leads.csv", "The file changed."),
    ],
)
def test_who_imported_is_told_how_it_ended(director: User, state: str, title: str, text: str) -> None:
    job = JobRun.objects.create(
        kind="import", period="1", state=state, created_at=JUST_NOW, finished_at=JUST_NOW, message="The file changed."
    )
    ImportRun.objects.create(
        kind="leads", file_name="leads.csv", file_hash="x", content=b"", job=job, created_by=director,
        created_at=JUST_NOW, rows_created=1200, rows_updated=3, rows_rejected=4,
    )  # fmt: skip
    watch(at=NOW)
    row = Notification.objects.visible_to(director).get()
    assert (row.title, row.text) == (title, text)
