"""The engine against each vendor's dialect: leads out, deals and campaigns back, tokens that end half-way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from integrations.actions.jobs.run_sync import run_sync
from integrations.actions.push.enqueue import enqueue_leads
from integrations.actions.trials.dry_run import dry_run
from integrations.actions.trials.reconcile import reconcile
from integrations.actions.undo.decide_undo import preview_undo
from integrations.actions.undo.release_records import release_records
from integrations.actions.undo.undo_run import undo_run
from integrations.models import Connection, ExternalRecord, SyncRecord, SyncRun
from integrations.sandbox_crm.dialects import Fault
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Campaign, Company, Touchpoint
from tests.integrations.sandbox_crm.running import TOKEN
from tests.integrations.world import Clock, connect, states
from tests.leads.factories import LeadFactory

pytestmark = pytest.mark.django_db
SECRETS: dict[str, dict[str, Any]] = {
    "hubspot": {"secrets": {"client_secret": TOKEN, "refresh_token": TOKEN}, "settings": {"client_id": "c1"}},
    "salesforce": {"secrets": {"client_id": "c1", "client_secret": TOKEN}},
    "pipedrive": {"secrets": {"token": TOKEN}},
}
Connected = Callable[[str], Connection]


@pytest.fixture
def connected_to(crm: SandboxServer, company: Company) -> Connected:
    def made(kind: str) -> Connection:
        return connect(f"{crm.url}/{kind}", slug=kind, kind=kind, secret="", **SECRETS[kind])

    return made


def asked(connection: Connection, clock: Clock) -> list[SyncRun]:
    before = set(SyncRun.objects.values_list("pk", flat=True))
    run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)
    return list(SyncRun.objects.exclude(pk__in=before).order_by("pk"))


@pytest.mark.parametrize("kind", sorted(SECRETS))
def test_leads_go_out_once_and_both_sides_then_agree(connected_to: Connected, clock: Clock, kind: str) -> None:
    connection = connected_to(kind)
    leads = LeadFactory.create_batch(3, company="Acme", stage="mql")
    trial = dry_run(connection_id=connection.pk, clock=clock)
    assert (trial.state, trial.created) == ("done", 3), trial.note

    enqueue_leads(lead_ids=[lead.pk for lead in leads], at=clock(), reason="captured")
    pull, push = asked(connection, clock)
    assert (pull.state, push.state, push.created) == ("done", "done", 3), (pull.note, push.note)
    assert states(connection) == {"done": 3}
    assert ExternalRecord.objects.filter(connection=connection, kind="person", lead__in=leads).count() == 3

    for run in asked(connection, clock):
        assert (run.state, run.created, run.updated, run.rejected) == ("done", 0, 0, 0), run.note
    compared = reconcile(connection_id=connection.pk, clock=clock)
    told = [(each.outcome, each.kind, each.changes) for each in compared.records.all()]
    assert (compared.state, told) == ("done", []), compared.note


@pytest.mark.parametrize("kind", ["hubspot", "salesforce"])
def test_a_token_that_ends_half_way_is_renewed(
    connected_to: Connected, crm: SandboxServer, clock: Clock, kind: str
) -> None:
    connection = connected_to(kind)
    lead = LeadFactory()
    enqueue_leads(lead_ids=[lead.pk], at=clock(), reason="captured")
    asked(connection, clock)
    first = Connection.objects.get(pk=connection.pk).access_token
    assert first
    crm.dialect(kind).scenario.set(Fault("expire", skip=2))

    assert [run.state for run in asked(connection, clock)] == ["done", "done"]

    connection.refresh_from_db()
    assert connection.access_token not in ("", first)


def test_campaigns_arrive_and_responses_become_touches(
    connected_to: Connected, crm: SandboxServer, clock: Clock
) -> None:
    connection, records = connected_to("salesforce"), crm.dialect("salesforce").records
    lead = LeadFactory(stage="subscriber")
    enqueue_leads(lead_ids=[lead.pk], at=clock(), reason="captured")
    asked(connection, clock)
    person = ExternalRecord.objects.get(lead=lead).remote_id
    campaign = records.add(
        "Campaign",
        {"Name": "May webinar", "Type": "Webinar", "IsActive": True, "StartDate": "2026-05-01", "ActualCost": 500.0},
    )
    records.add("Campaign", {"Name": "Nobody came", "Type": "Webinar", "IsActive": True})
    members = {"CampaignId": campaign.id, "LeadId": person}
    records.add("CampaignMember", members | {"Status": "Sent"})
    records.add(
        "CampaignMember",
        members | {"Status": "Responded", "FirstRespondedDate": "2026-05-02"},
    )

    for _ in range(2):
        clock.pass_by(seconds=2)
        time.sleep(1.1)
        assert asked(connection, clock)[0].state == "done"

    made = Campaign.objects.get(name="May webinar")
    assert (made.channel.key, str(made.starts_on)) == ("webinar", "2026-05-01")
    (cost,) = made.costs.all()
    assert (cost.amount_cents, cost.source, str(cost.spent_on)) == (50_000, "salesforce", "2026-05-01")
    (touch,) = Touchpoint.objects.filter(lead=lead)
    assert (touch.kind, touch.campaign, f"{touch.occurred_at:%Y-%m-%d}") == ("webinar_attendance", made, "2026-05-02")
    lead.refresh_from_db()
    assert (lead.stage, lead.campaign) == ("lead", made)

    # Undone, its response goes back and is not asked for again; the campaign stays, for it has costs.
    run = SyncRecord.objects.get(kind="touch").run
    told = {each.noted.remote_id: each for each in preview_undo(run_id=run.pk, at=clock())}
    assert told[campaign.id].note == "Its costs are in the reports."
    assert (len(told), sum(each.is_back for each in told.values())) == (3, 2)
    undo = undo_run(run_id=run.pk, by=None, clock=clock)
    assert (undo.state, undo.updated, undo.unchanged) == ("done", 2, 1)
    lead.refresh_from_db()
    assert (Touchpoint.objects.filter(lead=lead).count(), lead.campaign, lead.stage) == (0, None, "lead")
    assert undo.records.get(outcome="removed", kind="campaign").title == "Nobody came"
    asked(connection, clock)
    assert Campaign.objects.get() == made
    assert not Touchpoint.objects.filter(lead=lead).exists()
    release_records(connection_id=connection.pk, at=clock())
    asked(connection, clock)
    assert Touchpoint.objects.get(lead=lead).campaign == made
    assert ExternalRecord.objects.filter(kind="campaign", campaign__isnull=False).count() == 2
