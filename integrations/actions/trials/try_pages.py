"""Try pages: what applying records would write, found by doing it and taking it back.

The very code of the pull decides, so a dry run cannot promise what a sync then does not do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction

from integrations.actions.pull.pull import PageReader
from integrations.actions.runs.log_run import RunLog
from integrations.connectors.base import RemoteRecord
from integrations.models import RecordKind, SyncRecord, SyncRun
from integrations.pure.mapping import FieldRule, changes
from integrations.pure.merging import agree, essence
from leads.models import Opportunity
from leads.pure.money import to_amount


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction that leaves no trace."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def try_page(
    *, run: RunLog, prepare: Callable[[], PageReader], records: Sequence[RemoteRecord], at: datetime
) -> tuple[list[SyncRecord], int]:
    """What a page would do, as records that belong to no run yet, and how many would stay as they are.

    ``prepare`` makes the reader, inside the transaction that is taken back.
    """
    scratch = RunLog(SyncRun(connection=run.run.connection), run.connector, 0)
    with rolled_back():
        known = set(_opportunities(records, run))
        reader = prepare()
        reader.look(records)
        reader.write(scratch, at)
    noted = scratch.take()
    for record in noted:
        if record.kind == RecordKind.PERSON and record.outcome == SyncRecord.Outcome.CREATED:
            record.lead = None  # made and taken back; what it would hold stands in its changes
        made = record.opportunity
        if made is not None and made.pk not in known:  # made and taken back: what it would hold is told in words
            if record.outcome == SyncRecord.Outcome.CREATED:
                record.changes = _held_by(made)
            record.opportunity = None
    return noted, scratch.run.unchanged


def _held_by(deal: Opportunity) -> dict[str, list[str]]:
    """What a new opportunity holds, as changes from nothing."""
    amount = "" if deal.amount_cents is None else f"{to_amount(deal.amount_cents, deal.currency)} {deal.currency}"
    held = {
        "name": deal.name,
        "stage": deal.stage.name,
        "amount": amount,
        "expected close": essence(deal.expected_close_on),
        "lost because": deal.lost_reason,
    }
    return {name: ["", value] for name, value in held.items() if value}


def repeat(*, run: RunLog, record: SyncRecord, outcome: str, at: datetime, **facts: Any) -> None:
    """Note in a run what a trial noted, under another word."""
    values = {
        "kind": record.kind,
        "way": record.way,
        "lead_id": record.lead_id,
        "opportunity_id": record.opportunity_id,
        "account_id": record.account_id,
        "remote_id": record.remote_id,
        "changes": record.changes,
        "note": record.note,
        "title": record.title,
        "is_conflict": record.is_conflict,
    }
    run.add(outcome, at, **(values | facts))


def differences(
    *, theirs: Mapping[str, Any], ours: Mapping[str, Any], rules: Sequence[FieldRule] = ()
) -> dict[str, list[str]]:
    """{remote field: [theirs, ours]} where a draft says something else than the record; nothing and "" agree.

    A CRM gives every record some owner: where we name none, that is no difference.
    """
    owner = next((rule.remote for rule in rules if rule.local == "owner_id"), None)
    return {
        change.field: [essence(change.before), essence(change.after)]
        for change in changes(theirs, ours)
        if not agree(change.before, change.after) and (change.field != owner or essence(change.after))
    }


def _opportunities(records: Sequence[RemoteRecord], run: RunLog) -> Iterator[int]:
    links = run.run.connection.records.filter(remote_id__in=[each.remote_id for each in records])
    for pk in links.filter(opportunity__isnull=False).values_list("opportunity_id", flat=True):
        if pk is not None:
            yield pk
