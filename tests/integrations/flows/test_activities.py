"""Calls, meetings, e-mails, submissions and list members of a CRM become touchpoints by the rules that were chosen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.actions.connections.choose_content import choose_content
from integrations.actions.connections.try_connection import try_connection
from integrations.actions.jobs.run_sync import run_sync
from integrations.actions.push.enqueue import enqueue_leads
from integrations.actions.undo.release_records import release_records
from integrations.actions.undo.undo_run import undo_run
from integrations.models import Connection, ExternalRecord, StageMap, SyncRun
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Channel, Company, Lead, OpportunityContact, PipelineStage, Touchpoint
from tests.integrations.flows.vendors import WORLDS, World, world_of
from tests.integrations.world import Clock
from tests.leads.factories import LeadFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 4, 10, 30, tzinfo=UTC)
DONE = {"call": {"rule": "done", "channel": "events"}, "meeting": {"rule": "held", "channel": "other"}}


@pytest.fixture(params=sorted(WORLDS))
def world(request: pytest.FixtureRequest, crm: SandboxServer, company: Company) -> World:
    return world_of(request.param, crm.dialect(request.param))


@pytest.fixture
def connection(world: World, crm: SandboxServer) -> Connection:
    return world.connect(crm.url)


def sync(world: World, connection: Connection, clock: Clock) -> SyncRun:
    world.later()
    run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)
    run = SyncRun.objects.filter(connection=connection, direction="pull").latest("pk")
    assert run.state == "done", run.note
    return run


def known_lead(world: World, connection: Connection, clock: Clock, **fields: Any) -> tuple[Lead, str]:
    lead = LeadFactory(company="Acme", channel=None, campaign=None, **fields)
    enqueue_leads(lead_ids=[lead.pk], at=clock(), reason="captured")
    sync(world, connection, clock)
    return lead, ExternalRecord.objects.get(connection=connection, lead=lead, kind="person").remote_id


def choose(connection: Connection, activities: dict[str, dict[str, str]], clock: Clock) -> None:
    choose_content(connection_id=connection.pk, takes_people="", activities=activities, at=clock())


def touches(lead: Lead) -> list[tuple[str, str, datetime]]:
    rows = Touchpoint.objects.filter(lead=lead).order_by("occurred_at", "pk")
    return [(touch.kind, touch.channel.key, touch.occurred_at) for touch in rows.select_related("channel")]


def test_nothing_is_read_unless_chosen(world: World, connection: Connection, clock: Clock) -> None:
    lead, person = known_lead(world, connection, clock)
    world.add_call(person, AT)
    sync(world, connection, clock)
    assert touches(lead) == []


def test_calls_and_meetings_become_touchpoints(world: World, connection: Connection, clock: Clock) -> None:
    lead, person = known_lead(world, connection, clock, stage="subscriber")
    call = world.add_call(person, AT)
    meeting = world.add_meeting(person, AT + timedelta(days=1))
    ahead = world.add_meeting(person, clock() + timedelta(days=3))
    choose(connection, DONE, clock)
    run = sync(world, connection, clock)

    held = [("call", "events", AT), ("meeting", "other", AT + timedelta(days=1))]
    assert touches(lead) == held
    lead.refresh_from_db()
    assert (lead.channel, lead.stage) == (Channel.objects.get(key="events"), "lead")
    assert run.records.filter(kind="touch", outcome="created").count() == 2
    # Read again, whole: nothing is doubled.
    connection.watermarks.filter(kind="touch").update(read_to=None)
    sync(world, connection, clock)
    assert touches(lead) == held

    # Moved: recorded anew. Deleted: taken back, with what followed for the first touch.
    world.move_meeting(meeting, AT + timedelta(days=2))
    world.end_activity(call)
    sync(world, connection, clock)
    assert touches(lead) == [("meeting", "other", AT + timedelta(days=2))]
    lead.refresh_from_db()
    assert lead.channel == Channel.objects.get(key="other")
    world.end_activity(meeting)
    world.end_activity(ahead)
    sync(world, connection, clock)
    assert touches(lead) == []
    lead.refresh_from_db()
    assert lead.channel is None


def test_another_rule_reads_and_drops_what_it_says(world: World, connection: Connection, clock: Clock) -> None:
    lead, person = known_lead(world, connection, clock)
    world.add_call(person, AT)
    world.add_call(person, AT + timedelta(hours=1), is_answered=world.kind == "pipedrive")
    choose(connection, DONE, clock)
    sync(world, connection, clock)
    assert len(touches(lead)) == 2
    rule = "done" if world.kind == "pipedrive" else "talked"
    choose(connection, {"call": {"rule": rule, "channel": "events"}}, clock)
    sync(world, connection, clock)
    assert len(touches(lead)) == (2 if world.kind == "pipedrive" else 1)


def test_undone_touchpoints_stay_away_until_released(world: World, connection: Connection, clock: Clock) -> None:
    lead, person = known_lead(world, connection, clock)
    world.add_call(person, AT)
    choose(connection, DONE, clock)
    run = sync(world, connection, clock)
    undo_run(run_id=run.pk, by=None, clock=clock)
    assert touches(lead) == []
    connection.watermarks.filter(kind="touch").update(read_to=None)
    sync(world, connection, clock)
    assert touches(lead) == []
    release_records(connection_id=connection.pk, at=clock())
    sync(world, connection, clock)
    assert len(touches(lead)) == 1


def test_submissions_lists_and_incoming_mail_of_hubspot(crm: SandboxServer, company: Company, clock: Clock) -> None:
    world: Any = world_of("hubspot", crm.dialect("hubspot"))
    connection = world.connect(crm.url)
    lead, person = known_lead(world, connection, clock, email="nina@prospect.example", stage="subscriber")
    add = world.dialect.records.add
    form, fair, other = (
        add("forms", {"name": "Contact us", "archived": False}),
        add("lists", {"name": "Trade fair 2026"}),
        add("lists", {"name": "Everybody"}),
    )
    page = "https://acme.example/contact?utm_source=linkedin&utm_medium=cpc&utm_campaign=spring"
    add("submissions", {"form": form.id, "email": "Nina@Prospect.example", "pageUrl": page}, created=AT)
    add("submissions", {"form": form.id, "email": "stranger@prospect.example", "pageUrl": page}, created=AT)
    add("memberships", {"list": fair.id, "record": person}, created=AT + timedelta(days=1))
    add("memberships", {"list": other.id, "record": person}, created=AT + timedelta(days=1))
    for number, way in enumerate(("INCOMING_EMAIL", "EMAIL")):
        mail = {"hs_timestamp": (AT + timedelta(days=2 + number)).isoformat(), "hs_email_subject": "Re: offer"}
        world.dialect.engage("emails", mail | {"hs_email_direction": way}, [person])
    rules = {
        "form": {"rule": "all", "channel": ""},
        "list": {"rule": "named", "channel": "email", "names": "trade fair*"},
        "email": {"rule": "received", "channel": "email"},
    }
    choose(connection, rules, clock)
    sync(world, connection, clock)

    assert touches(lead) == [
        ("form_submission", "paid-social", AT),
        ("list_membership", "email", AT + timedelta(days=1)),
        ("email_reply", "email", AT + timedelta(days=2)),
    ]
    first = Touchpoint.objects.filter(lead=lead).earliest("occurred_at")
    assert (first.name, first.landing_page, first.campaign and first.campaign.code) == ("Contact us", page, "spring")
    assert Lead.objects.count() == 1
    sync(world, connection, clock)
    assert len(touches(lead)) == 3


def test_members_who_did_not_respond_count_where_the_rule_says_so(
    crm: SandboxServer, company: Company, clock: Clock
) -> None:
    world: Any = world_of("salesforce", crm.dialect("salesforce"))
    connection = world.connect(crm.url)
    lead, person = known_lead(world, connection, clock)
    campaign = world.dialect.records.add("Campaign", {"Name": "Fair", "Type": "Trade Show", "IsActive": True})
    world.dialect.records.add("CampaignMember", {"CampaignId": campaign.id, "LeadId": person, "Status": "Sent"})
    sync(world, connection, clock)
    assert touches(lead) == []
    choose(connection, {"member": {"rule": "added"}}, clock)
    sync(world, connection, clock)
    assert [kind for kind, _, _ in touches(lead)] == ["event_visit"]


def test_everybody_who_took_part_has_their_touchpoint(crm: SandboxServer, company: Company, clock: Clock) -> None:
    """Participants of Pipedrive's activities; a day without a time is the company's own day."""
    world: Any = world_of("pipedrive", crm.dialect("pipedrive"))
    connection = world.connect(crm.url)
    world.dialect.records.set_meta("time_zone", "Pacific/Auckland")
    try_connection(connection_id=connection.pk, clock=clock, seed=1)
    connection.refresh_from_db()
    assert connection.account["time_zone"] == "Pacific/Auckland"
    (one, first), (two, second) = (known_lead(world, connection, clock) for _ in range(2))
    members = {"type": "lunch", "subject": "Lunch", "due_date": "2026-05-04", "due_time": None, "done": True,
               "person_id": int(first), "marked_as_done_time": None,
               "participants": [{"person_id": int(first), "primary": True}, {"person_id": int(second)}]}  # fmt: skip
    world.dialect.records.add("activity", members)
    choose(connection, DONE, clock)
    sync(world, connection, clock)
    noon = datetime(2026, 5, 4, 0, tzinfo=UTC)
    assert touches(one) == touches(two) == [("meeting", "other", noon)]


def test_everybody_who_takes_part_in_a_deal_is_a_contact_of_it(
    crm: SandboxServer, company: Company, clock: Clock
) -> None:
    world: Any = world_of("pipedrive", crm.dialect("pipedrive"))
    connection = world.connect(crm.url)
    (one, first), (two, second) = (known_lead(world, connection, clock) for _ in range(2))
    StageMap.objects.filter(connection=connection).update(stage=PipelineStage.objects.filter(status="open")[0])
    deal = world.add_deal(first, "Both", 100)
    world.dialect.records.change("deal", deal, {"participants": [int(second)]})
    sync(world, connection, clock)
    contacts = OpportunityContact.objects.filter(opportunity__name="Both").order_by("lead")
    assert [contact.lead for contact in contacts] == [one, two]
