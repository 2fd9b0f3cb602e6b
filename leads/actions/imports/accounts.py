"""Import companies, known by their domain, else by their name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from leads.actions.imports.leads import Outcome
from leads.models import Account, ShownScore
from leads.pure.imports.cells import RowRefused
from leads.pure.imports.records import AccountRecord
from leads.queries.imports import AccountBook, users_named

_BATCH = 200
_FIELDS = ("name", "domain", "industry", "company_size", "country", "region", "owner_id", "attributes")


def import_accounts(*, records: Sequence[AccountRecord], at: datetime) -> list[Outcome]:
    """Take companies in, in one transaction; outcomes are in the order of the records.

    Repeating it changes nothing, and empty cells erase nothing.
    """
    try:
        with transaction.atomic():
            return _take(records, at)
    except IntegrityError:
        # Capture made an account of one of the domains in between: this time it is found.
        with transaction.atomic():
            return _take(records, at)


def _take(records: Sequence[AccountRecord], at: datetime) -> list[Outcome]:
    book = AccountBook((record.name for record in records), (record.domain for record in records))
    owners = users_named({record.owner for record in records})
    new: list[Account] = []
    changed: list[Account] = []
    outcomes: list[Outcome] = []
    for record in records:
        try:
            row = _known(record, book)
        except RowRefused as refusal:
            outcomes.append(refusal)
            continue
        owner = owners.get(record.owner)
        values: dict[str, Any] = {
            "name": record.name,
            "domain": record.domain,
            "industry": record.industry,
            "company_size": record.company_size,
            "country": record.country,
            "region": record.region,
            "owner_id": owner.pk if owner else None,
        }
        given = {name: value for name, value in values.items() if value not in ("", None)}
        if row is None:
            row = Account(**{"name": record.domain, **given}, attributes=dict(record.attributes), created_at=at)
            new.append(row)
            book.add(row)
            outcomes.append("created")
            continue
        if record.attributes:
            given["attributes"] = {**row.attributes, **record.attributes}
        news = {name: value for name, value in given.items() if getattr(row, name) != value}
        for name, value in news.items():
            setattr(row, name, value)
        if news and row.pk and row not in changed:
            changed.append(row)
        outcomes.append("updated" if news else "unchanged")
    Account.objects.bulk_create(new, batch_size=_BATCH)
    Account.objects.bulk_update(changed, _FIELDS, batch_size=_BATCH)
    ShownScore.objects.filter(lead__account__in=changed).outdate()
    return outcomes


def _known(record: AccountRecord, book: AccountBook) -> Account | None:
    if record.domain and (row := book.by_domain.get(record.domain)):
        return row
    # Of the same name with another domain is another company.
    alike = [row for row in book.named(record.name) if not (row.domain and record.domain)] if record.name else []
    if len(alike) > 1:
        raise RowRefused("name", f"{len(alike)} accounts are named {record.name!r}. Add a column with their domains.")
    return alike[0] if alike else None
