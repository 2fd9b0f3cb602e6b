"""Revise accounts: take over what a CRM or a person says about companies we know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from leads.models import Account, ShownScore

COLUMNS = ("name", "industry", "company_size", "country", "region", "owner_id")


@dataclass(frozen=True, slots=True)
class AccountRevision:
    """New values of one account by column of ``COLUMNS``, already validated."""

    account_id: int
    values: Mapping[str, Any]


@dataclass(slots=True)
class RevisedAccount:
    """What became of a revision: ``written`` is {column: [before, after]}."""

    account_id: int
    written: dict[str, list[Any]] = field(default_factory=dict)


def revise_accounts(*, revisions: Sequence[AccountRevision]) -> list[RevisedAccount]:
    """Write what differs, in one transaction; answers are in the order of the revisions, unknown accounts left out."""
    if not revisions:
        return []
    with transaction.atomic():
        rows = Account.objects.select_for_update(of=("self",)).order_by("pk")
        accounts = {row.pk: row for row in rows.filter(pk__in=[each.account_id for each in revisions])}
        revised: list[RevisedAccount] = []
        for revision in revisions:
            account = accounts.get(revision.account_id)
            if account is None:
                continue
            answer = RevisedAccount(account.pk)
            for name, value in revision.values.items():
                if name not in COLUMNS:
                    raise ValueError(f"{name} is not revised from outside.")
                if getattr(account, name) != value:
                    answer.written[name] = [getattr(account, name), value]
                    setattr(account, name, value)
            revised.append(answer)
        changed = [accounts[each.account_id] for each in revised if each.written]
        Account.objects.bulk_update(changed, COLUMNS, batch_size=200)
        ShownScore.objects.filter(lead__account__in=changed).outdate()
    return revised
