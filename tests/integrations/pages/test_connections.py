"""The connection pages: who may see and do what, and what they tell and never tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from integrations.actions.jobs.plan_syncs import run_due_syncs
from integrations.actions.push.back_fill import run_back_fills
from integrations.models import Connection, ExternalRecord, PendingPush, StageMap, SyncRecord, Watermark
from integrations.sandbox_crm.server import SandboxServer
from leads.models import JobRun, PipelineStage, User
from tests.integrations.pages.connections import detail, signed_in, some_run
from tests.integrations.sandbox_crm.running import TOKEN
from tests.integrations.world import Clock, connect, owe, owed_leads, people
from tests.leads.factories import LeadFactory, OpportunityFactory, UserFactory

pytestmark = pytest.mark.django_db
STEPS = ("access", "test", "fields", "stages", "owners", "dry-run")
DOORS = ("sync", "check", "requeue", "choose", "release", "switch", "compare", "webhook")


@pytest.fixture
def admin_client(admin_user: User) -> Client:
    return signed_in(admin_user)


def test_pages_are_for_admins_and_sales_leaders(
    connected: Connection, admin_user: User, sales_leader: User, director: User, rep: User
) -> None:
    run = some_run(connected)
    pages = [reverse("integrations:connections"), detail(connected), detail(connected, "sync-run", run.public_id)]
    for page in pages:
        assert [signed_in(user).get(page).status_code for user in (admin_user, sales_leader, director, rep)] == [
            200, 200, 404, 404,
        ]  # fmt: skip
        assert Client().get(page).status_code == 302


def test_only_admins_change_anything(connected: Connection, sales_leader: User, director: User, rep: User) -> None:
    urls = [detail(connected, f"connection-{name}") for name in (*STEPS, *DOORS)]
    urls += [reverse("integrations:connection-add"), detail(connected, "sync-run-undo", some_run(connected).public_id)]
    for user in (sales_leader, director, rep):
        assert {signed_in(user).post(url, {"secret": "x"}).status_code for url in urls} == {404}
    for name in STEPS:
        assert signed_in(sales_leader).get(detail(connected, f"connection-{name}")).status_code == 404
    assert signed_in(sales_leader).get(reverse("integrations:connection-add")).status_code == 404
    page = signed_in(sales_leader).get(detail(connected)).content.decode()
    assert "Sync now" not in page
    assert "<form" not in page.split('id="main"')[1].split("</main>")[0]
    assert JobRun.objects.count() == 0


def test_changes_need_a_post(connected: Connection, admin_client: Client) -> None:
    for name in DOORS:
        assert admin_client.get(detail(connected, f"connection-{name}")).status_code == 405


def test_the_secret_is_nowhere_to_be_read(connected: Connection, admin_client: Client) -> None:
    run = some_run(connected)
    pages = [
        reverse("integrations:connections"), detail(connected), detail(connected, "sync-run", run.public_id),
        *(detail(connected, f"connection-{name}") for name in STEPS),
        reverse("admin:integrations_connection_changelist"),
        reverse("admin:integrations_connection_change", args=[connected.pk]),
    ]  # fmt: skip
    for page in pages:
        response = admin_client.get(page)
        assert response.status_code == 200
        assert TOKEN not in response.content.decode()
    assert admin_client.get(f"{pages[2]}?outcome=%00&kind=%00-in").status_code == 200
    assert admin_client.get(f"{pages[2]}?q=%00").status_code == 400
    assert "Set today" in admin_client.get(detail(connected)).content.decode()
    # Nor is it switched on past what the page checks.
    admin_page = reverse("admin:integrations_connection_change", args=[connected.pk])
    Connection.objects.filter(pk=connected.pk).update(is_active=False)
    assert admin_client.post(admin_page, {"name": "Renamed", "is_active": "on"}).status_code == 302
    connected.refresh_from_db()
    assert (connected.name, connected.is_active) == ("Renamed", False)


def test_failures_are_found_by_the_crms_own_code(connected: Connection, admin_client: Client) -> None:
    for code, number in (("DUPLICATES_DETECTED", 2), ("STRING_TOO_LONG", 1)):
        for lead in LeadFactory.create_batch(number, last_name=code.title()):
            owe(connected, lead, state="rejected", error_code=code, last_error="No.", settled_at=datetime.now(UTC))
    everything = admin_client.get(detail(connected)).content.decode()
    assert "DUPLICATES_DETECTED 2</a>" in everything
    assert "Queue all 3 again" in everything
    some = admin_client.get(f"{detail(connected)}?code=STRING_TOO_LONG").content.decode()
    assert "<code>STRING_TOO_LONG</code>" in some
    assert "<code>DUPLICATES_DETECTED</code>" not in some


def test_an_admin_chooses_which_of_several_a_lead_is(connected: Connection, admin_client: Client) -> None:
    found = [{"id": "P-000007", "name": "Lead: Ada, Acme"}, {"id": "P-000008", "name": "Contact: Ada"}]
    push = owe(connected, LeadFactory(), state="rejected", error_code="SEVERAL_FOUND", candidates=found,
               last_error="Two.", settled_at=datetime.now(UTC))  # fmt: skip
    page = admin_client.get(detail(connected)).content.decode()
    assert "Contact: Ada (P-000008)" in page
    url = detail(connected, "connection-choose")
    for wrong in ({"push": push.pk, "record": "P-999999"}, {"push": "x", "record": "P-000007"}):
        admin_client.post(url, wrong)
        assert PendingPush.objects.get(pk=push.pk).state == "rejected"
    admin_client.post(url, {"push": push.pk, "record": "P-000008"})
    push.refresh_from_db()
    link = ExternalRecord.objects.get(lead=push.lead)
    assert (push.state, push.candidates, push.makes_new) == ("pending", [], False)
    assert (link.remote_id, link.lacks_key) == ("P-000008", True)
    PendingPush.objects.filter(pk=push.pk).update(state="rejected", candidates=found)
    admin_client.post(url, {"push": push.pk, "record": "new"})
    assert PendingPush.objects.get(pk=push.pk).makes_new


def test_owners_deactivated_on_either_side_are_marked(connected: Connection, admin_client: Client) -> None:
    for remote_id, fields in (("1", {"is_active_there": False}), ("2", {"owner": UserFactory(is_active=False)})):
        ExternalRecord.objects.create(connection=connected, kind="owner", remote_id=remote_id, **fields)
    page = admin_client.get(detail(connected, "connection-owners")).content.decode()
    assert "1 deactivated in the CRM" in page
    assert "not named there as an owner any more" in page
    assert "Deactivated here: their open leads go to others." in page


def test_a_secret_is_replaced_and_tried(connected: Connection, crm: SandboxServer, admin_client: Client) -> None:
    crm.token = "rotated-token"
    Connection.objects.update(failures=3, health="failing", paused_until=datetime.now(UTC) + timedelta(hours=5))

    form = {"name": "Sandbox", "base_url": crm.url, "secret-token": "rotated-token"}
    response = admin_client.post(detail(connected, "connection-access"), form, follow=True)
    assert not Connection.objects.get(pk=connected.pk).merges_people  # its box was left empty

    connected.refresh_from_db()
    assert (connected.all_secrets["token"], connected.health, connected.failures, connected.paused_until) == (
        "rotated-token", "ok", 0, None,
    )  # fmt: skip
    assert "Connected to Sandbox CRM" in response.content.decode()
    assert "rotated-token" not in response.content.decode()


def test_sync_now_works_without_a_broker(
    connected: Connection, crm: SandboxServer, admin_client: Client, settings: settings
) -> None:
    leads = owed_leads(connected, 2)
    PendingPush.objects.update(not_before=datetime.now(UTC) + timedelta(hours=20))

    assert admin_client.post(detail(connected, "connection-sync")).status_code == 302
    admin_client.post(detail(connected, "connection-sync"))  # a second click waits for the same sync

    job = JobRun.objects.get()
    assert job.state == "waiting"
    progress = admin_client.get(detail(connected, "connection-job", job.public_id)).content.decode()
    assert "waiting for a worker" in progress
    run_due_syncs(clock=Clock(), seed=1)
    job.refresh_from_db()
    assert job.state == "done"
    assert "2 new" in job.message
    assert len(people(crm)) == len(leads)
    state = admin_client.get(detail(connected, "connection-job", job.public_id)).content.decode()
    assert "2 new" in state
    assert "hx-get" not in state  # polling ends


def test_failed_records_are_shown_and_queued_again(connected: Connection, admin_client: Client) -> None:
    bad, worse = LeadFactory(last_name="<b>Bad</b>"), LeadFactory()
    owe(connected, bad, state="rejected", error_field="email", last_error="No address.", settled_at=datetime.now(UTC))
    owe(connected, worse, state="dead", last_error="Gave up", settled_at=datetime.now(UTC), attempts=12)
    page = admin_client.get(detail(connected)).content.decode()
    assert "No address." in page
    assert "<b>Bad" not in page

    one = PendingPush.objects.get(lead=bad)
    admin_client.post(detail(connected, "connection-requeue"), {"push": one.pk})
    assert set(PendingPush.objects.values_list("lead", "state")) == {(bad.pk, "pending"), (worse.pk, "dead")}
    for nonsense in ("", "x", "-1", "9" * 30, "²"):
        admin_client.post(detail(connected, "connection-requeue"), {"push": nonsense})
    assert PendingPush.objects.get(lead=worse).state == "dead"
    admin_client.post(detail(connected, "connection-requeue"), {"push": "all"})
    assert PendingPush.objects.get(lead=worse).attempts == 0


def test_stages_are_mapped_and_deals_read_again(connected: Connection, admin_client: Client) -> None:
    row = StageMap.objects.create(connection=connected, remote_key="legal", remote_name="Legal review")
    mark = Watermark.objects.create(connection=connected, kind="deal", read_to=datetime.now(UTC))
    for page in (detail(connected), detail(connected, "connection-stages")):
        assert "Legal review" in admin_client.get(page).content.decode()
    stage = PipelineStage.objects.get(key="negotiation")

    admin_client.post(detail(connected, "connection-stages"), {f"stage-{row.pk}": stage.pk})

    row.refresh_from_db()
    mark.refresh_from_db()
    assert (row.stage, mark.read_to) == (stage, None)
    refused = admin_client.post(detail(connected, "connection-stages"), {f"stage-{row.pk}": "999"})
    assert refused.status_code == 422


def form(url: str, **values: str) -> dict[str, str]:
    return {"name": "New CRM", "base_url": url, "secret-token": TOKEN, **values}


ADD = "/connections/add?vendor=sandbox"


def test_a_connection_is_tested_and_switched_on(crm: SandboxServer, admin_client: Client) -> None:
    assert "HubSpot" in admin_client.get(reverse("integrations:connection-add")).content.decode()
    assert admin_client.get("/connections/add?vendor=nonsense").status_code == 404
    assert admin_client.get(ADD).status_code == 200
    LeadFactory()

    wrong = admin_client.post(ADD, form(crm.url, **{"secret-token": "wrong-token"}), follow=True).content.decode()
    assert "refused the secret" in wrong
    assert "wrong-token" not in wrong
    connection = Connection.objects.get()
    assert (connection.is_active, connection.account) == (False, {})
    admin_client.post(detail(connection, "connection-switch"), {"to": "on"})
    connection.refresh_from_db()
    assert not connection.is_active  # nobody knows yet whether it works

    right = admin_client.post(detail(connection, "connection-access"), form(crm.url), follow=True).content.decode()
    assert "Connected to Sandbox CRM" in right
    assert TOKEN not in right
    assert PendingPush.objects.count() == JobRun.objects.count() == 0
    admin_client.post(detail(connection, "connection-switch"), {"to": "on", "without": "dry-run"})
    assert run_back_fills(clock=Clock()) == 1
    assert PendingPush.objects.filter(connection=connection).count() == 1
    admin_client.post(detail(connection, "connection-switch"), {"to": "off"})
    connection.refresh_from_db()
    assert (connection.is_active, connection.is_being_set_up) == (False, False)
    admin_client.post(ADD, form(crm.url))
    assert sorted(Connection.objects.values_list("slug", flat=True)) == ["new-crm", "new-crm-2"]


BAD_URLS = [
    "http://169.254.169.254/latest/meta-data",
    "http://10.0.0.1",
    "http://192.168.1.1:8080",
    "https://example.com",
    "https://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://user:pass@127.0.0.1:8081",
    "http://127.0.0.1:8081@example.com",
    "http://127.0.0.1:8081\\@example.com",
    "http://[::ffff:169.254.169.254]",
    "http://0.0.0.0:8081",
    "http://2130706433",
    "http://0x7f000001",
    "http://127.1",
    "http://127.0.0.1:8081?x=1",
    "ftp://127.0.0.1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_addresses_that_are_no_crm_are_refused(url: str, admin_client: Client) -> None:
    response = admin_client.post(ADD, form(url))
    assert response.status_code == 422
    assert response.context["form"].errors.get("base_url")
    assert Connection.objects.count() == 0


def test_loopback_is_refused_where_the_sandbox_is_not_allowed(
    crm: SandboxServer, admin_client: Client, settings: settings
) -> None:
    settings.SANDBOX_CRM_ALLOWED = False
    response = admin_client.post(ADD, form(crm.url))
    assert response.status_code == 422
    assert "no host of this CRM" in str(response.context["form"].errors["base_url"])


def test_a_runs_records_are_paged_and_filtered(connected: Connection, admin_client: Client) -> None:
    run = some_run(connected, records=120)
    SyncRecord.objects.create(
        run=run,
        opportunity=OpportunityFactory(name="Big deal"),
        outcome="updated",
        changes={"amount": ["1.00 EUR", "2.00 EUR"]},
        at=run.started_at,
    )
    page = detail(connected, "sync-run", run.public_id)
    SyncRecord.objects.create(run=run, title="Bigger deal", outcome="rejected", is_conflict=True, at=run.started_at)
    first = admin_client.get(page).content.decode()
    assert "1–25 of 122 records" in first
    assert 'Conflicts <span class="tab-count">1' in first
    shown = admin_client.get(page, {"outcome": "conflict"}).content.decode()
    assert "Bigger deal" in shown
    assert "1–1 of 1 records" in shown
    found = admin_client.get(page, {"q": "big DEAL"}).content.decode()
    assert "1–2 of 2 records" in found
    shown = admin_client.get(page, {"outcome": "updated", "q": "big"}).content.decode()
    assert "1–1 of 1 records" in shown
    assert '<span class="diff-before">1.00 EUR</span>' in shown
    assert '<span class="diff-after">2.00 EUR</span>' in shown
    other = connect("http://127.0.0.1:9", slug="other")
    assert admin_client.get(detail(other, "sync-run", run.public_id)).status_code == 404


def test_queries_do_not_grow_with_connections_and_rows(
    connected: Connection, admin_client: Client, django_assert_max_num_queries: object
) -> None:
    for number in range(12):
        each = connect("http://127.0.0.1:9", slug=f"more-{number}")
        some_run(each)
        owe(each, LeadFactory(), state="rejected")
    for _ in range(15):
        owe(connected, LeadFactory(), state="rejected", settled_at=datetime.now(UTC))
    run = some_run(connected, records=50)
    with django_assert_max_num_queries(12):
        admin_client.get(reverse("integrations:connections"))
    with django_assert_max_num_queries(28):
        admin_client.get(detail(connected))
    with django_assert_max_num_queries(10):
        admin_client.get(detail(connected, "sync-run", run.public_id))


def test_pages_say_what_is_the_matter(connected: Connection, sales_leader: User) -> None:
    Connection.objects.update(
        health="failing",
        health_note="The CRM refused the secret.",
        paused_until=datetime.now(UTC) + timedelta(hours=1),
        failures=1,
    )
    for page in (reverse("integrations:connections"), detail(connected)):
        assert "The CRM refused the secret." in signed_in(sales_leader).get(page).content.decode()
    Connection.objects.all().delete()
    assert "No CRM is connected" in signed_in(sales_leader).get(reverse("integrations:connections")).content.decode()


def test_admin_pages_open_and_change_no_history(connected: Connection, admin_client: Client) -> None:
    some_run(connected, records=2)
    owe(connected, LeadFactory())
    for name in ("stagemap", "watermark", "externalrecord", "pendingpush", "syncrun", "syncrecord", "remoteschema"):
        assert admin_client.get(reverse(f"admin:integrations_{name}_changelist")).status_code == 200
        assert admin_client.get(reverse(f"admin:integrations_{name}_add")).status_code == 403


def test_an_error_code_that_no_database_keeps_is_no_failure(admin_client: Client) -> None:
    connection = connect("http://127.0.0.1:9")
    assert admin_client.get(detail(connection), {"code": "a\0b"}).status_code == 200
