"""Versions of facts, kept by triggers, and spans that read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from leads.models import Change, Company, Lead, User
from leads.past.acting import act, backdated
from leads.past.install import missing
from leads.past.settled import settled_now
from leads.past.span import PastIsReadOnly, known_at
from tests.leads.factories import LeadFactory, UserFactory

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
committed = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def companies(at: datetime) -> list[str]:
    with known_at(at):
        return list(Lead.objects.values_list("company", flat=True))


def versions(table: str = "leads_lead") -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}_past")
        return int(cursor.fetchone()[0])


@committed
def test_every_moment_reads_as_it_was() -> None:
    lead = LeadFactory(company="A")
    moments = [settled_now()]
    Lead.objects.filter(pk=lead.pk).update(company="B")
    moments.append(settled_now())
    lead.refresh_from_db()
    lead.company = "C"
    lead.save()
    moments.append(settled_now())
    lead.delete()
    moments.append(settled_now())
    assert [companies(at) for at in moments] == [["A"], ["B"], ["C"], []]


@committed
def test_a_row_written_twice_in_one_transaction_makes_one_version() -> None:
    lead = LeadFactory(company="A")
    with transaction.atomic():
        Lead.objects.filter(pk=lead.pk).update(company="B")
        Lead.objects.filter(pk=lead.pk).update(company="C")
    assert versions() == 2
    assert companies(settled_now()) == ["C"]


def work_of_updating(number: int, domain: str = "first.example") -> int:
    """Steps (SQLite) or versions read (PostgreSQL) to change so many leads that the same transaction has written."""
    with transaction.atomic(), connection.cursor() as cursor:
        made = [Lead(email=f"{n}@{number}.{domain}", captured_at=FIRST, changed_at=FIRST) for n in range(number)]
        mine = Lead.objects.filter(pk__in=[lead.pk for lead in Lead.objects.bulk_create(made)])
        if connection.vendor == "postgresql":
            mine.update(company="B")
            cursor.execute(
                "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'leads_lead_past'"
            )
            return int(cursor.fetchone()[0])
        steps: list[None] = []
        connection.connection.set_progress_handler(lambda: steps.append(None), 1)
        mine.update(company="B")
        connection.connection.set_progress_handler(None, 0)
        return len(steps)


@committed
def test_rows_are_updated_in_linear_time_in_the_transaction_that_wrote_them() -> None:
    assert work_of_updating(200) < 6 * work_of_updating(50)


@committed
def test_an_update_looks_at_no_version_of_other_rows() -> None:
    alone = work_of_updating(20)
    Lead.objects.bulk_create(Lead(email=f"{n}@others.example", captured_at=FIRST, changed_at=FIRST) for n in range(300))
    assert work_of_updating(20, "later.example") < alone + 200


@committed
def test_an_update_that_changes_nothing_makes_no_version() -> None:
    lead = LeadFactory(company="A")
    changes = Change.objects.count()
    Lead.objects.filter(pk=lead.pk).update(company="A")
    Lead.objects.filter(pk=lead.pk).update(intake_due_at=FIRST)
    lead.refresh_from_db()
    lead.save()
    assert versions() == 1
    assert Change.objects.count() == changes


@committed
def test_what_is_rolled_back_leaves_nothing() -> None:
    lead = LeadFactory(company="A")
    with transaction.atomic():
        try:
            with transaction.atomic():
                Lead.objects.filter(pk=lead.pk).update(company="B")
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        Lead.objects.filter(pk=lead.pk).update(company="C")
    assert companies(settled_now()) == ["C"]
    assert versions() == 2


@committed
def test_each_change_names_who_made_it() -> None:
    with act("page", actor=7, because="Admin"):
        lead = LeadFactory()
    with act("import", source="leads.csv"):
        Lead.objects.filter(pk=lead.pk).update(company="B")
    found = Change.objects.filter(is_backdated=False).order_by("id")
    assert list(found.values_list("door", "actor", "source", "because")) == [
        ("page", 7, "", "Admin"),
        ("import", None, "leads.csv", ""),
    ]


@pytest.mark.django_db
def test_spans_nest_and_end_in_the_present() -> None:
    with backdated(FIRST):
        LeadFactory(company="A")
    with backdated(FIRST + DAY):
        Lead.objects.update(company="B")
    with known_at(FIRST + 2 * DAY):
        assert Lead.objects.get().company == "B"
        with known_at(FIRST):
            assert Lead.objects.get().company == "A"
        assert Lead.objects.get().company == "B"
    with known_at(FIRST - DAY):
        assert not Lead.objects.exists()
        assert Company.objects.exists()  # what migrations wrote was always there
    assert Lead.objects.get().company == "B"


@pytest.mark.django_db
def test_the_past_cannot_be_written() -> None:
    UserFactory(email="ada@engines.example")
    with known_at(datetime.now(UTC)):
        with pytest.raises(PastIsReadOnly), transaction.atomic():
            LeadFactory()
        with pytest.raises(PastIsReadOnly), transaction.atomic():
            Lead.objects.update(company="B")
    LeadFactory()


@pytest.mark.django_db
def test_secrets_have_no_past() -> None:
    UserFactory(email="ada@engines.example", name="Ada")
    with known_at(datetime.now(UTC) + DAY):
        assert list(User.objects.values_list("name", "email", "password")) == [("Ada", "", "")]


@pytest.mark.django_db
def test_nothing_is_missing_after_migrations() -> None:
    assert missing(connection) == []
    with connection.cursor() as cursor:
        on = " ON leads_lead" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER leads_lead_past_update{on}")
    assert missing(connection) == ["trigger leads_lead_past_update"]
