"""What keeps the past is looked for at the start, and mended by migrations."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, connections, migrations, models
from django.db.migrations.state import ProjectState

from config.start import refuse_without_history
from leads.models import Lead
from leads.past import postgres, sqlite
from leads.past.acting import backdated
from leads.past.install import after_migrations, before_migrations, install, missing
from leads.past.registry import facts
from leads.past.settled import settled_now
from leads.past.span import known_at
from tests.forking import ROOT
from tests.integrations.api.test_capture_races import shared_database
from tests.leads.factories import LeadFactory
from tests.leads.past.tables import here, unkept

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BODY = "CREATE OR REPLACE FUNCTION portal_keep_leads_lead() RETURNS trigger LANGUAGE plpgsql AS"
LOSSES = (
    [
        ("DROP TRIGGER leads_lead_past_insert ON leads_lead", "trigger leads_lead_past_insert"),
        ("DROP TRIGGER leads_change_stamp ON leads_change", "trigger leads_change_stamp"),
        ("ALTER TABLE leads_lead DISABLE TRIGGER leads_lead_past_update", "trigger leads_lead_past_update"),
        ("ALTER TABLE leads_lead ENABLE REPLICA TRIGGER leads_lead_past_delete", "trigger leads_lead_past_delete"),
        ("SET LOCAL session_replication_role = replica", "session_replication_role = origin"),
        ("DROP VIEW past.leads_lead", "view past.leads_lead"),
        ("DROP VIEW past.leads_importrun", "view past.leads_importrun"),
        ("DROP FUNCTION portal_now", "function portal_now"),
        (f"{BODY} 'BEGIN RETURN NULL; END'", "this version of function portal_keep_leads_lead"),
        ("DROP TABLE leads_lead_past CASCADE", "view past.leads_lead"),
        ("ALTER TABLE leads_lead_past DROP COLUMN company CASCADE", "column leads_lead_past.company"),
    ]
    if connection.vendor == "postgresql"
    else [
        ("DROP TRIGGER leads_lead_past_insert", "trigger leads_lead_past_insert"),
        ("DROP TABLE leads_lead_past", "table leads_lead_past"),
        ("ALTER TABLE leads_lead_past RENAME COLUMN company TO firm", "column leads_lead_past.company"),
    ]
)


@pytest.mark.django_db
def test_no_index_of_versions_begins_with_another() -> None:
    """Each takes time and room of every version; what the shorter one finds, the longer one finds."""
    dialect = postgres if connection.vendor == "postgresql" else sqlite
    with connection.cursor() as cursor:
        for fact in facts():
            found = {names for names in dialect.indexes(cursor, fact.versions) if names[0] != "known_by"}
            assert ("id",) in found
            for names in found:
                assert not [each for each in found - {names} if names[: len(each)] == each], fact.table
            # What the table's own indexes find, these find, too.
            for names in dialect.indexes(cursor, fact.table):
                assert not set(names) <= set(fact.kept) or any(each[: len(names)] == names for each in found)


@pytest.mark.django_db
@pytest.mark.parametrize(("loss", "named"), LOSSES)
def test_what_is_missing_is_named_and_comes_back(loss: str, named: str) -> None:
    with backdated(FIRST):
        LeadFactory(company="A")
    assert missing(connection) == []
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE" if connection.vendor == "postgresql" else "SELECT 1")
        cursor.execute(loss)
    assert named in missing(connection)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = origin" if "replica" in loss else "SELECT 1")
    install(connection)
    assert missing(connection) == []
    assert unkept() == []


@pytest.mark.django_db
def test_a_column_that_came_later_is_unknown_before() -> None:
    with backdated(FIRST):
        LeadFactory(company="A")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE" if connection.vendor == "postgresql" else "SELECT 1")
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE leads_lead_past DROP COLUMN company CASCADE")
        else:
            cursor.execute("ALTER TABLE leads_lead_past RENAME COLUMN company TO firm")
    install(connection)
    assert Lead.objects.get().company == "A"
    with known_at(FIRST + DAY):
        assert Lead.objects.get().company is None
    assert unkept() == []


def migrated(*operations: migrations.operations.base.Operation) -> None:
    """A migration as `migrate` takes it, with the signals before and after."""
    step = migrations.Migration("step", "leads")
    step.operations = list(operations)
    before_migrations(using="default", plan=[(step, False)])
    state = ProjectState.from_apps(apps)
    with connection.schema_editor() as editor:
        step.apply(state, editor)
    after_migrations(using="default")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_migration_that_remakes_a_table_leaves_its_past(tmp_path: Path) -> None:
    def write(then: object, editor: object) -> None:
        then.get_model("leads", "Lead").objects.update(company="C")

    with shared_database(tmp_path) as address, here(address):
        LeadFactory(company="A")
        at = [settled_now()]
        Lead.objects.update(company="B")
        at.append(settled_now())
        wide, field = models.CharField(max_length=300, blank=True), Lead._meta.get_field("company")
        migrated(migrations.AlterField("lead", "company", wide))
        at.append(settled_now())
        migrated(migrations.RunPython(write))
        at.append(settled_now())
        migrated(migrations.AlterField("change", "source", models.CharField(max_length=300)))
        migrated(migrations.AlterField("change", "source", models.CharField(max_length=120)))
        migrated(migrations.AlterField("lead", "company", field.clone()))
        Lead.objects.update(company="D")
        at.append(settled_now())
        found = []
        for each in at:
            with known_at(each):
                found.append(Lead.objects.get().company)
        assert found == ["A", "B", "B", "C", "D"]
        assert missing(connection) == []
        assert unkept() == []


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_rows_are_written_after_a_column_that_their_triggers_name_is_gone(tmp_path: Path) -> None:
    """In the same `migrate`, and the column comes back, because the portal's models have it."""
    write = migrations.RunSQL("UPDATE leads_lead SET company = 'B'")
    with shared_database(tmp_path) as address, here(address):
        LeadFactory(company="A", industry="Looms")
        field = Lead._meta.get_field("industry")
        before = settled_now()
        migrated(
            migrations.RenameField("lead", "industry", "trade"),
            write,
            migrations.RenameField("lead", "trade", "industry"),
            migrations.RemoveField("lead", "industry"),
            write,
            migrations.AddField("lead", "industry", field.clone()),
        )
        lead = Lead.objects.get()
        assert (lead.company, lead.industry) == ("B", "")
        with known_at(before):
            lead = Lead.objects.get()
            assert (lead.company, lead.industry) == ("A", "Looms")
        assert missing(connection) == []
        assert unkept() == []


def command(address: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_nothing_starts_without_history_but_migrate_which_mends_it(tmp_path: Path) -> None:
    with shared_database(tmp_path) as address, here(address):
        on = " ON leads_lead" if connection.vendor == "postgresql" else ""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER leads_lead_past_update{on}")
        said = "History is not kept: trigger leads_lead_past_update missing. Run: python manage.py migrate"
        web = command(address, "-c", "import config.wsgi")
        assert web.returncode == 1
        assert web.stderr.strip().splitlines()[-1].endswith(said)
        worker = command(address, "-m", "celery", "-A", "config.celery", "worker", "--pool", "solo")
        assert worker.returncode == 1
        assert worker.stderr.strip().splitlines()[-1].endswith(said)
        mended = command(address, "manage.py", "migrate", "-v0")
        assert mended.returncode == 0, mended.stderr
        assert missing(connection) == []
        assert command(address, "-c", "import config.wsgi").returncode == 0


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_look_at_the_start_leaves_no_connection_to_be_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery's beat is forked from the process that looked."""
    closed: list[bool] = []
    monkeypatch.setattr(connections["default"], "close", lambda: closed.append(True))
    refuse_without_history()
    assert closed == [True]
