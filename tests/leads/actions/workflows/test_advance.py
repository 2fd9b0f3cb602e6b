"""What steps do, when, and once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest import MonkeyPatch

from leads.actions.workflows import advance
from leads.actions.workflows.advance import advance_enrollments
from leads.actions.workflows.end_enrollment import EndRefused, end_enrollment
from leads.actions.workflows.enroll import enroll_triggered
from leads.actions.workflows.version_workflow import switch_workflow
from leads.models import (
    Company,
    Enrollment,
    FollowUp,
    Lead,
    Notification,
    RoutingVersion,
    StepRun,
    Territory,
    TerritoryRep,
    WebhookDelivery,
    WebhookEndpoint,
    Workflow,
    WorkflowMail,
)
from leads.pure.conditions.grammar import Condition, Group, to_json
from leads.pure.conditions.properties import Operator
from leads.pure.workflows.definition import StepKind
from leads.pure.workflows.ready import Planned
from tests.leads.actions.workflows.made import CALL, MAIL, MONDAY, WAIT, created, workflow
from tests.leads.factories import CampaignFactory, LeadFactory, TerritoryFactory, TouchpointFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def started(company: Company) -> None:
    enroll_triggered(at=MONDAY)


def enrolled(*steps: Planned, lead: Lead | None = None, at: datetime = MONDAY, **rules: Any) -> Enrollment:
    """A lead in a workflow of these steps, at the first one."""
    flow = workflow(*steps, at=at, **rules)
    created([lead or LeadFactory(owner=UserFactory(name="Rita"))], at)
    enroll_triggered(at=at)
    return flow.enrollments.get()


def said(row: Enrollment) -> list[tuple[str, str]]:
    return list(row.step_runs.order_by("ran_at", "pk").values_list("outcome", "said"))


def test_steps_in_order_with_a_wait_between() -> None:
    row = enrolled(CALL, WAIT, MAIL)
    assert advance_enrollments(at=MONDAY + timedelta(minutes=1)) == 1
    assert said(row) == [
        ("done", "A call for Rita, due 16 Nov 2026, 14:01"),
        ("done", "Until 18 Nov 2026, 10:01"),
    ]
    assert advance_enrollments(at=MONDAY + timedelta(days=2)) == 0
    assert advance_enrollments(at=MONDAY + timedelta(days=2, minutes=1)) == 1
    row.refresh_from_db()
    assert (row.state, row.ended_at) == ("completed", MONDAY + timedelta(days=2, minutes=1))
    assert [mail.subject for mail in row.mails.all()] == ["Hello Ada"]
    assert FollowUp.objects.get().because == "workflow “Welcome”"


@pytest.mark.parametrize(
    ("amount", "unit", "until"),
    [
        (3, "business_hours", datetime(2026, 11, 16, 12, 0, tzinfo=UTC)),
        (8, "business_hours", datetime(2026, 11, 17, 9, 0, tzinfo=UTC)),
        (5, "business_days", datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        (5, "days", datetime(2026, 11, 21, 9, 0, tzinfo=UTC)),
        (30, "hours", datetime(2026, 11, 17, 15, 0, tzinfo=UTC)),
    ],
)
def test_waits_in_business_time_and_by_the_clock(amount: int, unit: str, until: datetime) -> None:
    row = enrolled(Planned(StepKind.WAIT, {"amount": amount, "unit": unit}), CALL)
    advance_enrollments(at=MONDAY)  # 10:00 in Berlin; business is from 9 to 17
    row.refresh_from_db()
    assert row.due_at == until


GERMAN = to_json(Group((Condition("country", Operator.IS, ("DE",)),)))


@pytest.mark.parametrize(("country", "kinds"), [("DE", {"call"}), ("FR", {"meeting"})])
def test_a_branch_goes_on_together(country: str, kinds: set[str]) -> None:
    meeting = Planned(StepKind.FOLLOW_UP, {"kind": "meeting", "hours": 1})
    branch = Planned(StepKind.BRANCH, {"conditions": GERMAN}, [CALL], [meeting])
    row = enrolled(branch, MAIL, lead=LeadFactory(owner=UserFactory(), country=country))
    advance_enrollments(at=MONDAY)
    row.refresh_from_db()
    assert row.state == "completed"
    assert set(FollowUp.objects.values_list("kind", flat=True)) == kinds
    assert row.mails.count() == 1


def test_a_branch_sees_what_earlier_steps_changed() -> None:
    is_mql = to_json(Group((Condition("stage", Operator.IS, ("mql",)),)))
    row = enrolled(Planned(StepKind.STAGE, {"stage": "mql"}), Planned(StepKind.BRANCH, {"conditions": is_mql}, [CALL]))
    advance_enrollments(at=MONDAY)
    assert [outcome for outcome, _ in said(row)] == ["done", "done", "done"]
    assert FollowUp.objects.count() == 1


def test_the_goal_ends_it_before_the_next_step() -> None:
    row = enrolled(WAIT, MAIL, goal=Group((Condition("stage", Operator.IS, ("sql",)),)))
    advance_enrollments(at=MONDAY)
    Lead.objects.update(stage="sql")
    advance_enrollments(at=MONDAY + timedelta(days=3))
    row.refresh_from_db()
    assert row.state == "goal"
    assert row.ended_because.startswith("Lifecycle stage is")
    assert row.mails.count() == 0


def test_the_stage_follows_the_lifecycle_or_the_step_is_left_out() -> None:
    row = enrolled(Planned(StepKind.STAGE, {"stage": "lead"}), lead=LeadFactory(stage="sql"))
    advance_enrollments(at=MONDAY)
    row.refresh_from_db()
    assert row.state == "completed"
    assert said(row) == [("failed", "A lead cannot go back from SQL to Lead.")]


def test_people_are_told_once_by_the_channels_they_chose() -> None:
    leaders = UserFactory.create_batch(2, role="sales_leader")
    row = enrolled(Planned(StepKind.NOTIFY, {"to": "role:sales_leader", "text": "Look"}))
    advance_enrollments(at=MONDAY)
    told = Notification.objects.filter(kind="workflow", channel="portal")
    assert set(told.values_list("recipient", flat=True)) == {leader.pk for leader in leaders}
    assert {each.title for each in told} == {f"Look: {row.lead.display_name}"}


def test_nobody_to_notify_is_said() -> None:
    row = enrolled(Planned(StepKind.NOTIFY, {"to": "owner", "text": "Look"}), lead=LeadFactory())
    advance_enrollments(at=MONDAY)
    assert said(row) == [("skipped", "There is nobody to notify.")]


def test_reassigned_to_a_person_with_the_open_follow_ups() -> None:
    rita, sven = UserFactory(name="Rita"), UserFactory(name="Sven")
    row = enrolled(
        CALL,
        Planned(StepKind.REASSIGN, {"to": f"user:{sven.public_id}"}),
        lead=LeadFactory(owner=rita),
    )
    advance_enrollments(at=MONDAY)
    row.lead.refresh_from_db()
    assert row.lead.owner == sven
    assert FollowUp.objects.get().owner == sven
    assert said(row)[-1] == ("done", "From Rita to Sven")


def test_reassigned_to_the_next_rep_but_not_to_the_owner() -> None:
    rita, sven = UserFactory(name="Rita"), UserFactory(name="Sven")
    territory = TerritoryFactory()
    for rep in (rita, sven):
        TerritoryRep.objects.create(territory=territory, rep=rep)
    Territory.objects.filter(is_catch_all=True).update(is_catch_all=False)
    Territory.objects.filter(pk=territory.pk).update(is_catch_all=True)
    assert RoutingVersion.objects.filter(state="active").exists()
    row = enrolled(Planned(StepKind.REASSIGN, {"to": "rules"}), lead=LeadFactory(owner=rita))
    advance_enrollments(at=MONDAY)
    row.lead.refresh_from_db()
    assert said(row) == [("done", "From Rita to Sven")]
    assert row.lead.owner == sven


def test_added_to_a_campaign_once() -> None:
    campaign = CampaignFactory(name="Autumn")
    step = Planned(StepKind.CAMPAIGN, {"campaign": str(campaign.public_id)})
    row = enrolled(step, step)
    advance_enrollments(at=MONDAY)
    assert [member.because for member in campaign.members.all()] == ["workflow “Welcome”"]
    assert said(row) == [
        ("done", "Member of “Autumn”"),
        ("skipped", "The lead was added to “Autumn” before."),
    ]


def test_a_webhook_is_queued_for_one_endpoint() -> None:
    ours, other = (
        WebhookEndpoint.objects.create(name=name, url=f"https://{name}.example", secret="whsec_x", created_at=MONDAY)
        for name in ("ours", "other")
    )
    step = Planned(StepKind.WEBHOOK, {"endpoint": str(ours.public_id)})
    row = enrolled(step, Planned(StepKind.WEBHOOK, {"endpoint": "00000000-0000-0000-0000-000000000000"}))
    advance_enrollments(at=MONDAY)
    (delivery,) = WebhookDelivery.objects.all()
    assert (delivery.endpoint, delivery.state) == (ours, "waiting")
    told = json.loads(delivery.event.body)
    assert told["type"] == "workflow.step"
    assert told["data"]["workflow"]["name"] == "Welcome"
    assert told["data"]["lead"]["email"] == row.lead.email
    assert delivery.event.lead == row.lead
    assert other.deliveries.count() == 0
    assert said(row) == [
        ("done", "Queued for ours"),
        ("skipped", "The endpoint is switched off, or not there any more."),
    ]


def test_who_unsubscribed_gets_no_email_and_goes_on() -> None:
    lead = LeadFactory(owner=UserFactory())
    TouchpointFactory(lead=lead, kind="email_unsubscribe", occurred_at=MONDAY, exclusion="opt_out")
    row = enrolled(MAIL, CALL, lead=lead)
    advance_enrollments(at=MONDAY)
    assert WorkflowMail.objects.count() == 0
    assert said(row)[0] == ("skipped", "No email may be sent: unsubscribed on 2026-11-16.")
    assert FollowUp.objects.count() == 1


def test_a_person_ends_it(admin_user: Any, rep: Any) -> None:
    row = enrolled(WAIT, MAIL)
    advance_enrollments(at=MONDAY)
    with pytest.raises(EndRefused):
        end_enrollment(enrollment=row, by=rep, at=MONDAY)
    end_enrollment(enrollment=row, by=admin_user, at=MONDAY)
    advance_enrollments(at=MONDAY + timedelta(days=9))
    row.refresh_from_db()
    assert (row.state, row.ended_because) == ("ended", f"Ended by {admin_user}")
    assert row.mails.count() == 0


def test_a_paused_workflow_waits_and_goes_on() -> None:
    row = enrolled(CALL)
    flow = Workflow.objects.get(pk=row.workflow_id)
    switch_workflow(workflow=flow, is_on=False, at=MONDAY)
    assert advance_enrollments(at=MONDAY + timedelta(hours=1)) == 0
    switch_workflow(workflow=flow, is_on=True, at=MONDAY)
    assert advance_enrollments(at=MONDAY + timedelta(hours=1)) == 1


def test_one_that_fails_stops_no_other_and_is_given_up_after_five_tries(monkeypatch: MonkeyPatch) -> None:
    flow = workflow(CALL)
    bad, good = LeadFactory(owner=UserFactory()), LeadFactory(owner=UserFactory())
    created([bad, good], MONDAY)
    enroll_triggered(at=MONDAY)
    real = advance.do_step

    def sometimes(turn: Any) -> tuple[str, str]:
        if turn.lead.pk == bad.pk:
            raise RuntimeError("boom")
        return real(turn)

    monkeypatch.setattr(advance, "do_step", sometimes)
    moment = MONDAY
    for _ in range(6):
        advance_enrollments(at=moment)
        moment += timedelta(hours=1)
    states = dict(flow.enrollments.values_list("lead", "state"))
    assert states == {bad.pk: "failed", good.pk: "completed"}
    assert flow.enrollments.get(lead=bad).ended_because == "A step failed 5 times: RuntimeError"
    assert StepRun.objects.count() == 1
