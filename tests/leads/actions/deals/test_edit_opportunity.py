"""People open deals from qualified leads and keep them; the history is never rewritten."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from leads.actions.deals.edit_opportunity import Contact, DealEdit, DealRefused, edit_opportunity, open_opportunity
from leads.models import Company, Lead, Opportunity, OpportunityContact, User
from tests.leads.factories import AccountFactory, LeadFactory, OpportunityFactory, TerritoryFactory, stage

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
LATER = AT + timedelta(days=3)


@pytest.fixture
def lead(rep: User, company: Company) -> Lead:
    made: Lead = LeadFactory(stage="sql", owner=rep, account=AccountFactory(), territory=TerritoryFactory())
    return made


def opened(lead: Lead, rep: User, **values: object) -> Opportunity:
    edit = DealEdit({"name": "Platform", "amount_cents": 1_800_000, **values})
    return open_opportunity(lead_id=lead.pk, edit=edit, by=rep, source="Jana", at=AT)


def edited(deal: Opportunity, rep: User, at: datetime = LATER, **values: object) -> Opportunity:
    return edit_opportunity(opportunity_id=deal.pk, edit=DealEdit(values), by=rep, source="Jana", at=at)


def test_a_deal_of_an_sql_is_its_owners_and_the_lead_moves_on(lead: Lead, rep: User) -> None:
    deal = opened(lead, rep, expected_close_on=date(2027, 2, 26), forecast_category="best_case")
    lead.refresh_from_db()
    assert (deal.owner, deal.account, deal.territory) == (rep, lead.account, lead.territory)
    assert (deal.stage.key, deal.status, deal.amount_cents, deal.reporting_cents) == (
        "qualification", "open", 1_800_000, 1_800_000,
    )  # fmt: skip
    assert (deal.expected_close_on, deal.forecast_category, deal.opened_at) == (date(2027, 2, 26), "best_case", AT)
    contact = deal.contacts.get()
    assert (contact.lead, contact.role, contact.is_primary) == (lead, "decision_maker", True)
    assert lead.stage == "opportunity"
    change = deal.changes.get()
    assert (change.stage.key, change.changed_at, change.source) == ("qualification", AT, "Jana")


@pytest.mark.parametrize("before", ["lead", "mql", "sal", "recycled"])
def test_only_a_qualified_lead_gets_a_deal(lead: Lead, rep: User, before: str) -> None:
    Lead.objects.filter(pk=lead.pk).update(stage=before)
    with pytest.raises(DealRefused, match="SQL, Opportunity or Customer") as refusal:
        opened(lead, rep)
    assert refusal.value.field == "lead"
    assert not Opportunity.objects.exists()


def test_stages_and_amounts_it_had_stay_in_its_history(lead: Lead, rep: User) -> None:
    deal = opened(lead, rep)
    edited(deal, rep, stage=stage("proposal"))
    edited(deal, rep, at=LATER + timedelta(days=1), amount_cents=2_000_000)
    deal.refresh_from_db()
    assert (deal.stage.key, deal.stage_changed_at, deal.amount_cents) == ("proposal", LATER, 2_000_000)
    history = deal.changes.order_by("changed_at").values_list("stage__key", "amount_cents")
    assert list(history) == [("qualification", 1_800_000), ("proposal", 1_800_000), ("proposal", 2_000_000)]


def test_won_and_reopened_and_lost(lead: Lead, rep: User) -> None:
    deal = opened(lead, rep)
    edited(deal, rep, stage=stage("won"), won_reason="Trust")
    lead.refresh_from_db()
    deal.refresh_from_db()
    assert (deal.status, deal.closed_at, deal.won_reason, lead.stage) == ("won", LATER, "Trust", "customer")
    edited(deal, rep, at=LATER + timedelta(hours=1), stage=stage("negotiation"))
    deal.refresh_from_db()
    assert (deal.status, deal.closed_at, deal.won_reason) == ("open", None, "")
    with pytest.raises(DealRefused, match="Say why") as refusal:
        edited(deal, rep, stage=stage("lost"))
    assert refusal.value.field == "lost_reason"
    day = date(2026, 11, 24)
    edited(deal, rep, at=LATER + timedelta(days=2), stage=stage("lost"), lost_reason="Price", closed_on=day)
    deal.refresh_from_db()
    assert (deal.status, deal.lost_reason, deal.closed_at) == ("lost", "Price", datetime(2026, 11, 24, 11, tzinfo=UTC))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"currency": "EURO"}, "currency"),
        ({"forecast_category": "sure"}, "forecast_category"),
        ({"owner_id": 0}, "owner"),
        ({"stage": "won", "closed_on": date(2026, 12, 24)}, "closed_on"),
        ({"stage": "won", "closed_on": date(2026, 11, 1)}, "closed_on"),
    ],
)
def test_what_is_wrong_is_named(lead: Lead, rep: User, values: dict[str, object], field: str) -> None:
    deal = opened(lead, rep)
    given = {**values, **({"stage": stage(str(values["stage"]))} if "stage" in values else {})}
    with pytest.raises(DealRefused) as refusal:
        edited(deal, rep, **given)
    assert refusal.value.field == field


def test_people_are_replaced_as_a_whole(lead: Lead, rep: User) -> None:
    deal, other = opened(lead, rep), LeadFactory()
    edit = DealEdit({}, [Contact(other.pk, "champion", True)])
    edit_opportunity(opportunity_id=deal.pk, edit=edit, by=rep, source="Jana", at=LATER)
    contact = OpportunityContact.objects.get()
    assert (contact.lead, contact.role, contact.is_primary) == (other, "champion", True)
    with pytest.raises(DealRefused, match="one role"):
        twice = DealEdit({}, [Contact(other.pk), Contact(other.pk)])
        edit_opportunity(opportunity_id=deal.pk, edit=twice, by=rep, source="Jana", at=LATER)


def test_somebody_elses_change_and_a_deleted_deal_are_not_overwritten(lead: Lead, rep: User) -> None:
    deal = opened(lead, rep)
    with pytest.raises(DealRefused, match="meanwhile"):
        edit_opportunity(
            opportunity_id=deal.pk, edit=DealEdit({}), by=rep, source="Jana", at=LATER, seen=AT - timedelta(days=1)
        )
    gone = OpportunityFactory(deleted_at=AT)
    with pytest.raises(DealRefused, match="deleted"):
        edited(gone, rep, name="Back")
