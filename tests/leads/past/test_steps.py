"""Versions beside the ones before them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from leads.models import Account, Change, Lead
from leads.past.acting import act, backdated
from leads.past.moments import to_micros
from leads.past.span import known_at
from leads.past.steps import Step, last_known, row_called, steps
from tests.leads.factories import AccountFactory, LeadFactory

pytestmark = pytest.mark.django_db
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def told(found: list[Step], column: str) -> list[tuple[str, object, object]]:
    return [(each.verb, each.before and each.before[column], each.after and each.after[column]) for each in found]


def test_a_life_is_told_in_order() -> None:
    with backdated(FIRST), act("import", source="fair.csv"):
        account = AccountFactory(name="A", company_size=None)
        AccountFactory(name="Somebody else")
    row = account.pk
    with backdated(FIRST + DAY), act("page", actor=7, because="Admin"):
        Account.objects.filter(pk=row).update(name="B", company_size=10)
    with backdated(FIRST + 2 * DAY):
        account.delete()
    with backdated(FIRST + 3 * DAY):
        Account.objects.create(pk=row, name="C", created_at=FIRST)

    found = steps(Account, ["id"], row)

    assert told(found, "name") == [
        ("created", None, "A"),
        ("changed", "A", "B"),
        ("deleted", "B", None),
        ("created", None, "C"),
    ]
    assert found[1].changed() == ["name", "company_size"]
    assert found[0].after
    assert found[0].after["created_at"].tzinfo is not None
    writer = found[1].writer
    assert (writer.door, writer.actor, writer.because, writer.at) == ("page", 7, "Admin", FIRST + DAY)
    assert found[0].writer.source == "fair.csv"


def test_a_change_that_began_first_and_was_made_last_comes_last() -> None:
    """Two transactions: the one with the lower number waited, wrote the row second and was done second."""
    with backdated(FIRST):
        account = AccountFactory(name="A")
    made, early, late = (
        Change.objects.create(began_at=0, at=to_micros(FIRST + days * DAY), door="page") for days in (0, 2, 1)
    )
    table, row = "leads_account_past", account.pk
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET known_by = %s, ended_by = %s WHERE id = %s", [made.pk, late.pk, row])
        for name, known_by, ended_by in (("B", late.pk, early.pk), ("C", early.pk, None)):
            columns = "id, public_id, industry, country, region, created_at"
            cursor.execute(
                f"INSERT INTO {table} ({columns}, name, known_by, ended_by)"
                f" SELECT {columns}, %s, %s, %s FROM leads_account WHERE id = %s",
                [name, known_by, ended_by, row],
            )
    assert told(steps(Account, ["id"], row), "name") == [
        ("created", None, "A"),
        ("changed", "A", "B"),
        ("changed", "B", "C"),
    ]


def test_a_span_ends_the_story_and_keeps_the_names_of_then() -> None:
    with backdated(FIRST):
        lead = LeadFactory(company="A")
    with backdated(FIRST + DAY):
        Lead.objects.filter(pk=lead.pk).update(company="B")
    public_id = lead.public_id
    with backdated(FIRST + 2 * DAY):
        lead.delete()
    row = row_called(Lead, "public_id", public_id)
    assert row is not None
    with known_at(FIRST + DAY):
        assert told(steps(Lead, ["id"], row), "company") == [("created", None, "A"), ("changed", "A", "B")]
    with known_at(FIRST):
        assert last_known(Lead, [row], ["company"]) == {row: {"company": "A"}}
    with known_at(FIRST - DAY):
        assert row_called(Lead, "public_id", public_id) is None
    assert last_known(Lead, [row], ["company"]) == {row: {"company": "B"}}
    assert last_known(Lead, [], ["company"]) == {}


def test_a_model_without_a_past_is_refused() -> None:
    with pytest.raises(LookupError, match="Change keeps no past"):
        steps(Change, ["id"], 1)
