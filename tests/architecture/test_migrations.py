"""One migration makes each app's tables: a database that the old ones made, or began to make, must become the same."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, connections, models
from django.db.migrations import executor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import DjangoDbBlocker

from attribution.models import SourcedDecision
from integrations.models import Connection
from leads.models import CostEntry

Key = tuple[str, str]

REPLACING = {
    ("leads", "0001_squashed_0042_book_kept"): ("leads", "0042_book_kept"),
    ("attribution", "0001_squashed_0010_wording"): ("attribution", "0010_wording"),
    ("integrations", "0001_squashed_0013_former_records"): ("integrations", "0013_former_records"),
    ("alignment", "0001_squashed_0006_recommendations"): ("alignment", "0006_recommendations"),
}
"""What replaces → the last that it replaces."""
FORMER = [
    ("leads", "0001_squashed_0007_opening_cost_entries"),
    ("attribution", "0001_squashed_0008_sourced_versions"),
    ("integrations", "0001_squashed_0006_hinted_merges"),
    ("alignment", "0001_squashed_0003_criterion_events"),
]
"""What replaced the first of them in earlier releases; databases made then have a record of it."""
OURS = [app for app, _ in REPLACING]
STOPS = [
    ("leads", "0005_lead_merges"),
    ("attribution", "0006_simulations"),
    ("integrations", "0002_mapping_tokens_hints"),
    ("alignment", "0006_recommendations"),
]
"""Where the database of somebody who has not upgraded for a while stands: every app elsewhere, one at its end."""
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)


class OldLoader(MigrationLoader):
    """Knows nothing of what replaces."""

    def load_disk(self) -> None:
        super().load_disk()
        for key in REPLACING:
            del self.disk_migrations[key]
        for migration in self.disk_migrations.values():  # later ones name what replaces, or what it replaces
            migration.dependencies = [REPLACING.get(key, key) for key in migration.dependencies]


@contextmanager
def opened(name: str) -> Iterator[None]:
    """The database of this name is the default one meanwhile."""
    ours = connections["default"]
    connections["default"] = type(ours)({**ours.settings_dict, "NAME": name}, "default")
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = ours
        ContentType.objects.clear_cache()


@pytest.fixture(scope="module")
def database(
    django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., str]]:
    """Makes a database, empty or a copy of another, of the kind that the tests run on; says its name."""
    folder, numbers, made = tmp_path_factory.mktemp("databases"), itertools.count(), []
    is_postgres = connection.vendor == "postgresql"

    def make(original: str | None = None) -> str:
        if is_postgres:
            name = f"migrations_{os.getpid()}_{next(numbers)}"
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {original}" if original else ""))
            made.append(name)
            return name
        name = str(folder / f"{next(numbers)}.sqlite3")
        if original:
            shutil.copyfile(original, name)
        return name

    with django_db_blocker.unblock():
        yield make
        for name in made:
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"DROP DATABASE {name}")


def migrate(*words: str, old: bool = False) -> None:
    """`manage.py migrate` on the open database."""
    with pytest.MonkeyPatch.context() as patch:
        if old:
            patch.setattr(executor, "MigrationLoader", OldLoader)
        call_command("migrate", *words, verbosity=0, skip_checks=True)


def recorded() -> set[Key]:
    """Our migrations that the open database takes for applied."""
    return {key for key in MigrationRecorder(connection).applied_migrations() if key[0] in OURS}


@pytest.fixture(scope="module")
def stopped(database: Callable[..., str]) -> str:
    """A database that the old migrations began."""
    name = database()
    with opened(name):
        made = executor.MigrationExecutor(connection)
        made.loader = OldLoader(connection)
        made.migrate(STOPS)
        assert recorded() >= set(STOPS)
        assert not recorded() & REPLACING.keys()
    return name


@pytest.fixture(scope="module")
def old(database: Callable[..., str], stopped: str) -> str:
    """A database that the old migrations made, from nothing to their end."""
    name = database(stopped)
    with opened(name):
        migrate(old=True)
    return name


@pytest.fixture(scope="module")
def new(database: Callable[..., str]) -> str:
    """A database that is made today."""
    name = database()
    with opened(name):
        migrate()
        assert recorded() >= REPLACING.keys()
    return name


def schema() -> list[tuple[Any, ...]]:
    """Tables with their columns, keys, checks and indexes, as the open database tells them."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL")
            return sorted((kind, name, table, *parts(sql)) for kind, name, table, sql in cursor.fetchall())
        found = []
        for query in POSTGRES:
            cursor.execute(query)
            found += cursor.fetchall()
        return sorted(found)


POSTGRES = (
    """SELECT table_name, 'column ' || column_name,
       concat_ws(' ', row_number() OVER (PARTITION BY table_name ORDER BY ordinal_position), data_type,
       character_maximum_length, numeric_precision, numeric_scale, collation_name, is_nullable, column_default,
       is_identity, identity_generation)
       FROM information_schema.columns WHERE table_schema = 'public'""",
    """SELECT conrelid::regclass::text, 'constraint ' || conname, pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "SELECT tablename, 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT sequencename, 'sequence', data_type::text FROM pg_sequences WHERE schemaname = 'public'",
)


def parts(sql: str) -> list[str]:
    """The parts of a statement; those of a table in the order of the alphabet: a column that was changed comes last in
    SQLite, which makes the table anew."""
    sql = re.sub(r"\s+", " ", sql)
    if not sql.startswith("CREATE TABLE"):
        return [sql]
    head, _, body = sql.removesuffix(")").partition("(")
    found, depth = [""], 0
    for character in body:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            found.append("")
        else:
            found[-1] += character
    return [head, *sorted(part.strip() for part in found)]


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """What migrations wrote into our tables, without moments and what is drawn by chance; and the permissions."""
    found = {"permissions": sorted(permission.natural_key() for permission in Permission.objects.all())}
    for model in apps.get_models():
        if model._meta.app_label in OURS:
            names = [
                field.attname
                for field in model._meta.concrete_fields
                if not field.primary_key and not isinstance(field, models.DateTimeField | models.UUIDField)
            ]
            if values := list(model._base_manager.order_by("pk").values_list(*names)):
                found[model._meta.label] = values
    return found


@pytest.mark.slow
def test_old_and_new_make_the_same_tables(old: str, new: str) -> None:
    with opened(old):
        before = schema()
    with opened(new):
        assert schema() == before
    assert len(before) > 300


@pytest.mark.slow
def test_old_and_new_write_the_same_rows(old: str, new: str) -> None:
    with opened(old):
        before = rows()
    with opened(new):
        assert rows() == before
    assert before.keys() >= {
        "leads.Company",
        "leads.Channel",
        "leads.ChannelRule",
        "leads.PipelineStage",
        "leads.ScoringRule",
        "leads.Territory",
        "attribution.AttributionRules",
        "alignment.AcceptanceCriterion",
    }


@pytest.mark.slow
def test_a_database_at_the_end_has_nothing_to_do(database: Callable[..., str], old: str) -> None:
    with opened(database(old)):
        for key in FORMER:
            MigrationRecorder(connection).record_applied(*key)
        before, state = recorded(), (schema(), rows())
        assert not before & REPLACING.keys()
        migrate("--check")  # exits when something would run
        migrate()
        assert recorded() == before | REPLACING.keys()
        migrate("--check")
        assert (schema(), rows()) == state


@pytest.mark.slow
def test_a_database_on_its_way_goes_on_by_the_old_ones(database: Callable[..., str], stopped: str, new: str) -> None:
    with opened(new):
        made = schema()
    with opened(database(stopped)):
        then = OldLoader(connection).project_state(STOPS).apps.get_model
        campaign = then("leads.Campaign").objects.create(code="ads", channel=then("leads.Channel").objects.first())
        then("leads.CampaignCost").objects.create(
            campaign=campaign, spent_on=date(2026, 11, 1), amount_cents=1, currency="EUR", recorded_at=AT
        )
        then("attribution.SourcedDecision").objects.create(kind="locked", test="lead_creation", reason="why", at=AT)
        then("attribution.AttributionRules").objects.update(sourced_test="lead_creation")
        then("integrations.Connection").objects.create(slug="crm", base_url="https://crm.example.com", created_at=AT)
        migrate()
        migrate("--check")
        assert recorded() >= REPLACING.keys() | set(REPLACING.values())
        assert schema() == made
        # What is written about rows of before is written on this way.
        assert CostEntry.objects.get().said_at == Connection.objects.get().switched_on_at == AT
        assert SourcedDecision.objects.get().test_before == "first_touch"


OLD, TODAY = OldLoader(None), MigrationLoader(None)
NEEDED = {key: set(OLD.graph.forwards_plan(key)) for key in OLD.disk_migrations}
"""Each migration but those that replace → what must have run with it, itself among it."""


@pytest.mark.parametrize("stop", sorted(key for key in NEEDED if key[0] in OURS), ids=" ".join)
@pytest.mark.parametrize("is_far", [False, True], ids=["only that", "all without it"])
def test_wherever_a_database_stopped_the_rest_is_run_once(
    stop: Key, is_far: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no more than one migration and what it needs, and with everything that does not need it; where that is all
    that another replaces, this is recorded by the first command that ends."""
    done = {key for key in NEEDED if stop not in NEEDED[key]} if is_far else NEEDED[stop]
    ended = {key for key in REPLACING if done.issuperset(TODAY.disk_migrations[key].replaces)}
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda recorder: dict.fromkeys(done | ended))
    made = executor.MigrationExecutor(connection)
    made.loader.check_consistent_history(connection)
    plan = made.migration_plan(made.loader.graph.leaf_nodes())
    steps = [(migration.app_label, migration.name) for migration, _ in plan]
    left = [key for step in steps for key in (TODAY.disk_migrations[step].replaces if step in REPLACING else [step])]
    assert sorted(left) == sorted(NEEDED.keys() - done)
