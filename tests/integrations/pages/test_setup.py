"""The setup of each vendor against its sandbox: exactly its secrets, mapping, dry run, switch, a pull, its undo."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.actions.jobs.plan_syncs import run_due_syncs
from integrations.actions.jobs.plan_trials import run_trials
from integrations.actions.push.back_fill import run_back_fills
from integrations.models import Connection, ExternalRecord, FieldMap, RemoteSchema, StageMap, SyncRun
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Company, JobRun, PipelineStage, User
from tests.integrations.sandbox_crm.running import TOKEN
from tests.integrations.world import Clock, connect, sync
from tests.leads.factories import LeadFactory

pytestmark = pytest.mark.django_db
CANARY = "canary-7f3a9b-secret"
ASKED = {
    ("salesforce", "client_credentials"): {"secret-client_id", "secret-client_secret"},
    ("salesforce", "oauth"): {"secret-client_id", "secret-client_secret"},
    ("salesforce", "jwt"): {"secret-client_id", "secret-private_key", "setting-username"},
    ("hubspot", "service_key"): {"secret-token", "secret-client_secret"},
    ("hubspot", "oauth"): {"secret-refresh_token", "secret-client_secret", "setting-client_id"},
    ("pipedrive", "token"): {"secret-token"},
    ("pipedrive", "oauth"): {"secret-client_secret", "secret-refresh_token", "setting-client_id"},
}


@pytest.fixture
def admin_client(admin_user: User, crm: SandboxServer, company: Company, settings: Any) -> Client:
    settings.SANDBOX_CRM_URL, settings.SANDBOX_CRM_TOKEN = crm.url, TOKEN
    client = Client()
    client.force_login(admin_user)
    return client


def at(connection: Connection, name: str, *more: object) -> str:
    return reverse(f"integrations:{name}", args=[connection.slug, *more])


@pytest.mark.parametrize(("kind", "sign_in"), sorted(ASKED))
def test_each_way_of_signing_in_asks_for_its_own(admin_client: Client, kind: str, sign_in: str) -> None:
    url = f"/connections/add?vendor={kind}&sign_in={sign_in}"
    fields = set(admin_client.get(url).context["form"].fields)
    assert fields - {"name", "base_url", "currency"} == ASKED[kind, sign_in]
    given = dict.fromkeys(ASKED[kind, sign_in], CANARY) | {"name": "X", "base_url": "https://example.com"}
    refused = admin_client.post(url, given)
    assert refused.status_code == 422
    assert "no host of this CRM" in str(refused.context["form"].errors["base_url"])
    secret_names = [name for name in fields if name.startswith("secret-")]
    assert all(CANARY not in str(refused.context["form"][name]) for name in secret_names)
    assert Connection.objects.count() == 0


@pytest.mark.parametrize("kind", ["salesforce", "hubspot", "pipedrive"])
def test_a_vendor_is_set_up_step_by_step(
    admin_client: Client, crm: SandboxServer, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    lead = LeadFactory(company="Acme", stage="mql")
    page = admin_client.post(f"/connections/add?vendor={kind}&sandbox=1", {"name": "Ours"}, follow=True)
    connection = Connection.objects.get()
    assert connection.account["name"], page.content.decode()[:2000]
    assert not connection.is_active, page.content.decode()[:2000]
    assert RemoteSchema.objects.filter(connection=connection, kind="person").exists()
    assert ExternalRecord.objects.filter(connection=connection, kind="owner").exists()

    for name in ("fields", "stages", "owners", "dry-run", "access", "test"):
        shown = admin_client.get(at(connection, f"connection-{name}"))
        assert shown.status_code == 200
        assert TOKEN not in shown.content.decode()
    stage = PipelineStage.objects.filter(status="open")[0]
    rows = StageMap.objects.filter(connection=connection, stage__isnull=True)
    form = admin_client.get(at(connection, "connection-stages")).content.decode()
    assert "Proposed: " in form
    assert "None is mapped before you save" in form
    assert rows.exists()
    choices = {f"stage-{row.pk}": row.stage_id or stage.pk for row in StageMap.objects.filter(connection=connection)}
    assert admin_client.post(at(connection, "connection-stages"), choices).status_code == 302
    assert not rows.exists()

    admin_client.post(at(connection, "connection-dry-run"))
    assert run_trials(clock=Clock(), seed=1) == 1, JobRun.objects.get().message
    run = SyncRun.objects.get()
    assert (run.direction, run.created) == ("dry_run", 1)
    shown = admin_client.get(at(connection, "connection-dry-run")).content.decode()
    assert "1 person</a> to the CRM" in shown
    assert "Would create" in shown
    assert str(lead.email) in admin_client.get(at(connection, "sync-run", run.public_id)).content.decode()
    connection.refresh_from_db()
    assert not connection.is_active
    assert not connection.pending_pushes.exists()

    admin_client.post(at(connection, "connection-switch"), {"to": "on"})
    run_back_fills(clock=Clock())
    run_due_syncs(clock=Clock(), seed=1)
    link = ExternalRecord.objects.get(connection=connection, kind="person", lead=lead)
    fragment = admin_client.get(reverse("integrations:lead-crm", args=[lead.public_id])).content.decode()
    assert f"{crm.url}/{kind}/ui/" in fragment
    assert link.remote_id in fragment
    assert TOKEN not in caplog.text


def test_switching_on_asks_for_a_dry_run_or_a_word(admin_client: Client, crm: SandboxServer) -> None:
    LeadFactory(company="Acme", stage="mql")
    admin_client.post("/connections/add?vendor=hubspot&sandbox=1", {"name": "Ours"})
    connection = Connection.objects.get()
    page = admin_client.get(at(connection, "connection-dry-run")).content.decode()
    assert "none mapped, so no deal can be read" in page
    assert "Switch on without a dry run" in page

    def switched(*without: str) -> bool:
        admin_client.post(at(connection, "connection-switch"), {"to": "on", "without": list(without)})
        connection.refresh_from_db()
        return connection.is_active

    assert not switched()
    assert not switched("dry-run")
    stage = PipelineStage.objects.filter(status="open")[0]
    StageMap.objects.filter(connection=connection).update(stage=stage, is_chosen=True)
    assert not switched("gaps")
    admin_client.post(at(connection, "connection-dry-run"))
    assert run_trials(clock=Clock(), seed=1) == 1
    page = admin_client.get(at(connection, "connection-dry-run")).content.decode()
    assert "Switch on without a dry run" not in page
    assert switched()


def test_switched_on_without_a_dry_run_when_somebody_says_so(admin_client: Client, crm: SandboxServer) -> None:
    admin_client.post("/connections/add?vendor=pipedrive&sandbox=1", {"name": "Ours"})
    connection = Connection.objects.get()
    admin_client.post(at(connection, "connection-switch"), {"to": "on", "without": ["dry-run", "gaps"]})
    connection.refresh_from_db()
    assert connection.is_active


def test_each_step_says_what_is_missing_and_gets_a_tick(admin_client: Client, crm: SandboxServer) -> None:
    admin_client.post("/connections/add?vendor=hubspot&sandbox=1", {"name": "Ours"})
    connection = Connection.objects.get()

    def missing() -> dict[str, str]:
        shown = admin_client.get(at(connection, "connection-test")).context["steps"]
        return {each.label: each.missing for each in shown if not each.is_done}

    stages = StageMap.objects.filter(connection=connection).count()
    owners = ExternalRecord.objects.filter(connection=connection, kind="owner").count()
    assert missing() == {
        "Stages": "none mapped, so no deal can be read",
        "Owners": f"{owners} of {owners} not matched",
        "People and activities": "not chosen yet",
        "Dry run": "none yet",
    }
    first = StageMap.objects.filter(connection=connection).order_by("pk")[0]
    StageMap.objects.filter(pk=first.pk).update(stage=PipelineStage.objects.filter(status="open")[0])
    assert missing()["Stages"] == f"{stages - 1} of {stages} not mapped"
    admin_client.post(at(connection, "connection-owners"), {"saved": "1"})
    admin_client.post(at(connection, "connection-content"), {"takes_people": "all"})
    assert set(missing()) == {"Stages", "Dry run"}
    connection.refresh_from_db()
    assert (connection.takes_people, connection.activities) == ("all", {})


def test_activities_are_chosen_with_a_rule_and_a_channel(admin_client: Client, crm: SandboxServer) -> None:
    admin_client.post("/connections/add?vendor=hubspot&sandbox=1", {"name": "Ours"})
    connection = Connection.objects.get()
    url = at(connection, "connection-content")
    refused = admin_client.post(url, {"list-rule": "named"})
    assert refused.status_code == 422
    assert "Name at least one list" in refused.content.decode()
    chosen = {"call-rule": "talked", "call-channel": "events", "list-rule": "named", "list-names": "Trade fair*",
              "list-channel": "email", "form-rule": "all"}  # fmt: skip
    assert admin_client.post(url, chosen).status_code == 302
    connection.refresh_from_db()
    assert connection.activities == {
        "call": {"rule": "talked", "channel": "events"},
        "form": {"rule": "all", "channel": ""},
        "list": {"rule": "named", "channel": "email", "names": "Trade fair*"},
    }


def test_a_connection_is_deleted_after_a_look(admin_client: Client, crm: SandboxServer, clock: Clock) -> None:
    connection = connect(crm.url)
    lead = LeadFactory()
    ExternalRecord.objects.create(connection=connection, kind="person", remote_id="1", lead=lead)
    SyncRun.objects.create(connection=connection, direction="pull", reason="test", started_at=clock())
    url = at(connection, "connection-delete")
    page = admin_client.get(url).content.decode()
    assert "1 links between records" in page
    assert "1 leads that are known there" in page
    Connection.objects.filter(pk=connection.pk).update(lease_until=clock() + timedelta(minutes=3))
    admin_client.post(url)
    assert Connection.objects.filter(pk=connection.pk).exists()
    Connection.objects.filter(pk=connection.pk).update(lease_until=None)
    assert admin_client.post(url).status_code == 302
    assert not Connection.objects.filter(pk=connection.pk).exists()
    assert not ExternalRecord.objects.exists()
    lead.refresh_from_db()


def fields_form(connection: Connection, **changes: str) -> dict[str, str]:
    rows = FieldMap.objects.filter(connection=connection, kind="person").order_by("position")
    data = {"row-TOTAL_FORMS": str(len(rows) + 1), "row-INITIAL_FORMS": str(len(rows))}
    for number, row in enumerate(rows):
        for name in ("local", "remote", "direction", "policy"):
            data[f"row-{number}-{name}"] = getattr(row, name)
    return data | changes


def test_fields_are_mapped_row_by_row(admin_client: Client) -> None:
    admin_client.post("/connections/add?vendor=salesforce&sandbox=1", {"name": "Ours"})
    connection = Connection.objects.get()
    url, number = at(connection, "connection-fields"), connection.field_maps.filter(kind="person").count()
    new = f"row-{number}"

    def saved(**changes: str) -> int:
        return admin_client.post(
            url, fields_form(connection, **{k.replace("__", "-"): v for k, v in changes.items()})
        ).status_code

    first = {"row__0__direction": "both", "row__0__policy": "newest", "row__1__DELETE": "on"}
    added = {f"{new}-local": "score", f"{new}-remote": "NumberOfEmployees"}
    assert saved(**added) == 422  # stands in two rows
    assert saved(**{**added, f"{new}-remote": "Nonsense__c"}) == 422
    assert saved(**{f"{new}-local": "score", f"{new}-remote": "Rating", f"{new}-direction": "both"}) == 422
    assert saved(**{f"{new}-local": "score"}) == 422
    assert saved(**first) == 302
    rows = FieldMap.objects.filter(connection=connection, kind="person").order_by("position")
    assert (rows[0].local, rows[0].direction, rows[0].policy) == ("email", "both", "newest")
    assert rows.count() == number - 1
    assert JobRun.objects.count() == 0  # nothing is owed before it is switched on

    more = admin_client.post(url, fields_form(connection, add="1"))
    assert more.status_code == 200
    assert len(more.context["rows"].forms) == number + 3


def test_a_required_field_that_no_row_fills_gets_a_row_and_a_word(admin_client: Client, crm: SandboxServer) -> None:
    crm.dialect("salesforce").records.set_meta("required", "Lead.Plan__c")
    admin_client.post("/connections/add?vendor=salesforce&sandbox=1", {"name": "Ours"})
    connection = Connection.objects.get()
    admin_client.post(at(connection, "connection-test"))
    url, number = at(connection, "connection-fields"), connection.field_maps.filter(kind="person").count()

    page = admin_client.get(url)
    rows = page.context["rows"].forms
    asked = next(row for row in rows if row["remote"].value() == "Plan__c")
    assert not asked["local"].value()
    assert asked.is_required_there
    assert "insists on <strong>Plan</strong> (<code>Plan__c</code>)" in page.content.decode()

    row = {"local": "external_id", "remote": "Plan__c", "direction": "push", "policy": "ours"}
    filled = fields_form(connection, **{f"row-{number}-{name}": value for name, value in row.items()})
    assert admin_client.post(url, filled).status_code == 302
    assert "insists on" not in admin_client.get(url).content.decode()


def test_a_deal_without_its_stage_is_not_mapped(admin_client: Client) -> None:
    admin_client.post("/connections/add?vendor=hubspot&sandbox=1", {"name": "Ours"})
    url = f"{at(Connection.objects.get(), 'connection-fields')}?kind=deal"
    data = {"row-TOTAL_FORMS": "1", "row-INITIAL_FORMS": "0", "row-0-local": "name", "row-0-remote": "name"}
    assert "no deal can be read" in admin_client.post(url, data).content.decode()


def test_a_pull_is_undone_after_a_look(admin_client: Client, crm: SandboxServer, clock: Clock) -> None:
    connection = connect(crm.url)
    stage = PipelineStage.objects.filter(status="open")[0]
    StageMap.objects.bulk_create(
        StageMap(connection=connection, remote_key=each["key"], stage=stage, remote_status="open")
        for each in crm.store.stages()
        if each["status"] == "open"
    )
    key = next(each["key"] for each in crm.store.stages() if each["status"] == "open")
    crm.store.create_deal({"name": "Big one", "stage": key, "amount": "100.00", "currency": "EUR"}, by="test")
    sync(connection, clock)
    run = SyncRun.objects.get(connection=connection, direction="pull")
    assert run.created == 1, run.note
    url = at(connection, "sync-run-undo", run.public_id)

    page = admin_client.get(url).content.decode()
    assert "Big one" in page
    assert "What goes back" in page
    assert "Big one" in admin_client.get(url, {"what": "back", "kind": "deal"}).content.decode()
    assert "Big one" not in admin_client.get(url, {"what": "stays"}).content.decode()
    run.refresh_from_db()
    assert run.undone_at is None  # looking changes nothing

    assert "Undo is waiting for a worker" in admin_client.post(url, follow=True).content.decode()
    assert admin_client.post(url).status_code == 302
    jobs = JobRun.objects.exclude(kind="crm-changes")  # how far changes were followed
    assert jobs.count() == 1
    assert run_trials(clock=clock, seed=1) == 1
    assert jobs.get().share == 1
    assert "This took back" in admin_client.get(url, follow=True).content.decode()
    run.refresh_from_db()
    assert run.undone_at is not None
    shown = admin_client.get(at(connection, "connection-detail")).content.decode()
    assert "Held records" in shown
    admin_client.post(at(connection, "connection-release"), {"record": "all"})
    assert not ExternalRecord.objects.filter(connection=connection, held_at__isnull=False).exists()


def test_webhook_passwords_are_shown_once(admin_client: Client) -> None:
    admin_client.post("/connections/add?vendor=pipedrive&sandbox=1", {"name": "Ours"})
    connection = Connection.objects.get()
    shown = admin_client.post(at(connection, "connection-webhook")).content.decode()
    connection.refresh_from_db()
    assert connection.webhook_secret in shown
    assert str(connection.webhook_key) in shown
    later = admin_client.get(at(connection, "connection-detail")).content.decode()
    assert str(connection.webhook_key) in later
    assert connection.webhook_secret not in later


def test_a_comparison_is_asked_for(admin_client: Client, crm: SandboxServer) -> None:
    connection = connect(crm.url)
    admin_client.post(at(connection, "connection-compare"))
    job = JobRun.objects.get()
    assert "waiting for a worker" in admin_client.get(at(connection, "connection-job", job.public_id)).content.decode()
    run_trials(clock=Clock(), seed=1)
    assert "Both sides agree" in admin_client.get(at(connection, "connection-detail")).content.decode()
