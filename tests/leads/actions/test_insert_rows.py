"""Rows are inserted as bulk_create would, few and many, alone and together."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from leads.actions.insert_rows import FEW, give_keys, insert_rows, insert_together
from leads.models import Account, Lead, LeadEvent, LifecyclePassage, Stage
from tests.leads.factories import LeadFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 16, 9, tzinfo=UTC)


def account(number: int, **values: object) -> Account:
    return Account(**{"name": f"Firm {number}\t\\N", "domain": f"{number}.example", "created_at": AT, **values})


@pytest.mark.parametrize("number", [1, FEW, FEW + 1])
def test_rows_are_stored_as_they_are_and_get_their_keys(number: int) -> None:
    rows = [account(each, attributes={"a": ["ä", None, 1.5]}, company_size=None) for each in range(number)]
    insert_rows(rows)
    stored = list(Account.objects.filter(domain__endswith=".example").order_by("pk"))
    assert [each.pk for each in stored] == [each.pk for each in rows]
    assert [each.name for each in stored] == [each.name for each in rows]
    assert [each.public_id for each in stored] == [each.public_id for each in rows]
    assert isinstance(stored[0].public_id, UUID)
    assert stored[0].attributes == {"a": ["ä", None, 1.5]}
    assert stored[0].created_at == AT
    assert stored[0].company_size is None


@pytest.mark.parametrize("number", [1, FEW + 1])
def test_what_is_made_afterwards_gets_keys_of_its_own(number: int) -> None:
    rows = [account(each) for each in range(number)]
    give_keys(rows)
    insert_rows(rows)
    assert account(99).pk is None
    later = Account.objects.create(name="later", domain="later.example", created_at=AT)
    assert later.pk > max(each.pk for each in rows)


@pytest.mark.parametrize("number", [1, FEW + 1])
def test_a_row_belongs_to_one_that_has_got_its_key_since(number: int) -> None:
    owner = account(1)
    leads = [Lead(email=f"{each}@x.example", account=owner, captured_at=AT, changed_at=AT) for each in range(number)]
    insert_rows([owner])
    insert_rows(leads)
    assert Lead.objects.filter(account=owner).count() == number
    assert leads[0].account_id == owner.pk


@pytest.mark.parametrize("number", [1, FEW + 1])
def test_a_row_that_is_there_already_is_refused(number: int) -> None:
    insert_rows([account(0)])
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows([account(each) for each in range(number)])
    assert Account.objects.filter(domain__endswith=".example").count() == 1


def test_many_rows_take_few_statements() -> None:
    """A statement for each row would take the longer on SQLite, the more its savepoint has written before."""
    with CaptureQueriesContext(connection) as asked:
        insert_rows([account(each) for each in range(250)])
    assert Account.objects.filter(domain__endswith=".example").count() == 250
    assert len(asked) < 12
    # As Django notes what the driver's executemany does row by row.
    assert not [each["sql"] for each in asked.captured_queries if " times: " in each["sql"]]


def test_several_kinds_go_together() -> None:
    lead = LeadFactory(stage=Stage.LEAD)
    passage = LifecyclePassage(lead=lead, from_stage="", to_stage=Stage.LEAD, passed_at=AT)
    news = [LeadEvent(lead=lead, kind="updated", happened_at=AT, recorded_at=AT, details={"n": n}) for n in range(2)]
    many = [LeadEvent(lead=lead, kind="updated", happened_at=AT, recorded_at=AT, details={"n": n}) for n in range(99)]
    with CaptureQueriesContext(connection) as asked:
        insert_together([passage], news, [])
    insert_together([passage], many)
    assert len(asked) == (1 if connection.vendor == "postgresql" else 2)
    assert LifecyclePassage.objects.filter(lead=lead).count() == 2
    assert [each.details["n"] for each in LeadEvent.objects.order_by("pk")] == [0, 1, *range(99)]
