"""Building a workflow by its pages, and reading what it did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils import timezone

from leads.actions.workflows.advance import advance_enrollments
from leads.actions.workflows.enroll import enroll_triggered
from leads.actions.workflows.version_workflow import activate_due_workflows, copy_version
from leads.models import (
    Company,
    Enrollment,
    FollowUp,
    HoldOutArm,
    Notification,
    StepRun,
    User,
    Workflow,
    WorkflowMail,
    WorkflowVersion,
)
from tests.leads.actions.workflows.made import CALL, MAIL, WAIT, created, workflow
from tests.leads.factories import LeadFactory, UserFactory

pytestmark = pytest.mark.django_db
RULES = {
    "enrolls_again": "never",
    "mails_from": "08:00",
    "mails_until": "20:00",
    "hold_out_percent": "10",
    "hold_out_unit": "person",
}


@pytest.fixture
def admin(client: Client, admin_user: User, company: Company) -> Client:
    client.force_login(admin_user)
    return client


def test_a_workflow_is_built_without_javascript_and_activated(admin: Client) -> None:
    answer = admin.post("/workflows/add", {"name": "Mine", "about": "", "ready": ""})
    flow = Workflow.objects.get()
    draft = f"/workflows/{flow.public_id}/versions/1"
    assert answer["Location"] == draft

    answer = admin.post(
        f"{draft}/definition?trigger=score",
        {
            "score": "60",
            "conditions-shape": "1",
            "conditions-0-0-property": "country",
            "conditions-0-0-operator": "is",
            "conditions-0-0-values": ["DE", "AT"],
            "goal-shape": "0",
            **RULES,
        },
    )
    assert answer["Location"] == draft
    version = WorkflowVersion.objects.get()
    assert (version.trigger, version.settings, version.hold_out_percent) == ("score", {"score": 60}, 10)

    admin.post(f"{draft}/steps/add?kind=branch", {"conditions-shape": "1", "conditions-0-0-property": "phone",
                                                  "conditions-0-0-operator": "known"})  # fmt: skip
    branch = version.steps.get()
    admin.post(f"{draft}/steps/add?kind=follow_up&parent={branch.pk}&side=yes", {"kind": "call", "hours": "2"})
    admin.post(f"{draft}/steps/add?kind=wait", {"amount": "2", "unit": "business_days"})
    mail = {"subject": "Hello {{ lead.first_name }}", "body": "Dear {{ lead.name }}"}
    admin.post(f"{draft}/steps/add?kind=email", mail)
    page = admin.get(draft).content.decode()
    assert "When a lead&#x27;s score reaches 60" in page
    assert "Leads for whom country is DE or AT" in page
    assert "If phone is known" in page
    assert "Plan a follow-up by call, due within 2 business hours" in page
    assert "Wait 2 business days" in page

    waits = version.steps.get(kind="wait")
    admin.post(f"{draft}/steps/{waits.pk}/move", {"to": "up"})
    in_order = version.steps.filter(parent=None).order_by("position")
    assert list(in_order.values_list("kind", flat=True)) == ["wait", "branch", "email"]
    admin.post(f"{draft}/steps/{branch.pk}/remove")
    assert set(version.steps.values_list("kind", flat=True)) == {"wait", "email"}

    assert admin.post(f"{draft}/activate", {"why": ""}).status_code == 422
    admin.post(f"{draft}/activate", {"why": "Agreed"})
    flow.refresh_from_db()
    assert flow.is_on
    assert admin.post(f"{draft}/steps/{waits.pk}/remove").status_code == 404


def test_a_button_of_the_builder_keeps_what_was_typed(admin: Client) -> None:
    admin.post("/workflows/add", {"name": "Mine"})
    path = f"/workflows/{Workflow.objects.get().public_id}/versions/1/definition?trigger=stage"
    typed = {"stages": ["mql", "sal"], "conditions-shape": "0", "goal-shape": "0", "goal-do": "add:0", **RULES}
    answer = admin.post(path, typed)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert page.count("checked") == 2
    assert 'name="goal-0-0-property"' in page
    assert WorkflowVersion.objects.get().trigger == "captured"


def test_a_template_that_cannot_be_filled_in_is_refused_and_a_preview_is_shown(admin: Client) -> None:
    admin.post("/workflows/add", {"name": "Mine"})
    path = f"/workflows/{Workflow.objects.get().public_id}/versions/1/steps/add?kind=email"
    answer = admin.post(path, {"subject": "Hi", "body": "Dear\n{{ lead.frst_name }}", "save": "1"})
    assert answer.status_code == 422
    assert "Text, line 2: lead.frst_name is undefined." in answer.content.decode()
    answer = admin.post(path, {"subject": "Hi {{ lead.first_name }}", "body": "Dear <b>", "preview": "1"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Hi Ada" in page
    assert "Dear &lt;b&gt;" in page
    assert StepRun.objects.count() == 0


@pytest.mark.parametrize("key", ["webinar", "recycling", "sla", "new_mql", "nurture", "hot"])
def test_each_ready_workflow_becomes_a_draft_that_can_be_activated(admin: Client, key: str) -> None:
    admin.post("/workflows/add", {"name": key, "ready": key})
    flow = Workflow.objects.get()
    path = f"/workflows/{flow.public_id}/versions/1"
    assert admin.get(path).status_code == 200
    assert admin.get(f"{path}/definition").status_code == 200
    for step in flow.versions.get().steps.all():
        assert admin.get(f"{path}/steps/{step.pk}").status_code == 200
    admin.post(f"{path}/activate", {"why": "Agreed"})
    flow.refresh_from_db()
    assert flow.is_on


def test_a_test_run_leaves_nothing_behind(admin: Client) -> None:
    at = timezone.now()
    flow = workflow(CALL, MAIL, WAIT, MAIL, at=at, hold_out_percent=10)
    lead = LeadFactory(owner=UserFactory(name="Rita"), email="ada@example.com")
    answer = admin.post(f"/workflows/{flow.public_id}/versions/1/test", {"lead": "ada@example.com"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "A call for Rita, due" in page
    assert page.count("Dear Ada") == 2
    assert "Completed." in page
    for model in (Enrollment, StepRun, WorkflowMail, FollowUp, Notification, HoldOutArm):
        assert model.objects.count() == 0
    assert lead.events.count() == 0
    assert outbox.outbox == []


def test_a_rep_tries_only_their_own_leads_and_edits_nothing(client: Client, rep: User, company: Company) -> None:
    client.force_login(rep)
    flow = workflow(WAIT, at=timezone.now())
    LeadFactory(email="theirs@example.com")
    path = f"/workflows/{flow.public_id}"
    page = client.post(f"{path}/versions/1/test", {"lead": "theirs@example.com"}).content.decode()
    assert "No lead is called that." in page
    assert client.post(path, {"name": "Other", "about": ""}).status_code == 403
    assert client.get(f"{path}/versions/1").status_code == 200


@pytest.fixture
def ran(company: Company) -> Enrollment:
    """A lead that waits in a workflow."""
    at = timezone.now() - timedelta(minutes=5)
    enroll_triggered(at=at)
    flow = workflow(CALL, WAIT, MAIL, at=at)
    created([LeadFactory(owner=UserFactory(name="Rita"), last_name="Lovelace"), LeadFactory()], at)
    enroll_triggered(at=at)
    advance_enrollments(at=at)
    return flow.enrollments.get(lead__last_name="Lovelace")


def test_the_log_is_filtered_and_exported(admin: Client, ran: Enrollment) -> None:
    path = f"/workflows/{ran.workflow.public_id}/log"
    assert "Lovelace" in admin.get(path).content.decode()
    assert "Lovelace" not in admin.get(f"{path}?state=refused").content.decode()
    file = admin.get(f"{path}?q=lovelace&export=csv").content.decode("utf-8-sig").splitlines()
    assert len(file) == 2
    assert file[0].startswith("Lead,Email,Company,State,Version,Enrolled,Why")
    assert "Became a lead" in file[1]
    detail = admin.get(ran.get_absolute_url()).content.decode()
    assert "A call for Rita, due" in detail
    assert "Next:" in detail


def test_a_rep_sees_the_log_of_their_leads_alone(client: Client, ran: Enrollment, rep: User) -> None:
    client.force_login(rep)
    assert "Lovelace" not in client.get(f"/workflows/{ran.workflow.public_id}/log").content.decode()
    assert client.get(ran.get_absolute_url()).status_code == 404


def test_an_unclear_email_is_decided_by_a_person(admin: Client, ran: Enrollment) -> None:
    step = ran.version.steps.get(kind="email")
    mail = WorkflowMail.objects.create(
        enrollment=ran, step=step, email="a@example.com", subject="Hi", text="x", not_before=ran.enrolled_at,
        state="unclear",
    )  # fmt: skip
    assert "1 email may not have been sent" in admin.get("/workflows").content.decode()
    assert f"&lt;{mail.public_id}@" in admin.get("/workflows/emails").content.decode()
    admin.post(f"/workflows/emails/{mail.public_id}", {"to": "sent"})
    mail.refresh_from_db()
    assert mail.state == "sent"


def test_a_draft_is_copied_discarded_and_rolled_back_to(admin: Client, ran: Enrollment) -> None:
    path = f"/workflows/{ran.workflow.public_id}/versions"
    admin.post(f"{path}/1/copy")
    admin.post(f"{path}/2/discard")
    assert list(ran.workflow.versions.values_list("number", flat=True)) == [1]
    admin.post(f"{path}/1/copy")
    admin.post(f"{path}/2/activate", {"why": "New"})
    admin.post(f"{path}/1/roll-back", {"why": "It was better"})
    numbers: Any = dict(ran.workflow.versions.values_list("number", "state"))
    assert numbers == {1: "retired", 2: "retired", 3: "active"}
    again = ran.workflow.versions.get(number=3)
    assert [step.kind for step in again.steps.order_by("position")] == ["follow_up", "wait", "email"]
    assert again.is_roll_back


def test_a_workflow_is_paused_and_an_enrollment_ended(admin: Client, ran: Enrollment) -> None:
    admin.post(f"/workflows/{ran.workflow.public_id}/switch", {"to": "off"})
    assert not Workflow.objects.get().is_on
    assert "Paused: nobody is enrolled" in admin.get(f"/workflows/{ran.workflow.public_id}").content.decode()
    admin.post(f"{ran.get_absolute_url()}/end")
    ran.refresh_from_db()
    assert ran.state == "ended"


def test_a_version_is_activated_at_a_moment_and_the_schedule_is_cancelled(admin: Client) -> None:
    flow = workflow(MAIL, name="Planned")
    version = copy_version(version=flow.versions.get(), by=None, at=timezone.now())
    path = version.get_absolute_url()
    admin.post(f"{path}/activate", {"why": "Quarter", "activates_at": "2099-01-01T09:00"})
    version.refresh_from_db()
    assert version.state == "scheduled"
    assert "Becomes active" in admin.get(flow.get_absolute_url()).content.decode()
    assert activate_due_workflows(at=timezone.now()) == 0
    admin.post(f"{path}/cancel")
    version.refresh_from_db()
    assert version.state == "draft"
    admin.post(f"{path}/activate", {"why": "Quarter", "activates_at": "2099-01-01T09:00"})
    assert activate_due_workflows(at=datetime(2099, 1, 2, tzinfo=UTC)) == 1
    assert list(flow.versions.order_by("number").values_list("state", flat=True)) == ["retired", "active"]
