"""The facts of many leads at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import Campaign, Company, Consent, Territory
from leads.pure.conditions.evaluate import Evaluator
from leads.pure.conditions.grammar import Condition, Group, check
from leads.pure.conditions.properties import Operator
from leads.queries.conditions import facts_of, lead_catalog
from tests.leads.factories import AccountFactory, CampaignFactory, LeadFactory, TouchpointFactory, UserFactory

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 11, 15, 23, 30, tzinfo=UTC)
"""Half past midnight of the 16th in Berlin."""


def test_facts_are_what_the_conditions_look_at() -> None:
    Company.objects.update(time_zone="Europe/Berlin")
    owner = UserFactory()
    program = CampaignFactory()
    campaign = CampaignFactory(parent=program)
    account = AccountFactory(domain="engines.example", industry="software", company_size=80, owner=owner)
    lead = LeadFactory(
        email="ada@engines.example", account=account, owner=owner, captured_at=NIGHT, attributes={"plan": "gold"}
    )
    TouchpointFactory(lead=lead, campaign=campaign, name="Pricing", occurred_at=NIGHT)
    TouchpointFactory(lead=lead, exclusion="bot")
    Consent.objects.create(lead=lead, text="Yes", given_at=NIGHT, basis="consent")
    facts = facts_of([lead.pk])[lead.pk]
    expected = {
        "industry": "software",
        "company_size": 80,
        "email_domain": "engines.example",
        "account": "engines.example",
        "attribute:plan": "gold",
        "owner": str(owner.public_id),
        "account_owner": str(owner.public_id),
        "campaign": [str(campaign.public_id), str(program.public_id)],
        "consent": ["consent"],
        "created": NIGHT.date() + timedelta(days=1),
    }
    assert {key: facts.values[key] for key in expected} == expected
    assert [(each.kind, each.name, each.on.day) for each in facts.events] == [("form_submission", "Pricing", 16)]


def test_events_after_a_moment_are_left_out() -> None:
    lead = LeadFactory()
    TouchpointFactory(lead=lead, occurred_at=NIGHT)
    TouchpointFactory(lead=lead, occurred_at=NIGHT + timedelta(days=1))
    assert len(facts_of([lead], until=NIGHT)[lead.pk].events) == 1


def test_queries_do_not_grow_with_leads() -> None:
    for size in (1, 30):
        leads = [touch.lead for touch in TouchpointFactory.create_batch(size)]
        with CaptureQueriesContext(
            connection,
        ) as asked:
            facts_of([lead.pk for lead in leads], tz=Company.current().tz)
        assert len(asked) <= 7
    needed = Group((Condition("country", Operator.KNOWN),)).properties
    with CaptureQueriesContext(connection) as asked:
        facts_of([lead.pk for lead in leads], properties=needed, tz=Company.current().tz)
    assert len(asked) == 2


def test_the_catalog_offers_what_is_here() -> None:
    territory = Territory.objects.get(is_catch_all=True)
    campaign: Campaign = CampaignFactory()
    lead = LeadFactory(attributes={"plan": "gold"}, territory=territory)
    catalog = lead_catalog()
    assert (str(territory.pk), territory.name) in catalog["territory"].choices
    assert (str(campaign.public_id), campaign.name) in catalog["campaign"].choices
    assert ("DE", "Germany (DE)") in catalog["country"].choices
    assert "attribute:plan" in catalog.listed
    group = Group(
        (Condition("territory", Operator.IS, (str(territory.pk),)), Condition("attribute:plan", Operator.IS, ("gold",)))
    )
    check(group, catalog)
    answer = Evaluator(group, catalog)(facts_of([lead.pk])[lead.pk], NIGHT.date())
    assert answer.because == f"Territory is {territory.name} and plan is gold"
