"""Who goes when a takeover of people is taken back, and who stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leads.actions.identity.remove_people import GO_ALONG, remove_people, why_people_stay
from leads.actions.workflows.enroll import enroll_triggered
from leads.models import Enrollment, IdentityKey, Lead, WebhookEvent
from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import Operator
from tests.leads.actions.workflows.made import MONDAY, WAIT, created, workflow
from tests.leads.factories import LeadFactory, TouchpointFactory

pytestmark = pytest.mark.django_db


def test_what_is_derived_of_a_person_goes_with_them() -> None:
    lead = LeadFactory()
    IdentityKey.objects.create(lead=lead, key="mailbox:ada@example.com")
    assert remove_people(lead_ids=[lead.pk]) == {}
    assert not Lead.objects.filter(pk=lead.pk).exists()


def test_a_workflow_keeps_whom_it_enrolled_and_nobody_it_only_looked_at(company: object) -> None:
    enroll_triggered(at=MONDAY)
    condition = Condition("country", Operator.IS, ("DE",))
    workflow(WAIT, conditions=Group((condition,)))
    enrolled, refused = LeadFactory(country="DE"), LeadFactory(country="FR")
    created([enrolled, refused], MONDAY + timedelta(minutes=5))
    enroll_triggered(at=MONDAY + timedelta(minutes=6))
    assert set(Enrollment.objects.values_list("lead", "state")) == {(enrolled.pk, "running"), (refused.pk, "refused")}
    assert why_people_stay(lead_ids=[enrolled.pk, refused.pk]) == {enrolled.pk: "Enrollments refer to it."}


def test_what_was_told_of_a_person_keeps_nobody() -> None:
    lead = LeadFactory()
    WebhookEvent.objects.create(
        kind="lead.created", key="lead.created:1", occurred_at=MONDAY, recorded_at=MONDAY, body="{}", lead=lead
    )
    assert why_people_stay(lead_ids=[lead.pk]) == {}
    assert remove_people(lead_ids=[lead.pk]) == {}
    assert not WebhookEvent.objects.exists()


def test_every_table_that_names_a_lead_is_known() -> None:
    """A table that the product fills by itself must not keep a person; whoever adds one has to decide."""
    by_people = {
        "FollowUp", "Activity", "CampaignMember", "Submission", "Enrollment", "HoldOutArm", "Qualification",
        "Recycling", "Lead", "Consent", "LeadMerge", "OpportunityContact", "Touchpoint",
    }  # fmt: skip
    named = {
        relation.related_model._meta.object_name
        for relation in Lead._meta.related_objects
        if isinstance(relation.related_model, type)
        and relation.related_model._meta.app_label == "leads"
        and relation.related_model._meta.label not in GO_ALONG
    }
    assert named == by_people


def test_a_contact_keeps_the_person() -> None:
    lead = LeadFactory()
    TouchpointFactory(lead=lead, kind="call")
    assert remove_people(lead_ids=[lead.pk]) == {lead.pk: "There were contacts with the person."}
    assert Lead.objects.filter(pk=lead.pk).exists()
