"""Leads pages: the order of work, the lead's story, and what a rep may do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leads.models import FollowUp, Lead, LeadScore, LifecyclePassage, ScoringRuleSet, User
from leads.queries.lead import by_next_step
from tests.leads.factories import LeadFactory, OpportunityFactory, TouchpointFactory, UserFactory

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def promise(lead: Lead, owner: User, due_in: timedelta, at: datetime = NOW) -> FollowUp:
    return FollowUp.objects.create(
        lead=lead, owner=owner, because="service level", planned_at=at - timedelta(days=2), due_at=at + due_in
    )


def test_the_order_is_overdue_then_undecided_then_due_then_score(rep: User) -> None:
    low, high = LeadFactory(owner=rep, score=5), LeadFactory(owner=rep, score=50)
    mql, due, late = (LeadFactory(owner=rep, stage=stage) for stage in ("mql", "sal", "sal"))
    later = LeadFactory(owner=rep, stage="mql", score=99)
    promise(due, rep, timedelta(hours=2))
    promise(late, rep, -timedelta(hours=1))
    promise(later, rep, -timedelta(hours=3))
    assert list(by_next_step(Lead.objects.all(), NOW)) == [later, late, mql, due, high, low]


def test_a_rep_sees_own_leads_only(client: Client, rep: User) -> None:
    mine, other = LeadFactory(owner=rep), LeadFactory(owner=UserFactory())
    client.force_login(rep)
    page = client.get(reverse("leads:lead-list")).content.decode()
    assert mine.last_name in page
    assert other.last_name not in page
    assert client.get(mine.get_absolute_url()).status_code == 200
    assert client.get(other.get_absolute_url()).status_code == 404


def test_a_leader_filters_by_owner(client: Client, rep: User, sales_leader: User) -> None:
    mine, other = LeadFactory(owner=rep), LeadFactory(owner=UserFactory())
    client.force_login(sales_leader)
    page = client.get(reverse("leads:lead-list"), {"owner": rep.pk}).content.decode()
    assert mine.last_name in page
    assert other.last_name not in page


def test_an_unknown_filter_value_is_named(client: Client, sales_leader: User) -> None:
    LeadFactory()
    client.force_login(sales_leader)
    page = client.get(reverse("leads:lead-list"), {"stage": "nonsense"}).content.decode()
    assert "nonsense is not one of the available choices" in page


@pytest.mark.parametrize("count", [3, 30])
def test_the_list_costs_the_same_for_many_leads(
    client: Client, rep: User, count: int, django_assert_max_num_queries: object
) -> None:
    for _ in range(count):
        promise(LeadFactory(owner=rep), rep, timedelta(hours=1))
    client.force_login(rep)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        client.get(reverse("leads:lead-list"))


def test_the_story_tells_everything_once(client: Client, rep: User) -> None:
    lead = LeadFactory(owner=rep, stage="mql", score=30)
    TouchpointFactory(lead=lead, name="Pricing request")
    TouchpointFactory(lead=lead, name="Scanned", exclusion="scanner")
    LeadScore.objects.create(
        lead=lead,
        rule_set=ScoringRuleSet.objects.get(),
        total=30,
        fit=20,
        behaviour=10,
        reasons=[{"rule": "Decides on tools", "points": 20, "because": "Job title contains CTO"}],
        scored_at=NOW,
    )
    LifecyclePassage.objects.create(lead=lead, from_stage="lead", to_stage="mql", passed_at=NOW, because="score 30")
    OpportunityFactory(name="Big deal").contacts.create(lead=lead)
    client.force_login(rep)
    page = client.get(lead.get_absolute_url()).content.decode()
    for text in (
        "Pricing request",
        "no points, no credit",
        "Score 30",
        "Became MQL",
        "Big deal",
        "Job title contains CTO",
    ):
        assert text in page


def test_accept_and_reject_in_two_clicks(client: Client, rep: User) -> None:
    client.force_login(rep)
    taken, sent_back = LeadFactory(owner=rep, stage="mql"), LeadFactory(owner=rep, stage="mql")
    assert client.post(reverse("leads:lead-accept", args=[taken.public_id])).status_code == 302
    answer = client.post(reverse("leads:lead-reject", args=[sent_back.public_id]), {"reason": "no_budget"})
    assert answer.status_code == 302
    taken.refresh_from_db()
    sent_back.refresh_from_db()
    assert taken.stage == "sal"
    assert sent_back.stage in {"recycled", "disqualified"}
    assert sent_back.passages.get(reason="no_budget").by == rep


def test_a_rejection_needs_a_reason_and_an_acceptance_an_mql(client: Client, rep: User) -> None:
    client.force_login(rep)
    mql, lead = LeadFactory(owner=rep, stage="mql"), LeadFactory(owner=rep, stage="lead")
    refused = client.post(reverse("leads:lead-reject", args=[mql.public_id]), {"reason": ""})
    assert refused.status_code == 422
    assert "This field is required" in refused.content.decode()
    refused = client.post(reverse("leads:lead-accept", args=[lead.public_id]))
    assert refused.status_code == 422
    assert "You can accept a lead at MQL; this one is at Lead." in refused.content.decode()
    mql.refresh_from_db()
    lead.refresh_from_db()
    assert (mql.stage, lead.stage) == ("mql", "lead")


def test_marketing_looks_but_does_not_decide(client: Client, director: User) -> None:
    lead = LeadFactory(stage="mql")
    client.force_login(director)
    assert "Accept" not in client.get(lead.get_absolute_url()).content.decode()
    assert client.post(reverse("leads:lead-accept", args=[lead.public_id])).status_code == 403


def test_a_follow_up_is_planned_and_completed(client: Client, rep: User) -> None:
    lead = LeadFactory(owner=rep, stage="sal")
    client.force_login(rep)
    url = reverse("leads:follow-up-promise", args=[lead.public_id])
    past = client.post(url, {"kind": "call", "due_at": "2020-01-01T10:00"})
    assert past.status_code == 422
    assert "still to come" in past.content.decode()
    due = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert client.post(url, {"kind": "call", "due_at": due}).status_code == 302
    again = client.post(url, {"kind": "call", "due_at": due})
    assert again.status_code == 422
    assert "open follow-up of this kind" in again.content.decode()
    follow_up = FollowUp.objects.get()
    done = reverse("leads:follow-up-complete", args=[lead.public_id, follow_up.pk])
    assert client.post(done, {}).status_code == 422
    field = f"follow-up-{follow_up.pk}"
    answer = client.post(done, {f"{field}-outcome": "reached", f"{field}-note": "will decide on Friday"})
    assert answer.status_code == 302
    follow_up.refresh_from_db()
    assert (follow_up.outcome, follow_up.note) == ("reached", "will decide on Friday")


def test_a_follow_up_of_another_lead_is_not_found(client: Client, rep: User) -> None:
    lead, other = LeadFactory(owner=rep), LeadFactory()
    foreign = promise(other, UserFactory(), timedelta(days=1))
    client.force_login(rep)
    url = reverse("leads:follow-up-complete", args=[lead.public_id, foreign.pk])
    assert client.post(url, {f"follow-up-{foreign.pk}-outcome": "reached"}).status_code == 404
