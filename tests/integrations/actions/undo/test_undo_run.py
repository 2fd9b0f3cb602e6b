"""What an undo of a pull does about what is not there any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database

from integrations.actions.undo.undo_run import undo_run
from integrations.models import Connection, SyncRun
from leads.models import Campaign, Company, User
from tests.integrations.world import Clock, connect
from tests.leads.factories import AccountFactory, CampaignFactory, OpportunityFactory, TouchpointFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(company: Company) -> Connection:
    return connect("http://127.0.0.1:9")


def test_what_was_removed_since_is_not_named_again(connection: Connection, rep: User, clock: Clock) -> None:
    """An owner who has left, a first campaign that is gone: the rest goes back, and the database is whole."""
    at = datetime.now(UTC) - timedelta(hours=1)
    left, gone = UserFactory(), CampaignFactory()
    deal, account = OpportunityFactory(owner=rep, name="New"), AccountFactory(owner=rep, name="New")
    touch = TouchpointFactory(campaign=CampaignFactory())
    lead = touch.lead
    lead.channel, lead.campaign = touch.channel, touch.campaign
    lead.save()
    run = SyncRun.objects.create(connection=connection, direction="pull", state="done", reason="daily", started_at=at)
    shared = {"name": ["Old", "New"], "owner_id": [left.pk, rep.pk]}
    for kind, outcome, facts in (
        ("deal", "updated", {"opportunity": deal, "written": shared}),
        ("account", "updated", {"account": account, "written": shared}),
        ("touch", "created", {"lead": lead, "campaign": touch.campaign, "written": {
            "touch": [None, touch.pk], "channel_id": [None, touch.channel_id],
            "campaign_id": [gone.pk, touch.campaign_id],
        }}),
    ):  # fmt: skip
        run.records.create(kind=kind, outcome=outcome, way="in", remote_id="1", at=at, **facts)
    left.delete()
    gone.delete()

    undo = undo_run(run_id=run.pk, by=None, clock=clock)

    database.check_constraints()
    assert (undo.state, undo.updated) == ("done", 3)
    for row in (deal, account, lead):
        row.refresh_from_db()
    assert (deal.name, deal.owner, account.name, account.owner) == ("Old", rep, "Old", rep)
    assert (lead.campaign, lead.touchpoints.count()) == (None, 0)
    notes = set(undo.records.exclude(kind="touch").values_list("note", flat=True))
    assert notes == {"The owner has left, so owner stays."}


def test_a_campaign_that_somebody_edited_stays(connection: Connection, admin_user: User, clock: Clock) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    run = SyncRun.objects.create(connection=connection, direction="pull", state="done", reason="daily", started_at=at)
    untouched, edited = CampaignFactory(), CampaignFactory()
    edited._history_user = admin_user
    edited.save()
    for campaign in (untouched, edited):
        run.records.create(kind="campaign", outcome="created", way="in", campaign=campaign, remote_id="1", at=at)

    undo = undo_run(run_id=run.pk, by=None, clock=clock)

    assert (undo.updated, list(Campaign.objects.all())) == (1, [edited])
    assert undo.records.get(outcome="kept").note == "Somebody has changed it."
