"""Unsubscribes, complaints and bounces of an email service: taken, and nobody mails the person any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leads.actions.follow_up.complete_follow_up import FollowUpRefused
from leads.actions.follow_up.plan_follow_up import plan_follow_ups
from leads.actions.follow_up.promise_follow_up import promise_follow_up
from leads.actions.lead_changes import LeadChanges
from leads.models import Company, FollowUp, Lead, Touchpoint, User
from leads.queries.mail import opt_outs
from tests.integrations.api.capture import body, post
from tests.leads.factories import LeadFactory, UserFactory, channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def send(client: Client, key: dict[str, str], kind: str, day: int) -> Any:
    event = {"type": kind, "occurred_at": f"2026-11-{day}T09:30:00+01:00"}
    return post(client, key, {"email": "ada@engines.example", "event": event})


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("email_unsubscribe", "unsubscribed"), ("email_complaint", "complained"), ("email_bounce", "bounced")],
)
def test_an_opt_out_is_taken_and_earns_nothing(client: Client, key: dict[str, str], kind: str, reason: str) -> None:
    assert post(client, key, body(email="ada@engines.example")).status_code == 201
    answer = send(client, key, kind, 17)
    assert answer.status_code == 200
    lead = Lead.objects.get()
    assert Touchpoint.objects.get(kind=kind).exclusion == "opt_out"
    assert opt_outs([lead])[lead.pk].reason == reason
    read = client.get(f"/api/v1/leads/{lead.public_id}", headers=key).json()
    assert read["email_opt_out"] == {"reason": reason, "at": "2026-11-17T08:30:00+00:00"}


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([("email_unsubscribe", 16), ("email_signup", 17)], None),
        ([("email_signup", 16), ("email_unsubscribe", 17)], "unsubscribed"),
        ([("email_signup", 17), ("email_unsubscribe", 16)], None),
        ([("email_complaint", 16), ("email_signup", 17)], "complained"),
        ([("email_bounce", 16), ("email_unsubscribe", 17)], "bounced"),
        ([("email_unsubscribe", 16), ("email_bounce", 17)], "bounced"),
        ([("email_click", 16)], None),
    ],
)
def test_the_order_of_events_decides_not_that_of_arrival(
    client: Client, key: dict[str, str], events: list[tuple[str, int]], reason: str | None
) -> None:
    for kind, day in events:
        assert send(client, key, kind, day).status_code in (200, 201)
    found = opt_outs([Lead.objects.get()]).values()
    assert [each.reason for each in found] == ([reason] if reason else [])


def opted_out(**fields: Any) -> Lead:
    lead = LeadFactory(email="ada@engines.example", **fields)
    Touchpoint.objects.create(
        lead=lead,
        channel=channel("email"),
        kind="email_unsubscribe",
        occurred_at=timezone.now() - timedelta(days=1),
        recorded_at=timezone.now(),
        exclusion="opt_out",
        dedupe_key="x",
    )
    return lead


def test_no_email_can_be_promised(admin_user: User) -> None:
    lead, now = opted_out(), timezone.now()
    with pytest.raises(FollowUpRefused, match="No email may be sent: unsubscribed on"):
        promise_follow_up(lead_id=lead.pk, kind="email", due_at=now + timedelta(days=1), by=admin_user, at=now)
    promise_follow_up(lead_id=lead.pk, kind="call", due_at=now + timedelta(days=1), by=admin_user, at=now)
    assert FollowUp.objects.get().kind == "call"


def test_the_planned_follow_up_is_no_email(company: Company) -> None:
    owner = UserFactory()
    mailable = LeadFactory(email="bob@engines.example", stage="mql", owner=owner, phone="")
    lead = opted_out(stage="mql", owner=owner, phone="")
    changes = LeadChanges(timezone.now())
    plan_follow_ups(leads=[lead, mailable], at=changes.at, company=company, changes=changes)
    changes.write()
    assert dict(FollowUp.objects.values_list("lead", "kind")) == {lead.pk: "call", mailable.pk: "email"}


def test_the_page_of_the_lead_says_so(client: Client, admin_user: User) -> None:
    lead = opted_out()
    client.force_login(admin_user)
    assert "Do not email: unsubscribed on" in client.get(f"/leads/{lead.public_id}").content.decode()


def test_what_a_file_said_counts_too(admin_user: User) -> None:
    lead, now = LeadFactory(is_unsubscribed=True), timezone.now()
    assert opt_outs([lead])[lead.pk].words == "unsubscribed"
    with pytest.raises(FollowUpRefused, match="unsubscribed"):
        promise_follow_up(lead_id=lead.pk, kind="email", due_at=now + timedelta(days=1), by=admin_user, at=now)
