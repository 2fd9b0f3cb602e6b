"""What sales wants to see goes to the CRM: when the lead became an MQL, its campaigns, its score and the reasons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from attribution.models import AttributionRun, Credit, JourneyState
from integrations.actions.jobs.follow_changes import follow_changes
from integrations.models import Connection, PendingPush
from integrations.sandbox_crm.server import SandboxServer
from leads.actions.capture.take_mail_events import take_mail_events
from leads.actions.scoring.score_lead import score_leads
from leads.models import Company, Lead, LifecyclePassage, OpportunityContact
from leads.pure.capture.mail_events import MailEvent
from tests.integrations.world import Clock, map_person, owe, person_in, push_connection, sync
from tests.leads.factories import CampaignFactory, LeadFactory, OpportunityFactory, TouchpointFactory

pytestmark = pytest.mark.django_db
FACTS = ("mql_at", "campaign", "last_campaign", "attributed_campaign", "score", "score_reasons")


def test_what_sales_wants_to_see_is_written_back(crm: SandboxServer, connected: Connection, clock: Clock) -> None:
    Company.objects.update(time_zone="Europe/Berlin")
    map_person(connected, *((name, f"properties.{name}", "push", "ours") for name in FACTS))
    spring, fair, mail = (CampaignFactory(name=name) for name in ("Spring ads", "Trade fair", "Newsletter"))
    at = clock() - timedelta(days=10)
    lead = LeadFactory(email="nina@acme.example", campaign=spring, stage="mql")
    touches = [
        TouchpointFactory(lead=lead, campaign=campaign, channel=campaign.channel, kind=kind, occurred_at=moment)
        for campaign, kind, moment in (
            (spring, "ad_click", at),
            (fair, "form_submission", at + timedelta(days=2)),
            (mail, "email_click", at + timedelta(days=4)),
        )
    ]
    # 23:30 in UTC is the next day in the company's zone; the second time does not count.
    for moment in (datetime(2026, 3, 3, 23, 30, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)):
        LifecyclePassage.objects.create(lead=lead, from_stage="lead", to_stage="mql", passed_at=moment)
    deal = OpportunityFactory()
    OpportunityContact.objects.create(opportunity=deal, lead=lead)
    run = AttributionRun.objects.create(
        kind="full", methods={}, settings={}, state="done", started_at=at, finished_at=at
    )
    for touch, weight in zip(touches, (0.3, 0.5, 0.2), strict=True):
        Credit.objects.create(
            run=run, opportunity=deal, method=Company.current().default_method, touchpoint=touch, weight=weight,
            campaign=touch.campaign, channel=touch.channel, touched_at=touch.occurred_at, cents=0,
        )  # fmt: skip
    score_leads(leads=list(Lead.objects.select_related("account", "channel").filter(pk=lead.pk)), at=clock())
    follow_changes(at=clock())

    sync(connected, clock)

    held = person_in(crm, lead)["properties"]
    assert held["mql_at"] == "2026-03-04"
    assert (held["campaign"], held["last_campaign"]) == ("Spring ads", "Newsletter")
    assert held["attributed_campaign"] == "Trade fair"
    lead.refresh_from_db()
    assert held["score"] == lead.score
    assert "Sent a form" in held["score_reasons"]


def test_a_lead_is_sent_again_when_its_credit_changes(crm: SandboxServer, connected: Connection, clock: Clock) -> None:
    lead, deal = LeadFactory(), OpportunityFactory()
    OpportunityContact.objects.create(opportunity=deal, lead=lead)
    owe(connected, lead)
    sync(connected, clock)
    assert PendingPush.objects.get(lead=lead).state == "done"

    def credited() -> None:
        run = AttributionRun.objects.create(
            kind="full", methods={}, settings={}, state="done", started_at=clock(), finished_at=clock()
        )
        JourneyState.objects.update_or_create(
            opportunity=deal,
            defaults={"run": run, "touches": 1, "status": "won", "amount_cents": 0, "opened_at": clock()},
        )
        clock.pass_by(hours=1)
        follow_changes(at=clock())

    credited()
    assert PendingPush.objects.get(lead=lead).state == "done"  # the mapping does not name it
    map_person(connected, ("attributed_campaign", "properties.attributed_campaign", "push", "ours"))
    clock.pass_by(hours=2)
    follow_changes(at=clock())
    credited()
    assert PendingPush.objects.get(lead=lead).state == "pending"
    push_connection(connection_id=connected.pk, clock=clock)


def test_leads_are_sent_again_when_the_company_chooses_another_model(
    crm: SandboxServer, connected: Connection, clock: Clock
) -> None:
    """No credit is computed anew: another one of those there are is shown."""
    map_person(connected, ("attributed_campaign", "properties.attributed_campaign", "push", "ours"))
    company = Company.objects.get()
    company.save()
    lead, other, deal = LeadFactory(), LeadFactory(), OpportunityFactory()
    OpportunityContact.objects.create(opportunity=deal, lead=lead)
    at = clock() - timedelta(days=10)
    run = AttributionRun.objects.create(
        kind="full", methods={}, settings={}, state="done", started_at=at, finished_at=at
    )
    for method, name in (("linear", "Spring ads"), ("first_touch", "Trade fair")):
        campaign = CampaignFactory(name=name)
        touch = TouchpointFactory(lead=lead, campaign=campaign, channel=campaign.channel, occurred_at=at)
        Credit.objects.create(
            run=run, opportunity=deal, method=method, touchpoint=touch, weight=1,
            campaign=campaign, channel=campaign.channel, touched_at=at, cents=0,
        )  # fmt: skip
    for each in (lead, other):
        owe(connected, each)
    sync(connected, clock)
    assert person_in(crm, lead)["properties"]["attributed_campaign"] == "Spring ads"
    clock.pass_by(days=2)
    follow_changes(at=clock())
    sync(connected, clock)
    clock.pass_by(minutes=1)
    follow_changes(at=clock())
    assert not PendingPush.objects.filter(state="pending").exists()

    company.default_method = "first_touch"
    company._history_date = clock()
    company.save()
    clock.pass_by(minutes=1)
    follow_changes(at=clock())

    assert PendingPush.objects.get(lead=lead).state == "pending"
    assert PendingPush.objects.get(lead=other).state == "done"
    PendingPush.objects.update(not_before=clock())
    push_connection(connection_id=connected.pk, clock=clock)
    assert person_in(crm, lead)["properties"]["attributed_campaign"] == "Trade fair"


def test_an_opt_out_goes_to_the_field_that_the_mapping_names_and_is_never_taken_back(
    crm: SandboxServer, connected: Connection, clock: Clock
) -> None:
    map_person(connected, ("is_unsubscribed", "properties.no_email", "push", "ours"))
    lead = LeadFactory(email="nina@acme.example")
    owe(connected, lead)
    sync(connected, clock)
    assert "no_email" not in person_in(crm, lead)["properties"]  # that nobody opted out here says nothing
    clock.pass_by(hours=1)
    event = MailEvent("email_unsubscribe", "nina@acme.example", clock())
    take_mail_events(events=[event], service="sendgrid", at=clock())
    clock.pass_by(hours=1)
    follow_changes(at=clock())
    sync(connected, clock)
    assert person_in(crm, lead)["properties"]["no_email"] is True
    clock.pass_by(hours=1)
    take_mail_events(events=[MailEvent("email_signup", "nina@acme.example", clock())], service="sendgrid", at=clock())
    clock.pass_by(hours=1)
    sync(connected, clock)
    assert person_in(crm, lead)["properties"]["no_email"] is True
