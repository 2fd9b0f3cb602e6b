"""Every way in leaves a change that says who wrote, through which door, and why they were allowed to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.celery import app
from integrations.actions.undo.undo_run import undo_run
from integrations.models import Connection, SyncRun
from integrations.sandbox_crm.server import SandboxServer
from leads.actions.channels.reclassify_touches import reclassify_touches, request_reclassify
from leads.actions.imports.file import map_columns, receive_file, start_import
from leads.models import (
    Change,
    ChannelRuleVersion,
    Lead,
    Opportunity,
    ScoringRuleSet,
    User,
)
from leads.past.acting import Door, act, act_on, acting
from leads.queries.history import happenings, open_record
from leads.tasks import sweep_imports, sweep_intake
from leads.views.who_writes import door_of
from tests.integrations.actions.pull.test_pull import pull
from tests.integrations.api.capture import body, post
from tests.integrations.world import Clock
from tests.leads.api.keys import make_key
from tests.leads.factories import LeadFactory, OpportunityFactory, TouchpointFactory, channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
FILE = b"email,external_id\nada@engines.example,A1\n"
Said = tuple[str, int | None, str, str]


@pytest.fixture
def said() -> Callable[[], list[Said]]:
    """Who wrote since the last call, in order, repeats left out."""
    last = [0]

    def read() -> list[Said]:
        rows = list(Change.objects.filter(pk__gt=last[0]).order_by("pk"))
        last[0] = rows[-1].pk if rows else last[0]
        return list(dict.fromkeys((row.door, row.actor, row.source, row.because) for row in rows))

    return read


def test_pages(client: Client, sales_leader: User, said: Any) -> None:
    client.force_login(sales_leader)
    lead = LeadFactory(stage="mql")
    assert said()[-1][0] == "direct"
    assert client.post(reverse("leads:lead-accept", args=[lead.public_id])).status_code == 302
    assert said() == [("page", sales_leader.pk, "", "Sales leader")]
    LeadFactory()
    assert said() == [("direct", None, "", "")]


def test_a_page_that_fails_names_nobody_afterwards(sales_leader: User, said: Any) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(sales_leader)
    assert client.post(reverse("leads:lead-accept", args=[uuid4()])).status_code == 404
    assert acting().door == "direct"


def test_the_admin(client: Client, admin_user: User, said: Any) -> None:
    client.force_login(admin_user)
    said()
    answer = client.post(
        reverse("admin:leads_territory_add"),
        {
            "name": "North",
            "off_hours": "assign",
            "reps-TOTAL_FORMS": 0,
            "reps-INITIAL_FORMS": 0,
        },
    )
    assert answer.status_code == 302, answer.content.decode()[:2000]
    assert said() == [("admin", admin_user.pk, "", "Admin")]


def test_the_right_of_a_superuser_is_not_their_role(rep: User) -> None:
    rep.is_superuser = True
    assert rep.right == "Superuser"


def test_keys_of_the_api(client: Client, said: Any) -> None:
    _, headers = make_key("leads:write", "leads:read")
    said()
    answer = post(client, headers, body())
    assert answer.status_code == 201, answer.content
    assert said() == [("api", None, "website", "leads:write")]
    assert acting().door == "direct"


def test_a_key_without_the_scope_writes_nothing(client: Client, said: Any) -> None:
    _, headers = make_key("leads:read")
    said()
    assert client.post("/api/v1/integrations/sales/leads", {}, headers=headers).status_code == 403
    assert said() == []


def test_imports(admin_user: User, said: Any) -> None:
    at = timezone.now()
    run = receive_file(kind="leads", file_name="fair.csv", content=FILE, by=admin_user, at=at)
    map_columns(run=run, columns=run.columns, defaults={"channel": "events"}, save_as="")
    start_import(run=run, is_dry_run=False, by=admin_user, at=at)
    said()
    assert sweep_imports() == 1
    assert Lead.objects.count() == 1
    assert said() == [("import", admin_user.pk, "fair.csv", "Admin")]


def test_imports_by_the_command(tmp_path: Path, said: Any) -> None:
    path = tmp_path / "fair.csv"
    path.write_bytes(FILE)
    said()
    call_command("import_csv", "leads", str(path), "--set", "channel=events")
    assert said() == [("import", None, "fair.csv", "Access to the server")]


def test_tasks(said: Any) -> None:
    LeadFactory(intake_due_at=timezone.now() - timedelta(minutes=1))
    said()
    assert sweep_intake.apply().get() == 1
    assert said() == [("job", None, "Finish intake", "Scheduled work")]
    assert acting().door == "direct"


def test_every_task_names_itself() -> None:
    ours = [task for name, task in app.tasks.items() if not name.startswith("celery.")]
    assert len(ours) > 10
    assert {type(task).__call__ for task in ours} == {app.Task.__call__}


def test_pulls(connected: Connection, crm: SandboxServer, clock: Clock, said: Any) -> None:
    crm.store.create_deal({"name": "Acme deal", "amount": "1234.50", "currency": "EUR", "contacts": []}, by="test")
    said()
    run = pull(connected, clock)
    assert Opportunity.objects.count() == 1, run.note
    name = f"{connected.name}, run {str(run.public_id)[:8]}"
    assert said() == [("crm", None, name, f"Pull: {run.reason}")]


def test_a_pull_names_the_field_rules_that_let_values_in(
    connected: Connection, crm: SandboxServer, clock: Clock, said: Any
) -> None:
    """Each record's change its own, and no other's."""
    deals = [
        crm.store.create_deal({"name": name, "amount": "10", "currency": "EUR", "contacts": []}, by="test")["id"]
        for name in ("A", "B", "C")
    ]
    pull(connected, clock)
    crm.store.change_deal(deals[0], {"amount": "20"}, by="test")
    crm.store.change_deal(deals[1], {"amount": "30", "close_on": "2026-12-31"}, by="test")
    said()
    run = pull(connected, clock)
    amount, close = "amount_cents ← amount (the CRM's wins)", "expected_close_on ← close_on (the CRM's wins)"
    assert [because for *_, because in said()] == [
        f"Pull: {run.reason}; field rule {amount}",
        f"Pull: {run.reason}; field rules {amount}, {close}",
    ]

    def newest(deal: Opportunity) -> str:
        record = open_record(kind="deal", public_id=deal.public_id, user=None)
        assert record is not None
        return happenings(record)[0].writer.because

    told = {row.name: newest(row) for row in Opportunity.objects.all()}
    assert told == {
        "A": f"Pull: {run.reason}; field rule {amount}",
        "B": f"Pull: {run.reason}; field rules {amount}, {close}",
        "C": f"Pull: {run.reason}",
    }


def test_undoing_a_pull(connected: Connection, admin_user: User, clock: Clock, said: Any) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    deal = OpportunityFactory(name="New")
    run = SyncRun.objects.create(connection=connected, direction="pull", state="done", reason="daily", started_at=at)
    run.records.create(
        kind="deal",
        outcome="updated",
        way="in",
        remote_id="1",
        at=at,
        opportunity=deal,
        written={"name": ["Old", "New"]},
    )
    said()
    undo = undo_run(run_id=run.pk, by=admin_user, clock=clock)
    assert Opportunity.objects.get().name == "Old"
    name = f"{connected.name}, run {str(undo.public_id)[:8]}"
    assert said() == [("crm", admin_user.pk, name, f"Undo: {undo.reason}")]


def test_channel_rules_on_past_touches(client: Client, admin_user: User, said: Any) -> None:
    TouchpointFactory(channel=channel("email"), utm_medium="newsletter", utm_source="weekly", campaign=None)
    client.force_login(admin_user)
    rule = {
        "channel": "events",
        "position": "1",
        "conditions-shape": "1",
        "conditions-0-0-property": "medium",
        "conditions-0-0-operator": "is",
        "conditions-0-0-values": "newsletter",
    }
    said()
    client.post("/channels/rules/add", {**rule, "do": "save"})
    assert said() == [("page", admin_user.pk, "", "Admin")]
    request_reclassify(by=admin_user, at=timezone.now())
    assert reclassify_touches(clock=timezone.now) == 1
    number = ChannelRuleVersion.objects.order_by("-number")[0].number
    source, because = f"channel rules, version {number}, time 1", "Applied to past touchpoints on request (Admin)"
    assert said() == [("rule", admin_user.pk, source, because)]


def test_scoring_rules(client: Client, admin_user: User, said: Any) -> None:
    client.force_login(admin_user)
    client.post(reverse("leads:scoring-copy", args=[ScoringRuleSet.objects.get().version]))
    draft = ScoringRuleSet.objects.get(state="draft")
    assert said()[-1] == ("page", admin_user.pk, "", "Admin")
    client.post(reverse("leads:scoring-activate", args=[draft.version]), {"why": "New quarter"})
    draft.refresh_from_db()
    assert draft.state == "active"
    assert said() == [("rule", admin_user.pk, f"scoring rules, version {draft.version}", "New quarter")]


def test_the_door_of_an_address() -> None:
    assert [door_of(path) for path in ("/leads", "/admin/leads/lead/", "/api/v1/leads")] == ["page", "admin", "api"]


def test_nobody_is_named_outside_a_door() -> None:
    act_on(Door.API, source="website")
    assert acting().door == "direct"
    with act(Door.API):
        act_on(Door.API, source="website")
        assert acting().source == "website"
    assert acting().source == ""
