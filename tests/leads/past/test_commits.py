"""A transaction belongs to the moment when others could first see it, whole; whatever became of its connection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from leads.models import Change, Lead
from leads.past.acting import act
from leads.past.install import install
from leads.past.settled import NotSettled, database_now, settle, settled_now
from leads.past.snapshot import snapshot_at
from leads.past.span import known_at
from tests.integrations.api.test_capture_races import shared_database
from tests.leads.factories import LeadFactory
from tests.leads.past.tables import here, only_on, unkept

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
HOUR = 3_600_000_000


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Any]:
    """A second connection to the same database."""
    with shared_database(tmp_path) as address, here(address):
        made = connection.copy()
        yield made
        made.close()


def run(on: Any, *statements: str) -> None:
    with on.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def companies(at: datetime | None) -> list[str]:
    with known_at(at):
        return list(Lead.objects.order_by("pk").values_list("company", flat=True))


def new_changes(known: int) -> list[tuple[str, int | None]]:
    return list(Change.objects.filter(pk__gt=known).order_by("pk").values_list("door", "actor"))


def newest() -> int:
    return Change.objects.order_by("pk").last().pk


def test_who_began_before_a_moment_and_committed_after_it_is_not_seen(other: Any) -> None:
    LeadFactory(company="A")
    run(other, "BEGIN", "UPDATE leads_lead SET company = 'B'")
    at = database_now()
    run(other, "COMMIT")
    settle(at)
    assert companies(at) == ["A"]
    assert companies(settled_now()) == ["B"]


@only_on("postgresql")
def test_who_was_overtaken_stays_out_of_what_was_seen(other: Any) -> None:
    one, two = LeadFactory(company="A"), LeadFactory(company="Y")
    run(other, "BEGIN", f"UPDATE leads_lead SET company = 'B' WHERE id = {one.pk}")
    began = time.monotonic()
    first = settled_now()
    Lead.objects.filter(pk=two.pk).update(company="Z")
    second = settled_now()
    assert time.monotonic() - began < 2, "a long transaction held up a moment"
    snapshot = snapshot_at(second)
    assert companies(second) == ["A", "Z"]
    with known_at(second):  # also a span that was opened before
        run(other, "COMMIT")
        assert list(Lead.objects.order_by("pk").values_list("company", flat=True)) == ["A", "Z"]
    assert [companies(at) for at in (first, second, settled_now())] == [["A", "Y"], ["A", "Z"], ["B", "Z"]]
    overtaken = Change.objects.order_by("-at").first()
    assert overtaken.pk < snapshot.top
    assert overtaken.pk in snapshot.out
    assert snapshot_at(second).out == (overtaken.pk,)


def test_a_moment_waits_for_who_is_in_the_middle_of_committing(other: Any) -> None:
    LeadFactory(company="A")
    if connection.vendor == "postgresql":
        # As far into the commit as a statement can get: stamped, and not over.
        run(other, "BEGIN", "UPDATE leads_lead SET company = 'B'", "SET CONSTRAINTS ALL IMMEDIATE")
    else:
        run(connection, "PRAGMA busy_timeout = 50")
        run(other, "BEGIN IMMEDIATE", "UPDATE leads_lead SET company = 'B'")
    at = database_now()
    with pytest.raises(NotSettled):
        settle(at, seconds=0.2)
    run(other, "COMMIT")
    settle(at, seconds=5)


def test_a_clock_that_is_set_back_changes_no_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moments go on from the last change. (Only what was noted between it and the setting back is not protected.)"""
    LeadFactory(company="A")
    if connection.vendor == "postgresql":
        run(
            connection,
            "CREATE OR REPLACE FUNCTION portal_now() RETURNS bigint LANGUAGE sql VOLATILE AS"
            f" $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - {HOUR} $$",
        )
    else:
        real = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: real() - HOUR * 1000)
    try:
        Lead.objects.update(company="B")
        second = settled_now()
        with transaction.atomic():
            Lead.objects.update(company="C")
        third = settled_now()
    finally:
        install(connection)
    assert [companies(at) for at in (second, third)] == [["B"], ["C"]]
    made = list(Change.objects.filter(is_backdated=False).order_by("pk").values_list("at", flat=True))
    assert made == sorted(set(made))


def test_writers_of_one_transaction_have_a_change_each_and_one_moment() -> None:
    lead, known = LeadFactory(company="A"), newest()
    first = settled_now()
    with transaction.atomic():
        with act("page", actor=1):
            Lead.objects.update(company="B")
        with act("api", actor=2):
            Lead.objects.update(company="C")
            try:
                with transaction.atomic():
                    Lead.objects.update(company="D")
                    raise ZeroDivisionError
            except ZeroDivisionError:
                pass
            Lead.objects.update(job_title="E")
    assert new_changes(known) == [("page", 1), ("api", 2)]
    assert len(set(Change.objects.filter(pk__gt=known).values_list("at", flat=True))) == 1
    assert (companies(first), companies(settled_now())) == (["A"], ["C"])
    lead.refresh_from_db()
    assert (lead.company, lead.job_title) == ("C", "E")
    assert unkept() == []


def test_a_change_never_leaks_into_the_next_transaction() -> None:
    LeadFactory(company="A")
    known, at = newest(), [settled_now()]
    for company, is_kept in (("B", True), ("C", False), ("D", True)):
        with act("page", actor=len(at)), transaction.atomic():
            Lead.objects.update(company=company)
            if not is_kept:
                transaction.set_rollback(True)
        at.append(settled_now())
    Lead.objects.update(company="E")  # of nobody, on the same connection
    at.append(settled_now())
    assert [companies(each) for each in at] == [["A"], ["B"], ["B"], ["D"], ["E"]]
    assert new_changes(known) == [("page", 1), ("page", 3), ("direct", None)]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('portal.change', true), current_setting('portal.actor', true)")
            assert cursor.fetchone() == ("", "")


def test_a_connection_that_is_lost_takes_its_change_along(other: Any) -> None:
    LeadFactory(company="A")
    known, first = newest(), settled_now()
    with act("page", actor=1):
        with pytest.raises(Exception), transaction.atomic():  # noqa: B017 - each driver has its own word
            Lead.objects.update(company="B")
            if connection.vendor == "postgresql":
                pid = connection.connection.info.backend_pid
                run(other, f"SELECT pg_terminate_backend({pid}, 5000)")
            else:
                connection.connection.close()
            Lead.objects.update(company="C")
        connection.close()
        Lead.objects.update(company="D")
    assert (companies(first), companies(settled_now())) == (["A"], ["D"])
    assert new_changes(known) == [("page", 1)]
    assert unkept() == []
