"""Merging two leads, and taking it back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.forms.models import model_to_dict

from leads.actions.capture.capture import capture_lead
from leads.actions.identity.merge_leads import AlreadyMerged, MergedTheOtherWay, NotYours, SameLead, merge_leads
from leads.actions.identity.unmerge_lead import CannotUnmerge, unmerge_lead
from leads.actions.intake import run_intake
from leads.models import (
    Consent,
    FollowUp,
    Lead,
    LeadEvent,
    LeadMerge,
    LeadScore,
    LifecyclePassage,
    OpportunityContact,
    ScoringRule,
    ScoringRuleSet,
    Touchpoint,
    User,
)
from leads.pure.capture.captured import CapturedEvent, CapturedItem
from leads.pure.conditions.grammar import Condition, Group, to_json
from leads.pure.conditions.properties import Operator
from tests.leads.factories import (
    START,
    AccountFactory,
    CampaignFactory,
    LeadFactory,
    OpportunityFactory,
    TouchpointFactory,
    UserFactory,
    channel,
)

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> User:
    return UserFactory(role="sales_leader")


def merged(survivor: Lead, loser: Lead, by: User | None = None, at: datetime = AT) -> Lead:
    lead = merge_leads(survivor_id=survivor.pk, loser_id=loser.pk, by=by, at=at, reason="One person")
    loser.refresh_from_db()
    survivor.refresh_from_db()
    return lead


def mail(email: str, at: datetime = AT, **fields: Any) -> CapturedItem:
    event = CapturedEvent(kind="form_submission", occurred_at=at, name="Pricing")
    return CapturedItem(email=email, event=event, payload={"email": email}, **fields)


def promise(lead: Lead, owner: User, due_at: datetime, kind: str = "call") -> FollowUp:
    return FollowUp.objects.create(lead=lead, owner=owner, kind=kind, because="x", planned_at=START, due_at=due_at)


def everything() -> list[list[Any]]:
    """All rows that a merge writes, but for the moments of writing and the ids of roles."""
    silent = {"changed_at", "intake_due_at"}
    return [
        sorted(
            str({name: value for name, value in model_to_dict(row).items() if name not in left_out})
            for row in model.objects.all()
        )
        for model, left_out in (
            (Lead, silent),
            (Touchpoint, ()),
            (LifecyclePassage, ()),
            (Consent, ()),
            (FollowUp, ()),
            (OpportunityContact, {"id"}),
        )
    ]


def test_the_survivor_keeps_its_values_and_gets_what_it_lacks(boss: User) -> None:
    account = AccountFactory()
    survivor = LeadFactory(phone="", job_title="CTO", country="FR", attributes={"size": "L", "note": ""})
    loser = LeadFactory(
        phone="+49 30 1", job_title="Chief", country="US", region="Texas", account=account,
        attributes={"size": "M", "note": "met", "event": "fair"}, is_unsubscribed=True,
        captured_at=START - timedelta(days=9),
    )  # fmt: skip

    merged(survivor, loser, boss)

    assert (survivor.phone, survivor.job_title, survivor.account) == ("+49 30 1", "CTO", account)
    assert (survivor.country, survivor.region) == ("FR", "")  # Texas is not in France
    assert survivor.attributes == {"size": "L", "note": "met", "event": "fair"}
    assert survivor.is_unsubscribed  # a withdrawal is never lost
    assert survivor.captured_at == START - timedelta(days=9)
    assert (loser.merged_into, loser.intake_due_at) == (survivor, None)
    ours = LeadEvent.objects.get(lead=survivor, kind="merged")
    assert ours.details == {
        "merged": str(loser.public_id),
        "filled": ["account", "attributes", "phone", "unsubscribed"],
        "reason": "One person",
    }
    assert LeadEvent.objects.get(lead=loser, kind="merged").details["into"] == str(survivor.public_id)
    assert (ours.by, LeadMerge.objects.get().by) == (boss, boss)


def test_an_unsubscribed_survivor_stays_so() -> None:
    survivor, loser = LeadFactory(is_unsubscribed=True), LeadFactory()
    merged(survivor, loser)
    assert survivor.is_unsubscribed


def test_touches_move_and_the_first_one_names_channel_and_campaign() -> None:
    campaign = CampaignFactory()
    survivor, loser = LeadFactory(channel=channel("email")), LeadFactory(channel=campaign.channel, campaign=campaign)
    TouchpointFactory(lead=survivor)
    TouchpointFactory(lead=loser, campaign=campaign, occurred_at=START - timedelta(days=1))
    TouchpointFactory(lead=survivor, occurred_at=START - timedelta(days=2), exclusion="bot")  # no first touch

    merged(survivor, loser)

    assert Touchpoint.objects.filter(lead=survivor).count() == 3
    assert (survivor.channel, survivor.campaign) == (campaign.channel, campaign)


def test_consents_are_all_kept_and_the_same_one_once() -> None:
    survivor, loser = LeadFactory(), LeadFactory()
    for lead in (survivor, loser):
        Consent.objects.create(lead=lead, text="Yes", given_at=START, basis="consent")
    Consent.objects.create(lead=loser, text="Offer", given_at=START, basis="contract")

    merged(survivor, loser)

    assert sorted(survivor.consents.values_list("basis", flat=True)) == ["consent", "contract"]
    assert Consent.objects.count() == 3


def test_promises_go_to_the_owner_and_the_earlier_of_two_counts() -> None:
    ann, bob = UserFactory(), UserFactory()
    survivor, loser = LeadFactory(owner=ann), LeadFactory(owner=bob)
    call = promise(survivor, ann, AT + timedelta(days=3))
    promise(loser, bob, AT + timedelta(days=1))
    letter = promise(loser, bob, AT + timedelta(days=2), "email")

    merged(survivor, loser)

    call.refresh_from_db()
    letter.refresh_from_db()
    assert (call.lead, call.due_at, call.owner) == (survivor, AT + timedelta(days=1), ann)
    assert (letter.lead, letter.owner) == (survivor, ann)
    assert FollowUp.objects.open().filter(lead=survivor).count() == 2


def test_a_person_is_in_a_deal_once() -> None:
    survivor, loser = LeadFactory(), LeadFactory()
    both, theirs = OpportunityFactory(), OpportunityFactory()
    both.contacts.create(lead=survivor)
    both.contacts.create(lead=loser, role="champion", is_primary=True)
    theirs.contacts.create(lead=loser, role="buyer")

    merged(survivor, loser)

    assert set(OpportunityContact.objects.values_list("opportunity", "lead", "role", "is_primary")) == {
        (both.pk, survivor.pk, "champion", True),
        (theirs.pk, survivor.pk, "buyer", False),
    }
    both.refresh_from_db()
    assert both.changed_at == AT  # attribution follows the people of a deal


def test_the_further_stage_counts_and_every_passage_is_kept() -> None:
    survivor, loser = LeadFactory(stage="lead"), LeadFactory(stage="sql")
    for lead, to in ((survivor, "lead"), (loser, "lead"), (loser, "sql")):
        LifecyclePassage.objects.create(lead=lead, to_stage=to, passed_at=START)

    merged(survivor, loser)

    assert survivor.stage == "sql"
    assert sorted(survivor.passages.values_list("to_stage", flat=True)) == ["lead", "lead", "sql"]
    event = LeadEvent.objects.get(lead=survivor, kind="stage_changed")
    assert (event.details["from"], event.details["to"]) == ("lead", "sql")


def test_the_owner_stays_and_an_ownerless_survivor_gets_one() -> None:
    ann, bob = UserFactory(), UserFactory()
    owned, free = LeadFactory(owner=ann), LeadFactory()
    merged(owned, LeadFactory(owner=bob))
    merged(free, LeadFactory(owner=bob))
    assert (owned.owner, free.owner) == (ann, bob)


def test_the_score_is_of_all_touches() -> None:
    rules = ScoringRuleSet.objects.get()
    rules.rules.all().delete()
    ScoringRule.objects.create(
        rule_set=rules, group="behaviour", name="Form", points=5, max_times=9,
        conditions=to_json(Group((Condition("event:form_submission", Operator.HAPPENED, low=1),))),
    )  # fmt: skip
    survivor, loser = LeadFactory(owner=UserFactory()), LeadFactory()
    for lead in (survivor, loser, loser):
        TouchpointFactory(lead=lead, occurred_at=AT, name="x")
    run_intake(lead_ids=[survivor.pk], at=AT)
    alone = LeadScore.objects.get(lead=survivor).total

    merged(survivor, loser)
    assert survivor.intake_due_at == AT
    run_intake(lead_ids=[survivor.pk, loser.pk], at=AT)

    survivor.refresh_from_db()
    assert survivor.score == 3 * alone == 15


def test_a_later_capture_with_the_lost_address_lands_on_the_survivor() -> None:
    survivor, loser = LeadFactory(), LeadFactory(external_id="crm-7")
    email = loser.email

    merged(survivor, loser)

    assert capture_lead(item=mail(email), source="form", at=AT).lead == survivor
    assert capture_lead(item=mail(email, external_id="crm-7"), source="form", at=AT).lead == survivor
    survivor.refresh_from_db()
    assert survivor.email != email
    assert Lead.objects.count() == 2


@pytest.mark.parametrize("external_id", [None, "crm-9"])
def test_an_address_moves_to_a_survivor_that_has_none(external_id: str | None, boss: User) -> None:
    survivor = LeadFactory(email=None, external_id="import-1")
    loser = LeadFactory(external_id=external_id)
    email = loser.email

    merged(survivor, loser)

    assert (survivor.email, survivor.external_id, loser.email) == (email, "import-1", None)
    assert loser.external_id == (external_id or f"merged-{loser.public_id}")
    assert capture_lead(item=mail(email), source="form", at=START).lead == survivor
    Touchpoint.objects.all().delete()
    unmerge_lead(loser_id=loser.pk, by=boss, at=AT)
    loser.refresh_from_db()
    survivor.refresh_from_db()
    assert (survivor.email, loser.email, loser.external_id) == (None, email, external_id)


def test_chains_lead_on_to_the_last_survivor() -> None:
    first, second, third = LeadFactory(), LeadFactory(), LeadFactory()
    merged(second, first)
    merged(third, second)
    assert capture_lead(item=mail(first.email), source="form", at=AT).lead == third
    with pytest.raises(MergedTheOtherWay):
        merged(first, third)


def test_what_cannot_be_merged_is_refused(boss: User) -> None:
    survivor, loser, other = LeadFactory(), LeadFactory(), LeadFactory()
    with pytest.raises(SameLead):
        merged(survivor, survivor, boss)
    with pytest.raises(Lead.DoesNotExist):
        merge_leads(survivor_id=survivor.pk, loser_id=0, by=boss, at=AT)
    merged(survivor, loser, boss)
    with pytest.raises(MergedTheOtherWay):
        merged(loser, survivor, boss)
    for one, two in ((survivor, loser), (loser, other), (other, loser)):
        with pytest.raises(AlreadyMerged):
            merged(one, two, boss)
    assert LeadMerge.objects.count() == 1


def test_a_rep_merges_own_leads_only() -> None:
    rep, director = UserFactory(), UserFactory(role="marketing_director")
    mine, also_mine, other = LeadFactory(owner=rep), LeadFactory(owner=rep), LeadFactory(owner=UserFactory())
    for survivor, loser, by in ((mine, other, rep), (other, mine, rep), (mine, also_mine, director)):
        with pytest.raises(NotYours):
            merged(survivor, loser, by)
    assert merged(mine, also_mine, rep) == mine


def test_a_merge_is_taken_back_exactly(boss: User) -> None:
    ann, bob = UserFactory(), UserFactory()
    survivor = LeadFactory(owner=ann, attributes={"a": 1})
    loser = LeadFactory(
        owner=bob, phone="1", stage="sql", is_unsubscribed=True, attributes={"b": 2},
        captured_at=START - timedelta(days=1), channel=channel("email"),
    )  # fmt: skip
    TouchpointFactory(lead=survivor)
    TouchpointFactory(lead=loser, occurred_at=START - timedelta(hours=1))
    LifecyclePassage.objects.create(lead=loser, to_stage="sql", passed_at=START)
    Consent.objects.create(lead=loser, text="Yes", given_at=START, basis="consent")
    promise(survivor, ann, AT + timedelta(days=3))
    promise(loser, bob, AT + timedelta(days=1))
    promise(loser, bob, AT + timedelta(days=2), "email")
    both, theirs = OpportunityFactory(), OpportunityFactory()
    both.contacts.create(lead=survivor)
    both.contacts.create(lead=loser, role="champion", is_primary=True)
    theirs.contacts.create(lead=loser)
    before = everything()
    merged(survivor, loser)
    assert everything() != before

    lead = unmerge_lead(loser_id=loser.pk, by=boss, at=AT + timedelta(days=30))

    assert lead == loser
    assert everything() == before
    merge = LeadMerge.objects.get()
    assert merge.undone_by == boss
    assert LeadEvent.objects.filter(kind="merged").count() == 4
    merged(loser, survivor)  # and then the other way round
    assert survivor.merged_into == loser


def test_what_cannot_be_taken_back_exactly_is_refused(boss: User) -> None:
    def refusal(change: Any = None, at: datetime = AT + timedelta(days=1)) -> str:
        survivor, loser = LeadFactory(stage="mql"), LeadFactory(phone="1")
        merged(survivor, loser)
        if change:
            change(survivor)
        with pytest.raises(CannotUnmerge) as refused:
            unmerge_lead(loser_id=loser.pk, by=boss, at=at)
        return str(refused.value)

    later = AT + timedelta(hours=1)
    assert "for 30 days" in refusal(at=AT + timedelta(days=31))
    assert "values have changed since: phone" in refusal(lambda lead: Lead.objects.filter(pk=lead.pk).update(phone="2"))
    assert "passed another stage" in refusal(
        lambda lead: LifecyclePassage.objects.create(lead=lead, to_stage="sal", passed_at=START)
    )
    assert "1 more touchpoint has come in" in refusal(lambda lead: TouchpointFactory(lead=lead, recorded_at=later))
    assert "another deal" in refusal(lambda lead: OpportunityFactory().contacts.create(lead=lead))
    assert "itself been merged" in refusal(lambda lead: merged(LeadFactory(), lead))
    assert "Another lead has been merged" in refusal(lambda lead: merged(lead, LeadFactory()))


def test_a_lead_that_was_not_merged_cannot_be_parted(boss: User) -> None:
    lead = LeadFactory()
    with pytest.raises(CannotUnmerge, match="is not merged"):
        unmerge_lead(loser_id=lead.pk, by=boss, at=AT)
    old = LeadFactory(merged_into=lead)  # before merges were kept
    with pytest.raises(CannotUnmerge, match="Nothing was kept"):
        unmerge_lead(loser_id=old.pk, by=boss, at=AT)


def test_only_who_may_merge_may_take_it_back() -> None:
    survivor, loser = LeadFactory(), LeadFactory()
    merged(survivor, loser)
    with pytest.raises(NotYours):
        unmerge_lead(loser_id=loser.pk, by=UserFactory(), at=AT)


def test_queries_do_not_grow_with_the_rows(django_assert_max_num_queries: Any) -> None:
    survivor, loser = LeadFactory(), LeadFactory()
    for lead in (survivor, loser):
        for _ in range(30):
            TouchpointFactory(lead=lead)
            OpportunityFactory().contacts.create(lead=lead)
    with django_assert_max_num_queries(40):
        merged(survivor, loser)
