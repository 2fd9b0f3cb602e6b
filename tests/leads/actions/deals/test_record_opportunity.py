"""Deals as somebody else keeps them: recorded once, in few queries, with what they make of their lead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.actions.deals.record_opportunity import (
    ChangeFact,
    ContactFact,
    DealFacts,
    record_opportunities,
    record_opportunity,
)
from leads.figures.base import Scope, figure
from leads.models import Company, LeadEvent, LifecyclePassage, Opportunity, OpportunityChange, OpportunityContact
from leads.past.acting import backdated
from leads.past.span import known_at
from leads.pure.week import Period
from tests.leads.factories import AccountFactory, LeadFactory, UserFactory, stage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
AT = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
OPENED = AT - timedelta(days=20)


def facts(**values: Any) -> DealFacts:
    status = values.pop("status", "open")
    closed = {"closed_at": AT - timedelta(days=1)} if status != "open" else {"closed_at": None}
    return DealFacts(
        **{
            "name": "Deal", "stage": stage("qualification" if status == "open" else status), "status": status,
            "amount_cents": 100, "currency": "EUR", "opened_at": OPENED, "changed_at": AT - timedelta(hours=1),
            "source": "crm", **closed, **values,
        }
    )  # fmt: skip


def rows() -> tuple[int, ...]:
    models = (Opportunity, OpportunityChange, OpportunityContact, LifecyclePassage, LeadEvent)
    return tuple(model.objects.count() for model in models)


def test_the_same_facts_twice_write_nothing_the_second_time() -> None:
    lead = LeadFactory(account=AccountFactory(), stage="sql")
    deal = facts(contacts=[ContactFact(lead_id=lead.pk, is_primary=True)])
    first = record_opportunity(deal=deal, at=AT)
    assert (first.is_created, first.opportunity.account, first.moved) == (True, lead.account, [lead.pk])
    before = rows()

    again = facts(opportunity_id=first.opportunity.pk, contacts=[ContactFact(lead_id=lead.pk, is_primary=True)])
    with CaptureQueriesContext(connection) as queries:
        second = record_opportunity(deal=again, at=AT + timedelta(days=1))

    assert (second.is_created, second.changes, second.moved) == (False, {}, [])
    assert rows() == before
    assert [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))] == []
    first.opportunity.refresh_from_db()
    assert first.opportunity.changed_at == AT


def test_queries_do_not_grow_with_the_deals() -> None:
    assert cost(60, "open", "opportunity") <= cost(20, "open", "opportunity")


def test_queries_do_not_grow_with_the_leads_that_the_deals_move() -> None:
    """But for their passages, which SQLite takes by a hundred."""
    assert cost(40, "won", "sal") <= cost(20, "won", "sal") + 1


def cost(number: int, status: str, stage: str) -> int:
    leads = LeadFactory.create_batch(number, stage=stage)
    deals = [facts(status=status, contacts=[ContactFact(lead_id=lead.pk)]) for lead in leads]
    with CaptureQueriesContext(connection) as queries:
        record_opportunities(deals=deals, at=AT)
    return len(queries)


def test_a_won_deal_makes_a_customer_at_the_date_of_the_deal() -> None:
    lead = LeadFactory(stage="lead")
    record_opportunity(deal=facts(status="won", contacts=[ContactFact(lead_id=lead.pk)]), at=AT)

    lead.refresh_from_db()
    assert (lead.stage, lead.changed_at) == ("customer", AT)
    passages = LifecyclePassage.objects.filter(lead=lead, is_inferred=False).values_list("to_stage", "passed_at")
    assert dict(passages) == {"opportunity": OPENED, "customer": AT - timedelta(days=1)}


def test_an_old_lost_deal_says_nothing_about_a_lead_that_came_back() -> None:
    lead = LeadFactory(stage="mql")
    LifecyclePassage.objects.create(lead=lead, from_stage="lead", to_stage="mql", passed_at=AT)
    record_opportunity(deal=facts(status="lost", contacts=[ContactFact(lead_id=lead.pk)]), at=AT)
    lead.refresh_from_db()
    assert lead.stage == "mql"


def test_a_lost_deal_leaves_a_lead_with_another_open_deal_alone() -> None:
    lead = LeadFactory(stage="opportunity")
    contacts = [ContactFact(lead_id=lead.pk)]
    record_opportunity(deal=facts(contacts=contacts), at=AT)
    record_opportunity(deal=facts(status="lost", contacts=contacts), at=AT)
    lead.refresh_from_db()
    assert lead.stage == "opportunity"


def test_an_unmatched_owner_leaves_ours() -> None:
    owner = UserFactory()
    deal = record_opportunity(deal=facts(owner_id=owner.pk), at=AT).opportunity
    record_opportunity(deal=facts(opportunity_id=deal.pk, owner_id=None), at=AT)
    deal.refresh_from_db()
    assert deal.owner == owner


def test_the_primary_contact_moves_on_in_one_step() -> None:
    first, second = LeadFactory.create_batch(2, stage="opportunity")
    contacts = [ContactFact(lead_id=first.pk, is_primary=True), ContactFact(lead_id=second.pk)]
    deal = record_opportunity(deal=facts(contacts=contacts), at=AT).opportunity
    swapped = [ContactFact(lead_id=first.pk), ContactFact(lead_id=second.pk, is_primary=True)]
    recorded = record_opportunity(deal=facts(opportunity_id=deal.pk, contacts=swapped), at=AT + timedelta(days=1))

    assert OpportunityContact.objects.get(is_primary=True).lead == second
    assert "people" in recorded.changes
    deal.refresh_from_db()
    assert deal.changed_at == AT + timedelta(days=1)  # attribution looks at changed deals


def test_the_past_is_appended_and_dates_the_stage() -> None:
    past = [
        ChangeFact(source_key="1", changed_at=OPENED, stage=stage("qualification"), amount_cents=50, currency="EUR"),
        ChangeFact(
            source_key="2",
            changed_at=OPENED + timedelta(days=3),
            stage=stage("proposal"),
            amount_cents=50,
            currency="EUR",
        ),
        ChangeFact(
            source_key="3",
            changed_at=OPENED + timedelta(days=6),
            stage=stage("proposal"),
            amount_cents=100,
            currency="EUR",
        ),
    ]
    deal = record_opportunity(deal=facts(stage=stage("proposal"), changes=past), at=AT).opportunity
    record_opportunity(deal=facts(opportunity_id=deal.pk, stage=stage("proposal"), changes=past), at=AT)

    assert OpportunityChange.objects.count() == 3
    deal.refresh_from_db()
    assert deal.stage_changed_at == OPENED + timedelta(days=3)


def test_where_the_source_keeps_no_past_we_note_what_we_see() -> None:
    deal = record_opportunity(deal=facts(), at=AT).opportunity
    moved = facts(opportunity_id=deal.pk, stage=stage("proposal"), changed_at=AT)
    record_opportunity(deal=moved, at=AT)
    record_opportunity(deal=moved, at=AT)
    assert [each.stage.key for each in OpportunityChange.objects.order_by("pk")] == ["qualification", "proposal"]


def test_what_a_source_with_a_past_does_not_tell_is_noted() -> None:
    """A history that holds the stages and not the amounts: the amount of before stays known."""
    told = ChangeFact(
        source_key="created", changed_at=OPENED, stage=stage("qualification"), amount_cents=100, currency="EUR"
    )
    first = record_opportunity(deal=facts(changes=[told]), at=AT)
    again = facts(opportunity_id=first.opportunity.pk, changes=[told], amount_cents=250, changed_at=AT)
    for _ in range(2):
        record_opportunity(deal=again, at=AT)
    lines = first.opportunity.changes.order_by("changed_at").values_list("changed_at", "amount_cents")
    assert list(lines) == [(OPENED, 100), (AT, 250)]


def test_a_deleted_deal_counted_until_the_day_it_was_deleted(company: Company) -> None:
    with backdated(OPENED):
        made = record_opportunity(deal=facts(status="won"), at=AT)
        lead = LeadFactory()
        OpportunityContact.objects.create(opportunity=made.opportunity, lead=lead, is_primary=True)
    gone = facts(status="won", opportunity_id=made.opportunity.pk, deleted_at=AT)
    with backdated(AT):
        assert record_opportunity(deal=gone, at=AT).changes["deleted"][0] == ""
    period = Period(OPENED, AT + timedelta(days=2))
    scope = Scope(period=period, at=AT + timedelta(days=1), tz=company.tz, currency="EUR")

    assert figure("pipeline.won", scope).value == 0
    with known_at(AT - timedelta(minutes=1)):
        assert figure("pipeline.won", scope).value == 100
    assert [row["deleted_at"] for row in figure("pipeline.won", scope).parts["excluded_deleted"].rows()] == [AT]

    record_opportunity(deal=facts(status="won", opportunity_id=made.opportunity.pk), at=AT + timedelta(days=1))
    assert figure("pipeline.won", scope).value == 100
    assert made.opportunity.contacts.get().lead == lead
