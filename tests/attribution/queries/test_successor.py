"""Credits written anew into tables of their own, which take the place of the old ones at once."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from attribution.actions.runs import store_credits
from attribution.models import Credit, JourneyState
from attribution.queries import aside, columns, successor
from leads.models import Opportunity
from tests.attribution.factories import company_with_deals, run, stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
IS_POSTGRES = connection.vendor == "postgresql"


@pytest.fixture(autouse=True)
def always_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_credits, "ANEW_FROM", 1)
    monkeypatch.setattr(aside, "ASIDE_FROM", 1)
    monkeypatch.setattr(columns, "TURN", 7)
    monkeypatch.setattr(aside, "TURN", 7)
    monkeypatch.setattr(successor, "_WAIT", "20ms")


def schema() -> dict[str, set[str]]:
    """Everything about the two tables that has a name."""
    with connection.cursor() as cursor:
        if IS_POSTGRES:
            cursor.execute(
                "SELECT tablename, indexdef FROM pg_indexes WHERE tablename LIKE 'attribution_%'"
                " UNION ALL SELECT conrelid::regclass::text, conname || pg_get_constraintdef(oid) FROM pg_constraint"
                " UNION ALL SELECT 'sequence', relname FROM pg_class WHERE relkind = 'S'"
                " UNION ALL SELECT 'table', relname FROM pg_class WHERE relkind = 'r'"
            )
        else:
            cursor.execute("SELECT tbl_name, sql FROM sqlite_master")
        found: dict[str, set[str]] = {}
        for table, what in cursor.fetchall():
            found.setdefault(table, set()).add(what)
    return found


def place(model: type) -> int:
    """Which table of the database it is; a new one has another number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::regclass::oid", [model._meta.db_table])
        return int(cursor.fetchone()[0])


def test_a_table_written_anew_is_as_the_old_one_was() -> None:
    company_with_deals()
    before = schema()
    at = [place(model) for model in (Credit, JourneyState)] if IS_POSTGRES else []
    run(kind="full")
    known = stored()
    assert known
    assert schema() == before
    if IS_POSTGRES:
        now = [place(model) for model in (Credit, JourneyState)]
        assert now[0] != at[0]
        assert now[1] != at[1]
    # A run of some deals goes on writing into it.
    Opportunity.objects.filter(pk=Opportunity.objects.order_by("pk")[0].pk).update(reporting_cents=5)
    assert run().opportunities_recomputed == 1
    assert run(kind="full").difference["opportunities_changed"] == 0
    with pytest.raises(RuntimeError), transaction.atomic(), successor.successors(Credit) as tables:
        assert bool(tables) == IS_POSTGRES
        raise RuntimeError
    assert schema() == before


def test_somebody_reading_for_long_is_not_waited_for() -> None:
    reader = connection.copy()
    try:
        if IS_POSTGRES:
            reader.set_autocommit(False)
            reader.cursor().execute("SELECT 1 FROM attribution_credit")
        company_with_deals()
        before = schema()
        run(kind="full")
        known = stored()
        run(kind="full")
        assert known
        assert stored() == known
        assert schema() == before
    finally:
        reader.close()


def test_a_table_that_somebody_built_upon_stays() -> None:
    company_with_deals()
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW of_theirs AS SELECT * FROM attribution_credit")
        run(kind="full")
        cursor.execute("SELECT count(*) FROM of_theirs")
        assert cursor.fetchone()[0] == Credit.objects.count() > 0
        cursor.execute("DROP VIEW of_theirs")
        if IS_POSTGRES:
            body = "LANGUAGE sql AS 'SELECT * FROM attribution_credit'"
            cursor.execute(f"CREATE FUNCTION of_theirs() RETURNS SETOF attribution_credit {body}")
            cursor.execute('CREATE INDEX "Index of theirs" ON attribution_journeystate (rejected_touches)')
            run(kind="full")
            cursor.execute("SELECT count(*) FROM of_theirs()")
            assert cursor.fetchone()[0] == Credit.objects.count()
            cursor.execute("DROP FUNCTION of_theirs()")
            known = schema()
            run(kind="full")  # now it is exchanged, with their index
            assert schema() == known


def test_the_past_does_not_keep_the_tables_from_being_exchanged() -> None:
    """A view upon one of them would turn the exchange off without a word. SQLite exchanges none."""
    if not IS_POSTGRES:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('past.attribution_credit') IS NOT NULL")
        assert cursor.fetchone()[0]
        for table in ("attribution_credit", "attribution_journeystate"):
            cursor.execute(successor._IS_PLAIN, [table])
            assert cursor.fetchone()[0], table
