"""Past leads as they came to be known: values by version, activity by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import Account, Company, Consent, Lead
from leads.past.acting import backdated
from leads.queries.past_facts import past_leads
from tests.leads.factories import AccountFactory, CampaignFactory, LeadFactory, TouchpointFactory

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
START = datetime(2026, 6, 1, 9, tzinfo=UTC)
KEYS = frozenset({"job_title", "industry", "event:form_submission", "campaign", "consent", "is_unsubscribed"})


def later(days: int) -> datetime:
    return START + timedelta(days=days)


def test_values_stand_from_the_day_on_which_they_were_known() -> None:
    with backdated(START):
        account = AccountFactory(industry="retail")
        lead = LeadFactory(job_title="Intern", account=account, captured_at=START)
    with backdated(later(5)):
        Lead.objects.filter(pk=lead.pk).update(job_title="CTO")
    with backdated(later(9)):
        Account.objects.filter(pk=account.pk).update(industry="software")
    with backdated(later(12)):
        Lead.objects.filter(pk=lead.pk).update(stage="sql", owner=None)
    campaign = CampaignFactory()
    TouchpointFactory(lead=lead, campaign=campaign, occurred_at=later(3))
    TouchpointFactory(lead=lead, kind="email_unsubscribe", occurred_at=later(20))
    Consent.objects.create(lead=lead, text="Yes", given_at=later(15), basis="consent")
    lead.passages.create(from_stage="mql", to_stage="sql", passed_at=later(30))

    (past,) = past_leads([lead.pk], KEYS, Company.current().tz)

    key = str(campaign.public_id)
    names = ("job_title", "industry", "campaign", "consent", "is_unsubscribed")
    assert [(since.day, *(values[name] for name in names)) for since, values in past.stood] == [
        (1, "Intern", "retail", [], [], False),
        (4, "Intern", "retail", [key], [], False),
        (6, "CTO", "retail", [key], [], False),
        (10, "CTO", "software", [key], [], False),
        (16, "CTO", "software", [key], ["consent"], False),
        (21, "CTO", "software", [key], ["consent"], True),
    ]
    assert (past.created_on, past.outcome_on) == (START.date(), later(30).date())
    assert [event.on for event in past.events] == [later(3).date()]


def test_queries_do_not_grow_with_leads() -> None:
    leads = [touch.lead for touch in TouchpointFactory.create_batch(20)]
    with CaptureQueriesContext(connection) as asked:
        past_leads([lead.pk for lead in leads], KEYS, Company.current().tz)
    assert len(asked) <= 9
