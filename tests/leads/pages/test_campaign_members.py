"""Who is in a campaign, and what counts as a response."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from leads.actions.campaigns.add_members import add_members
from leads.actions.identity.merge_leads import merge_leads
from leads.actions.identity.unmerge_lead import unmerge_lead
from leads.models import Campaign, CampaignMember, Company, User
from leads.queries.conditions import facts_of
from leads.queries.members import USUAL, Members
from tests.conftest import NOW
from tests.leads.factories import START, CampaignFactory, LeadFactory, TouchpointFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(company: Company) -> Campaign:
    return CampaignFactory(name="Autumn")


def test_statuses_follow_from_touchpoints(campaign: Campaign, admin_user: User) -> None:
    added, reached, responded, scanned = LeadFactory.create_batch(4)
    add_members(campaign=campaign, leads=[added, responded], at=START, because="By hand")
    TouchpointFactory(lead=reached, campaign=campaign, kind="email_open")
    TouchpointFactory(lead=responded, campaign=campaign, kind="email_open", occurred_at=START + timedelta(days=1))
    TouchpointFactory(lead=responded, campaign=campaign, kind="email_reply", occurred_at=START + timedelta(days=2))
    TouchpointFactory(lead=scanned, campaign=campaign, kind="email_click", exclusion="scanner")
    TouchpointFactory(lead=added, kind="email_reply")
    members = Members(campaign, admin_user, USUAL)
    rows = {each.lead_id: each for each in members.ordered()}
    assert {pk: row.status for pk, row in rows.items()} == {
        added.pk: "added",
        reached.pk: "reached",
        responded.pk: "responded",
    }
    assert rows[responded.pk].since == START
    assert rows[responded.pk].responded_at == START + timedelta(days=2)
    assert members.counts() == {"responded": 1, "reached": 1, "added": 1}
    for status in members.counts():
        assert [each.status for each in members.ordered("lead", status)] == [status]


def test_members_are_in_the_order_asked_for(campaign: Campaign, admin_user: User) -> None:
    early = LeadFactory(last_name="Zuse")
    late = LeadFactory(last_name="adams")
    quiet = LeadFactory(last_name="Moss")
    TouchpointFactory(lead=early, campaign=campaign, kind="email_reply", occurred_at=START)
    TouchpointFactory(lead=quiet, campaign=campaign, kind="email_open", occurred_at=START + timedelta(days=1))
    TouchpointFactory(lead=late, campaign=campaign, kind="email_reply", occurred_at=START + timedelta(days=2))
    members = Members(campaign, admin_user, USUAL)

    def order(sort: str) -> list[int]:
        return [each.lead_id for each in members.ordered(sort)]

    assert order("") == [late.pk, quiet.pk, early.pk]
    assert order("since") == [early.pk, quiet.pk, late.pk]
    assert order("lead") == [late.pk, quiet.pk, early.pk]
    assert order("-lead") == [early.pk, quiet.pk, late.pk]
    assert order("responded") == [early.pk, late.pk, quiet.pk]
    assert order("-responded") == [late.pk, early.pk, quiet.pk]
    assert [each.lead_id for each in members.ordered("since", start=1, stop=2)] == [quiet.pk]


def test_what_counts_is_said_by_the_campaign(client: Client, campaign: Campaign, admin_user: User, rep: User) -> None:
    TouchpointFactory(campaign=campaign, kind="email_open")
    client.force_login(rep)
    path = f"/campaigns/{campaign.public_id}/members"
    assert client.post(path, {"kinds": ["email_open"]}).status_code == 403
    client.force_login(admin_user)
    assert "Reached (1)" in client.get(path).content.decode()
    client.post(path, {"kinds": ["email_open"]})
    assert "Responded (1)" in client.get(path).content.decode()
    file = client.get(f"{path}?status=responded&export=csv").content.decode("utf-8-sig").splitlines()
    assert len(file) == 2
    assert ",Responded," in file[1]
    assert client.post(path, {}).status_code == 422


def test_a_rep_sees_their_own(client: Client, campaign: Campaign, rep: User) -> None:
    TouchpointFactory(campaign=campaign, lead=LeadFactory(owner=rep, last_name="Mine"))
    TouchpointFactory(campaign=campaign, lead=LeadFactory(last_name="Theirs"))
    client.force_login(rep)
    page = client.get(f"/campaigns/{campaign.public_id}/members").content.decode()
    assert "Mine" in page
    assert "Theirs" not in page


def test_nobody_is_added_twice_and_conditions_know(campaign: Campaign) -> None:
    lead = LeadFactory()
    assert add_members(campaign=campaign, leads=[lead], at=START) == 1
    assert add_members(campaign=campaign, leads=[lead], at=START) == 0
    assert facts_of([lead], properties=["campaign"])[lead.pk].values["campaign"] == [str(campaign.public_id)]


def test_memberships_follow_a_merge_and_come_back(campaign: Campaign) -> None:
    other = CampaignFactory()
    one, two = LeadFactory(), LeadFactory()
    add_members(campaign=campaign, leads=[one, two], at=START)
    add_members(campaign=other, leads=[two], at=START)
    merge_leads(survivor_id=one.pk, loser_id=two.pk, by=None, at=NOW)
    pairs = set(CampaignMember.objects.values_list("campaign", "lead"))
    assert pairs == {(campaign.pk, one.pk), (campaign.pk, two.pk), (other.pk, one.pk)}
    unmerge_lead(loser_id=two.pk, by=None, at=NOW)
    pairs = set(CampaignMember.objects.values_list("campaign", "lead"))
    assert pairs == {(campaign.pk, one.pk), (campaign.pk, two.pk), (other.pk, two.pk)}
