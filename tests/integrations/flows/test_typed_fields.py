"""Mapped values of every type, out to each vendor and back: options, yes and no, lists, numbers, money, addresses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from integrations.actions.connections.try_connection import try_connection
from integrations.actions.jobs.run_sync import run_sync
from integrations.actions.push.enqueue import enqueue_leads
from integrations.actions.trials.dry_run import dry_run
from integrations.actions.trials.reconcile import reconcile
from integrations.models import ExternalRecord, FieldMap, PendingPush, SyncRecord, SyncRun
from integrations.sandbox_crm.dialects.hubspot import dialect as hubspot_dialect
from integrations.sandbox_crm.dialects.hubspot import schema
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Company, Lead
from tests.integrations.flows.typed import Typed, typed_account
from tests.integrations.flows.vendors import WORLDS, world_of
from tests.integrations.world import Clock
from tests.leads.factories import LeadFactory, UserFactory

pytestmark = pytest.mark.django_db
KINDS = sorted(WORLDS)
GIVEN = {"score": "1250", "news": "yes", "plan": "huge", "topics": ["Analytics", "CRM"], "budget": "12.50 EUR"}


@pytest.fixture
def typed(crm: SandboxServer, company: Company) -> Callable[[str], Typed]:
    return partial(typed_account, crm)


def owe(*leads: Lead, clock: Clock) -> None:
    enqueue_leads(lead_ids=[lead.pk for lead in leads], at=clock(), reason="captured")


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_every_type_go_out_and_agree_afterwards(typed: Any, clock: Clock, kind: str) -> None:
    crm = typed(kind)
    lead = LeadFactory(attributes=GIVEN)
    owe(lead, clock=clock)
    trial = dry_run(connection_id=crm.connection.pk, clock=clock)
    assert (trial.created, trial.rejected) == (1, 0), trial.note

    _, push = crm.sync(clock)

    assert (push.created, push.rejected) == (1, 0), list(push.records.values_list("note", flat=True))
    record = crm.record()
    names = {name: remote.removeprefix("custom_fields.") for name, remote in crm.fields.items()}
    held = {name: record.get(remote) for name, remote in names.items()}
    if kind != "pipedrive":
        held["topics"] = ";".join(sorted(held["topics"].split(";")))
    assert held == crm.held
    for run in crm.sync(clock):
        assert (run.updated, run.created, run.rejected) == (0, 0, 0), list(run.records.values_list("note", "changes"))
    compared = reconcile(connection_id=crm.connection.pk, clock=clock)
    assert compared.drifted == 0, list(compared.records.values_list("outcome", "changes"))
    lead.refresh_from_db()
    assert lead.attributes == GIVEN, "what the CRM writes in its own way is no change of theirs"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "value"), [("score", "many"), ("news", "perhaps"), ("plan", "Gold"), ("topics", ["CRM", "Golf"])]
)
def test_a_value_that_cannot_be_converted_refuses_itself_alone(
    typed: Any, clock: Clock, kind: str, name: str, value: Any
) -> None:
    crm = typed(kind)
    good = LeadFactory.create_batch(3, attributes={"score": 7})
    bad = LeadFactory(attributes={"score": 7, name: value})
    owe(*good, bad, clock=clock)
    crm.world.dialect.calls.clear()

    _, push = crm.sync(clock)

    assert (push.created, push.rejected) == (3, 1)
    refused = PendingPush.objects.get(lead=bad)
    assert (refused.state, refused.error_code, refused.error_field) == ("rejected", "UNCONVERTIBLE", crm.fields[name])
    assert refused.last_error
    assert PendingPush.objects.filter(state="done", lead__in=good).count() == 3
    Lead.objects.filter(pk=bad.pk).update(attributes={"score": 7})
    owe(bad, clock=clock)
    crm.sync(clock)
    assert PendingPush.objects.get(lead=bad).state == "done"


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_crm_changes_comes_back_in_our_words(typed: Any, clock: Clock, kind: str) -> None:
    crm = typed(kind)
    lead = LeadFactory(attributes=GIVEN)
    owe(lead, clock=clock)
    crm.sync(clock)
    crm.sync(clock)
    changed = {
        "hubspot": {"fit_score": "99.5", "news": "false", "plan": "t1", "topics": "billing"},
        "salesforce": {"Score__c": 99.5, "Newsletter__c": False, "Plan__c": "t1", "Interests__c": "Billing"},
        "pipedrive": {"score": 99.5, "news": 12, "plan": 11, "topics": [12]},
    }[kind]
    (person,) = crm.world.people()
    if kind == "pipedrive":
        named = {crm.fields[name].removeprefix("custom_fields."): value for name, value in changed.items()}
        changed = {"custom_fields": person.members["custom_fields"] | named}
    crm.world.later(minutes=1)
    crm.world.dialect.records.change(crm.world.person, person.id, changed)

    pull, push = crm.sync(clock)

    assert (pull.updated, push.updated) == (1, 0), list(pull.records.values_list("note", flat=True))
    lead.refresh_from_db()
    news = {"pipedrive": "No"}.get(kind, False)
    told = {name: lead.attributes[name] for name in ("score", "news", "plan", "topics")}
    assert told == {"score": 99.5, "news": news, "plan": "Starter", "topics": ["Billing"]}
    again = crm.sync(clock)
    assert [(run.updated, run.rejected) for run in again] == [(0, 0), (0, 0)], list(
        again[1].records.values_list("note")
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_owner_deactivated_in_the_crm_is_not_sent_and_theirs_stays(
    crm: SandboxServer, company: Company, clock: Clock, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_of(kind, crm.dialect(kind))
    connection = world.connect(crm.url)
    rep = UserFactory(email="tom.okafor@example.com")
    try_connection(connection_id=connection.pk, clock=clock, seed=0)
    lead = LeadFactory(owner=rep)
    owe(lead, clock=clock)
    run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)
    name = {"hubspot": "hubspot_owner_id", "salesforce": "OwnerId", "pipedrive": "owner_id"}[kind]
    (person,) = world.people()
    before = person.members[name]
    assert str(before) == ExternalRecord.objects.get(kind="owner", owner=rep).remote_id
    if kind == "hubspot":
        gone = [each | ({"archived": True} if each["id"] == before else {}) for each in schema.OWNERS]
        monkeypatch.setattr(schema, "OWNERS", tuple(gone))
        monkeypatch.setattr(hubspot_dialect, "OWNERS", tuple(gone))
    else:
        members = {"IsActive": False} if kind == "salesforce" else {"active_flag": False}
        world.dialect.records.change("User" if kind == "salesforce" else "user", str(before), members)
    Lead.objects.filter(pk=lead.pk).update(first_name="Renamed")
    other = LeadFactory(owner=rep)
    world.later()
    owe(lead, other, clock=clock)

    run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)

    assert set(PendingPush.objects.values_list("state", flat=True)) == {"done"}
    assert not ExternalRecord.objects.get(kind="owner", owner=rep).is_active_there
    # Routing passes over whom the CRM deactivated.
    rep.refresh_from_db()
    assert rep.left_crm_at is not None
    held = {world.key_of(each): each.members.get(name) for each in world.people()}
    assert held[str(lead.public_id)] == before
    assert held[str(other.public_id)] != before


def test_a_title_too_long_for_salesforce_is_cut_and_the_record_says_so(
    crm: SandboxServer, company: Company, clock: Clock
) -> None:
    world = world_of("salesforce", crm.dialect("salesforce"))
    connection = world.connect(crm.url)
    try_connection(connection_id=connection.pk, clock=clock, seed=0)
    lead = LeadFactory(job_title="Head of " + "everything " * 13)
    assert len(lead.job_title) > 128
    owe(lead, clock=clock)
    run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)
    (person,) = world.people()
    assert 100 < len(person.members["Title"]) <= 128
    assert lead.job_title.startswith(person.members["Title"])
    assert "Title was cut from" in SyncRecord.objects.get(outcome="created").note
    compared = reconcile(connection_id=connection.pk, clock=clock)
    assert compared.drifted == 0, list(compared.records.values_list("changes", flat=True))


@pytest.mark.parametrize(
    ("country", "region", "stored"),
    [
        ("DE", "Bavaria", ("DE", "Germany", "BY", "Bavaria")),
        ("US", "CA", ("US", "United States", "CA", "California")),
        ("DE", "Oberbayern", ("DE", "Germany", None, None)),
        ("", "", (None, None, None, None)),
    ],
)
def test_an_org_that_chooses_places_from_lists_is_sent_their_codes(
    crm: SandboxServer, company: Company, clock: Clock, country: str, region: str, stored: tuple[str | None, ...]
) -> None:
    world = world_of("salesforce", crm.dialect("salesforce"))
    world.dialect.records.set_meta("places", "picklists")
    connection = world.connect(crm.url)
    try_connection(connection_id=connection.pk, clock=clock, seed=0)
    owe(LeadFactory(country=country, region=region), clock=clock)
    run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)
    (person,) = world.people()
    names = ("CountryCode", "Country", "StateCode", "State")
    assert tuple(person.members.get(name) for name in names) == stored
    note = SyncRecord.objects.get(outcome="created").note
    assert ("State Code was left out" in note) is (region == "Oberbayern")
    compared = reconcile(connection_id=connection.pk, clock=clock)
    assert compared.drifted == 0, list(compared.records.values_list("changes", flat=True))


def test_a_converted_lead_keeps_following_custom_fields_included(
    crm: SandboxServer, company: Company, clock: Clock
) -> None:
    """What its contact has a place for is sent and read; what it has none for is not claimed to be sent, nor drift."""
    world = world_of("salesforce", crm.dialect("salesforce"))
    connection = world.connect(crm.url)
    try_connection(connection_id=connection.pk, clock=clock, seed=0)
    rules = (("email", "Email"), ("last_name", "LastName"), ("company", "Company"), ("job_title", "Title"),
             ("score", "Score__c"), ("attributes.tier", "Tier__c"), ("attributes.ends", "Trial_Ends__c"))  # fmt: skip
    FieldMap.objects.filter(connection=connection, kind="person").delete()
    FieldMap.objects.bulk_create(
        FieldMap(connection=connection, kind="person", local=a, remote=b, position=n, policy="ours",
                 direction="both" if a == "attributes.tier" else "push")
        for n, (a, b) in enumerate(rules)
    )  # fmt: skip

    def sync() -> list[SyncRun]:
        before = set(SyncRun.objects.values_list("pk", flat=True))
        world.later()
        run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)
        return list(SyncRun.objects.exclude(pk__in=before).order_by("pk"))

    lead = LeadFactory(score=10, company="Acme", attributes={"tier": "B", "ends": "2026-12-31"})
    owe(lead, clock=clock)
    sync()
    became = world.dialect.convert_lead(ExternalRecord.objects.get(lead=lead).remote_id)
    world.later()
    sync()
    sync()
    Lead.objects.filter(pk=lead.pk).update(
        score=80, company="Acme Holding", job_title="CFO", attributes={"tier": "A", "ends": "2027-01-31"}
    )
    owe(lead, clock=clock)

    _, push = sync()

    contact = world.dialect.records["Contact", became["contact"]].members
    assert (push.updated, push.rejected) == (1, 0)
    assert (contact["Score__c"], contact["Tier__c"], contact["Title"]) == (80, "A", "CFO")
    changes = push.records.get(outcome="updated").changes
    assert changes.keys() == {"score", "job_title", "attributes.tier"}
    assert reconcile(connection_id=connection.pk, clock=clock).drifted == 0
    assert [(run.updated, run.created) for run in sync()] == [(0, 0), (0, 0)]

    world.later(minutes=1)
    world.dialect.records.change("Contact", became["contact"], {"Tier__c": "C"})
    world.later()
    sync()
    lead.refresh_from_db()
    assert lead.attributes["tier"] == "C"


@pytest.mark.parametrize("kind", ["hubspot", "salesforce"])
def test_new_leads_without_a_required_field_are_refused_before_any_call(typed: Any, clock: Clock, kind: str) -> None:
    """The test of the connection learns what is required; a lead that is there already is sent all the same."""
    records = {"hubspot": ("required contacts", "plan"), "salesforce": ("required", "Lead.Plan__c")}
    crm = typed(kind)
    there = LeadFactory(attributes={"score": 1})
    owe(there, clock=clock)
    crm.sync(clock)
    crm.world.dialect.records.set_meta(*records[kind])
    try_connection(connection_id=crm.connection.pk, clock=clock, seed=0)
    without = LeadFactory.create_batch(100, attributes={"score": 7})
    with_it = LeadFactory(attributes={"plan": "huge"})
    Lead.objects.filter(pk=there.pk).update(attributes={"score": 2})
    owe(*without, with_it, there, clock=clock)

    _, push = crm.sync(clock)

    # HubSpot asks for it at creation; Salesforce, of every save.
    assert (push.created, push.updated, push.rejected) == ((1, 1, 100) if kind == "hubspot" else (1, 0, 101))
    # A look who is there and a call for those left: of each hundred at HubSpot, of all at Salesforce.
    assert push.calls == {"hubspot": 4, "salesforce": 2}[kind]
    told = set(PendingPush.objects.filter(state="rejected").values_list("error_code", "error_field"))
    assert told == {("REQUIRED_FIELD_MISSING", crm.fields["plan"])}


@pytest.mark.parametrize("kind", ["hubspot", "salesforce"])
def test_whoever_is_there_already_is_adopted_without_what_new_ones_need(typed: Any, clock: Clock, kind: str) -> None:
    """A field that the CRM asks of new records holds nobody up who has a record there."""
    records = {"hubspot": ("required contacts", "plan"), "salesforce": ("required", "Lead.Plan__c")}
    crm = typed(kind)
    there = crm.world.add_person("mia@acme.example", "Mia", "Haas", **{crm.fields["plan"]: "t1"})
    crm.sync(clock)
    crm.world.dialect.records.set_meta(*records[kind])
    try_connection(connection_id=crm.connection.pk, clock=clock, seed=0)
    known = LeadFactory(email="mia@acme.example", attributes={"score": 7})
    nobody = LeadFactory(email="noah@acme.example", attributes={"score": 8})
    owe(known, nobody, clock=clock)

    crm.sync(clock)

    assert ExternalRecord.objects.get(lead=known, kind="person").remote_id == there
    assert PendingPush.objects.get(lead=known).state == "done"
    refused = PendingPush.objects.get(lead=nobody)
    assert (refused.state, refused.error_code) == ("rejected", "REQUIRED_FIELD_MISSING")
    assert len(crm.world.people()) == 1


@pytest.mark.parametrize(
    ("kind", "remote", "values", "before", "after"),
    [
        ("salesforce", "HasOptedOutOfEmail", {}, False, True),
        ("pipedrive", "marketing_status", {"yes": "unsubscribed"}, "no_consent", "unsubscribed"),
    ],
)
def test_an_opt_out_goes_to_the_vendors_own_field(
    typed: Any, clock: Clock, kind: str, remote: str, values: dict[str, str], before: object, after: object
) -> None:
    crm = typed(kind)
    FieldMap.objects.create(
        connection=crm.connection, kind="person", local="is_unsubscribed", remote=remote, position=20,
        direction="push", policy="ours", values=values,
    )  # fmt: skip
    lead = LeadFactory()
    owe(lead, clock=clock)
    crm.sync(clock)
    (person,) = crm.world.people()
    assert person.members[remote] == before

    Lead.objects.filter(pk=lead.pk).update(is_unsubscribed=True)
    owe(lead, clock=clock)
    crm.sync(clock)
    (person,) = crm.world.people()
    assert person.members[remote] == after

    # Signing up again here takes nobody's wish back over there.
    Lead.objects.filter(pk=lead.pk).update(is_unsubscribed=False)
    owe(lead, clock=clock)
    crm.sync(clock)
    (person,) = crm.world.people()
    assert person.members[remote] == after
