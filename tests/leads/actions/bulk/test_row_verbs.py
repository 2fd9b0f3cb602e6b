"""Many opportunities, accounts, campaigns and touchpoints at once, and properties of many leads."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from leads.actions.bulk.run_bulk import BulkRefused, request_bulk, request_undo
from leads.models import (
    Account,
    BulkRow,
    BulkRun,
    Campaign,
    CampaignMember,
    Lead,
    Opportunity,
    PipelineStage,
    User,
)
from tests.leads.actions.capture.items import AT
from tests.leads.factories import (
    AccountFactory,
    CampaignFactory,
    LeadFactory,
    OpportunityFactory,
    TouchpointFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def run(verb: str, rows: list[Any], by: User, **params: Any) -> BulkRun:
    made = request_bulk(verb=verb, ids=[row.pk for row in rows], params=params, by=by, at=AT)
    made.job.refresh_from_db()
    return made


def undo(made: BulkRun, by: User) -> None:
    request_undo(run=made, by=by, at=AT)


def said(made: BulkRun) -> list[tuple[str, str]]:
    return list(BulkRow.objects.filter(run=made).order_by("pk").values_list("state", "why"))


def test_reps_give_away_their_own_deals_and_take_them_back(rep: User) -> None:
    to, mine, foreign = UserFactory(), OpportunityFactory(owner=rep), OpportunityFactory(owner=UserFactory())
    made = run("deal_owner", [mine, foreign], rep, value=to.pk)
    assert made.job.message == "1 of 2 reassigned"
    assert Opportunity.objects.get(pk=mine.pk).owner == to
    assert Opportunity.objects.get(pk=foreign.pk).owner == foreign.owner
    undo(made, rep)
    assert Opportunity.objects.get(pk=mine.pk).owner == rep


def test_an_ownerless_deal_gets_an_owner_and_has_none_again(sales_leader: User, rep: User) -> None:
    deal = OpportunityFactory(owner=None)
    made = run("deal_owner", [deal], sales_leader, value=rep.pk)
    assert Opportunity.objects.get(pk=deal.pk).owner == rep
    undo(made, sales_leader)
    assert Opportunity.objects.get(pk=deal.pk).owner is None


def test_a_stage_of_open_deals_alone_is_set_and_history_keeps_it(sales_leader: User) -> None:
    deal, closed = OpportunityFactory(), OpportunityFactory(status="won")
    stage = PipelineStage.objects.filter(status="open").exclude(pk=deal.stage_id).latest("position")
    made = run("deal_stage", [deal, closed], sales_leader, value=stage.pk)
    assert [state for state, _ in said(made)] == ["done", "refused"]
    assert "closed" in said(made)[1][1]
    assert Opportunity.objects.get(pk=deal.pk).stage == stage
    assert deal.changes.filter(stage=stage).count() == 1


def test_what_changed_since_stays(sales_leader: User) -> None:
    one, two = OpportunityFactory(), OpportunityFactory()
    made = run("deal_close", [one, two], sales_leader, value="2026-12-24")
    Opportunity.objects.filter(pk=one.pk).update(expected_close_on=date(2027, 2, 1))
    undo(made, sales_leader)
    assert Opportunity.objects.get(pk=one.pk).expected_close_on == date(2027, 2, 1)
    assert Opportunity.objects.get(pk=two.pk).expected_close_on == two.expected_close_on
    assert dict(said(made)) == {"kept": "It has changed since.", "undone": ""}


def test_accounts_are_given_away_and_described_by_leaders_alone(sales_leader: User, rep: User) -> None:
    account, same = AccountFactory(industry="software"), AccountFactory(industry="steel")
    with pytest.raises(BulkRefused, match="Your role"):
        run("account_owner", [account], rep, field="owner_id", value=rep.pk)
    run("account_owner", [account], sales_leader, field="owner_id", value=rep.pk)
    assert Account.objects.get(pk=account.pk).owner == rep
    made = run("account_set", [account, same], sales_leader, field="industry", value="steel")
    assert said(made) == [("done", ""), ("refused", "It has this value already.")]
    undo(made, sales_leader)
    assert Account.objects.get(pk=account.pk).industry == "software"


def test_campaigns_get_channel_program_and_days_that_make_sense(director: User) -> None:
    program, other = CampaignFactory(), CampaignFactory(starts_on=date(2026, 6, 1))
    below = CampaignFactory(parent=program)
    made = run("campaign_program", [program, other, below], director, value=program.pk)
    assert said(made) == [
        ("refused", "A campaign cannot be below itself."),
        ("done", ""),
        ("refused", "It has this value already."),
    ]
    assert Campaign.objects.get(pk=other.pk).parent == program
    early = run("campaign_ends", [other], director, value="2026-05-01")
    assert said(early) == [("refused", "It would end before it starts.")]
    undo(made, director)
    assert Campaign.objects.get(pk=other.pk).parent is None


def test_people_of_touchpoints_join_a_campaign_once_and_leave_it_again(director: User) -> None:
    campaign, lead = CampaignFactory(), LeadFactory()
    touches = [TouchpointFactory(lead=lead), TouchpointFactory(lead=lead), TouchpointFactory()]
    made = run("touch_join", touches, director, campaign=campaign.pk)
    assert made.job.message == "2 of 3 added"
    assert CampaignMember.objects.filter(campaign=campaign).count() == 2
    undo(made, director)
    assert not CampaignMember.objects.exists()


def test_members_of_before_stay_when_it_is_taken_back(rep: User) -> None:
    campaign, old, new = CampaignFactory(), LeadFactory(owner=rep), LeadFactory(owner=rep)
    CampaignMember.objects.create(campaign=campaign, lead=old, added_at=AT)
    foreign = LeadFactory(owner=UserFactory())
    made = run("join", [old, new, foreign], rep, campaign=campaign.pk)
    assert [state for state, _ in said(made)] == ["refused", "done", "refused"]
    undo(made, rep)
    assert CampaignMember.objects.get().lead == old


def test_a_property_of_leads_is_set_and_set_back(rep: User) -> None:
    lead, foreign = LeadFactory(owner=rep, country="FR"), LeadFactory(owner=UserFactory())
    made = run("set", [lead, foreign], rep, field="country", value="DE")
    assert [state for state, _ in said(made)] == ["done", "refused"]
    assert Lead.objects.get(pk=lead.pk).country == "DE"
    undo(made, rep)
    assert Lead.objects.get(pk=lead.pk).country == "FR"
