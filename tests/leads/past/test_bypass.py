"""Whichever way a fact is written, its past stays; or the way is closed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import DatabaseError, connection, transaction
from django.db.models import Value
from django.test import Client

from leads.models import Account, Change, Lead, Opportunity, OpportunityContact, Touchpoint, User
from leads.past.acting import act, backdated
from leads.past.install import missing
from leads.past.settled import settled_now
from leads.past.span import PastIsReadOnly, known_at
from tests.integrations.api.test_capture_races import shared_database
from tests.leads.factories import (
    AccountFactory,
    CampaignFactory,
    LeadFactory,
    OpportunityFactory,
    TouchpointFactory,
    UserFactory,
)
from tests.leads.past.tables import everything, only_on, unkept

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
committed = pytest.mark.django_db(transaction=True, serialized_rollback=True)

Way = Callable[[Lead], object]


def sql(*statements: str) -> Way:
    def write(lead: Lead) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.format(id=lead.pk))

    return write


def saved(lead: Lead) -> None:
    lead.company = "B"
    lead.save()


def bulk_updated(lead: Lead) -> None:
    lead.company = "B"
    Lead.objects.bulk_update([lead], ["company"])


def bulk_created(lead: Lead) -> None:
    lead.company = "B"
    twin = LeadFactory.build(company="B", public_id=None)
    twin.public_id = LeadFactory.build().public_id
    Lead.objects.bulk_create(
        [lead, twin], update_conflicts=True, update_fields=["company"], unique_fields=["id"] if lead.pk else []
    )


def with_an_expression(lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(company=Value("B"))


def by_sql_of_the_manager(lead: Lead) -> None:
    Touchpoint.objects.filter(lead=lead)._raw_delete("default")


def deleted_with_what_hangs_on_it(lead: Lead) -> None:
    OpportunityContact.objects.filter(lead=lead).delete()
    Touchpoint.objects.filter(lead=lead).delete()
    lead.delete()


def cascade(lead: Lead) -> None:
    Opportunity.objects.all().delete()


def set_null(lead: Lead) -> None:
    Account.objects.all().delete()
    lead.owner.delete()


def by_an_admin_action(lead: Lead) -> None:
    client = Client()
    client.force_login(User.objects.get(email="admin@portal.example"))
    account = AccountFactory()
    chosen = {"action": "delete_selected", ACTION_CHECKBOX_NAME: [account.pk, lead.account_id], "post": "yes"}
    client.post("/admin/leads/account/", chosen)
    assert not Account.objects.filter(pk__in=[account.pk, lead.account_id]).exists()


def twice_there_and_back(lead: Lead) -> None:
    sql("DELETE FROM leads_touchpoint")(lead)
    touch = TouchpointFactory(lead=lead)
    Touchpoint.objects.filter(pk=touch.pk).delete()
    Touchpoint.objects.bulk_create([touch])


def copied_in(lead: Lead) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE copied AS SELECT * FROM leads_account LIMIT 1")
        cursor.execute("UPDATE copied SET id = 9999, domain = 'copied.example', public_id = gen_random_uuid()")
        with cursor.copy("COPY copied TO STDOUT") as copy:
            text = b"".join(bytes(each) for each in copy)
        with cursor.copy("COPY leads_account FROM STDIN") as copy:
            copy.write(text)
        cursor.execute("DROP TABLE copied")
    assert Account.objects.filter(pk=9999).exists()


WAYS: dict[str, Way] = {
    "save": saved,
    "update": lambda lead: Lead.objects.filter(pk=lead.pk).update(company="B"),
    "update with an expression": with_an_expression,
    "bulk update": bulk_updated,
    "bulk create over what is there": bulk_created,
    "raw update": sql("UPDATE leads_lead SET company = 'B' WHERE id = {id}"),
    "raw update behind a comment": sql("/* sent by */ -- hand\n UPDATE leads_lead SET company = 'B'"),
    "raw update with a query before it": sql(
        "WITH one AS (SELECT {id} AS id) UPDATE leads_lead SET company = 'B' WHERE id IN (SELECT id FROM one)"
    ),
    "raw delete": sql("DELETE FROM leads_touchpoint"),
    "raw delete by the manager": by_sql_of_the_manager,
    "delete and what hangs on it": deleted_with_what_hangs_on_it,
    "cascade": cascade,
    "set null": set_null,
    "admin action": by_an_admin_action,
    "there and back": twice_there_and_back,
}
UPSERT = (
    "INSERT INTO leads_exchangerate (currency, valid_from, rate) VALUES ('USD', '2026-01-01', {})"
    " ON CONFLICT (currency, valid_from) DO UPDATE SET rate = excluded.rate"
)
WAYS["upsert"] = sql(UPSERT.format(1), UPSERT.format(2), UPSERT.format(2))
ONLY_SQLITE: dict[str, Way] = {
    "replace": sql(
        "INSERT OR REPLACE INTO leads_exchangerate (currency, valid_from, rate) VALUES ('USD', '2026-01-01', 1)",
        "REPLACE INTO leads_exchangerate (currency, valid_from, rate) VALUES ('USD', '2026-01-01', 2)",
        "UPDATE OR REPLACE leads_pipelinestage SET probability = 0.5",
    ),
}
ONLY_POSTGRES: dict[str, Way] = {
    "copy": copied_in,
    "merge": sql(
        "MERGE INTO leads_lead l USING (SELECT {id} AS id) s ON s.id = l.id WHEN MATCHED THEN UPDATE SET company = 'B'"
    ),
    "two writes in one statement": sql(
        "WITH gone AS (DELETE FROM leads_touchpoint RETURNING lead_id)"
        " UPDATE leads_lead SET company = 'B' WHERE id IN (SELECT lead_id FROM gone)"
    ),
    "a block of code": sql("DO $$ BEGIN UPDATE leads_lead SET company = 'B'; END $$"),
}
OWN = ONLY_POSTGRES if connection.vendor == "postgresql" else ONLY_SQLITE


def world() -> Lead:
    UserFactory(email="admin@portal.example", role="admin", is_staff=True, is_superuser=True)
    lead = LeadFactory(company="A", account=AccountFactory(), owner=UserFactory())
    TouchpointFactory(lead=lead, campaign=CampaignFactory())
    OpportunityContact.objects.create(opportunity=OpportunityFactory(account=lead.account), lead=lead)
    return lead


def check(way: Way) -> None:
    with backdated(FIRST):
        lead = world()
    before = everything()
    with backdated(FIRST + DAY):
        way(lead)
    after = everything()
    assert after != before
    with known_at(FIRST + DAY / 2):
        assert everything() == before
    with known_at(FIRST + 2 * DAY):
        assert everything() == after
    assert unkept() == []


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS | OWN)
def test_the_past_stays_whichever_way_is_taken(way: str) -> None:
    check((WAYS | OWN)[way])


@pytest.mark.django_db
def test_the_id_of_a_fact_never_changes() -> None:
    lead = LeadFactory()
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Lead.objects.filter(pk=lead.pk).update(id=lead.pk + 1)


@only_on("postgresql")
@pytest.mark.django_db
@pytest.mark.parametrize("words", ["leads_lead CASCADE", "leads_exchangerate"])
def test_truncate_is_refused(words: str) -> None:
    with pytest.raises(DatabaseError, match="use DELETE"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {words}")


@committed
def test_the_drivers_own_cursor_is_heard() -> None:
    """Each of its statements is a transaction of its own, recorded as nobody's."""
    known = list(Change.objects.values_list("pk", flat=True))
    with act("page", actor=7):
        LeadFactory(company="A")
    at = [settled_now()]
    raw = connection.connection
    for company in ("B", "C"):
        raw.cursor().execute(f"UPDATE leads_lead SET company = '{company}'")
        at.append(settled_now())
    # A transaction belongs to its commit, whoever ends it.
    raw.execute("BEGIN")
    raw.execute("UPDATE leads_lead SET company = 'D'")
    held = datetime.now(UTC)
    at.append(held)
    raw.execute("COMMIT")
    at.append(settled_now())
    found = []
    for each in at:
        with known_at(each):
            found.append(Lead.objects.get().company)
    assert found == ["A", "B", "C", "C", "D"]
    doors = Change.objects.exclude(pk__in=known).order_by("id").values_list("door", "actor")
    assert list(doors) == [("page", 7)] + [("direct", None)] * 3
    assert unkept() == []


@only_on("sqlite")
@committed
def test_a_script_is_a_transaction_per_statement() -> None:
    LeadFactory(company="A")
    known = Change.objects.count()
    first = settled_now()
    connection.connection.executescript("UPDATE leads_lead SET company = 'B'; UPDATE leads_lead SET company = 'C;'")
    assert Lead.objects.get().company == "C;"
    assert Change.objects.count() == known + 2
    with known_at(first):
        assert Lead.objects.get().company == "A"


@only_on("sqlite")
@committed
def test_another_program_is_refused(tmp_path) -> None:
    lead = LeadFactory(company="A")
    with shared_database(tmp_path) as address:
        other = sqlite3.connect(address.removeprefix("sqlite:///"))
        for statement in ("UPDATE leads_lead SET company = 'B'", "DELETE FROM leads_lead"):
            with pytest.raises(sqlite3.OperationalError, match="no such function: portal_"):
                other.execute(statement)
        other.close()
    assert Lead.objects.get() == lead


@pytest.mark.django_db
def test_nothing_is_written_through_a_span() -> None:
    with backdated(FIRST):
        LeadFactory(company="A")
    with backdated(FIRST + DAY):
        Lead.objects.update(company="B")
    before = everything()
    ways = [
        "UPDATE leads_lead SET company = 'X'",
        "/* */ UPDATE leads_lead SET company = 'X'",
        "WITH one AS (SELECT 1) UPDATE leads_lead SET company = 'X'",
        "WITH one AS (SELECT 1) DELETE FROM leads_lead",
    ]
    with known_at(FIRST + DAY / 2):
        for way in ways:
            with pytest.raises(PastIsReadOnly), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(way)
        # Where nobody looks at the statement, the views take no writes.
        for way in (ways[0], "INSERT INTO leads_lead DEFAULT VALUES", "DELETE FROM leads_lead"):
            with pytest.raises(Exception, match="view"), transaction.atomic():
                connection.connection.execute(way)
        assert Lead.objects.get().company == "A"
    assert everything() == before
    with known_at(FIRST + DAY / 2):
        assert Lead.objects.get().company == "A"


@only_on("postgresql")
@pytest.mark.django_db
def test_statements_made_of_parts_are_looked_at_too() -> None:
    from psycopg import sql as parts

    with backdated(FIRST):
        LeadFactory(company="A")
    statement = parts.SQL("UPDATE {} SET company = 'B'").format(parts.Identifier("leads_lead"))
    with known_at(FIRST + DAY), pytest.raises(PastIsReadOnly), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    with act("api", actor=3), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Change.objects.order_by("id").last().actor == 3


@committed
def test_a_flush_leaves_nothing() -> None:
    LeadFactory()
    from django.core.management import call_command

    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True, reset_sequences=False)
    assert not any(everything().values())
    assert unkept() == []
    assert not Change.objects.exists()
    assert missing(connection) == []
