"""The table of a run's records, and the counts above it by which people find their way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from integrations.models import Connection, RecordKind, SyncRecord
from integrations.pure.column_words import column_words
from integrations.pure.record_links import record_url
from integrations.queries.runs import tone_of
from leads.pure.money import currency_decimals

RECORDS_A_PAGE = 25
CONFLICT = "conflict"
RECORD_HEADER = ("Record", "Kind", "Way", "Outcome", "ID in the CRM", "Conflict", "Field", "Before", "After")
KINDS: dict[str, str] = {
    RecordKind.PERSON: "People",
    RecordKind.CONTACT: "Contacts",
    RecordKind.ACCOUNT: "Accounts",
    RecordKind.DEAL: "Deals",
    RecordKind.CAMPAIGN: "Campaigns",
    RecordKind.TOUCH: "Responses",
}
_WAYS: dict[str, str] = {SyncRecord.Way.OUT: " to the CRM", SyncRecord.Way.IN: " from the CRM"}


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of the records and how many there are; ``key`` is what the address says, empty for all."""

    key: str
    label: str
    number: int
    is_current: bool


def outcome_tabs(rows: Iterable[Mapping[str, Any]], current: str) -> list[Tab]:
    """All, then by what became of them, and those in conflict. ``rows`` are those of `queries.record_counts`."""
    counts: Counter[str] = Counter()
    conflicts = 0
    for row in rows:
        counts[row["outcome"]] += row["number"]
        conflicts += row["number"] if row["is_conflict"] else 0
    words = dict(SyncRecord.Outcome.choices)
    tabs = [Tab("", "All", sum(counts.values()), not current)]
    tabs += [Tab(key, str(label), counts[key], key == current) for key, label in words.items() if counts[key]]
    return tabs + ([Tab(CONFLICT, "Conflicts", conflicts, current == CONFLICT)] if conflicts else [])


def kind_tabs(rows: Iterable[Mapping[str, Any]], outcome: str, current: str) -> list[Tab]:
    """The same within an outcome, by kind and way: "deal-in" for deals from the CRM."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if outcome in ("", row["outcome"]) or (outcome == CONFLICT and row["is_conflict"]):
            counts[row["kind"], row["way"]] += row["number"]
    tabs = [Tab("", "All kinds", sum(counts.values()), not current)]
    for (kind, way), number in sorted(counts.items()):
        key = f"{kind}-{way}"
        tabs.append(Tab(key, f"{KINDS.get(kind, 'Others')}{_WAYS.get(way, '')}", number, key == current))
    return tabs if len(tabs) > 2 else []


def record_rows(records: Iterable[SyncRecord], connection: Connection) -> list[dict[str, Any]]:
    """Records for the table: whose, where it is in the CRM, and (field, before, after)."""
    account_id = str(connection.account.get("id", ""))
    return [
        {
            "record": record,
            "tone": tone_of(record.outcome),
            "is_new": record.outcome in (SyncRecord.Outcome.CREATED, SyncRecord.Outcome.WOULD_CREATE),
            "name": _name(record),
            "url": _url(record),
            "remote_url": record_url(
                vendor=connection.kind,
                base_url=connection.base_url,
                account_id=account_id,
                kind=record.kind,
                remote_id=record.remote_id,
            ),
            "changes": [_change(record, name, *pair) for name, pair in record.changes.items()],
        }
        for record in records
    ]


def record_lines(records: QuerySet[SyncRecord], connection: Connection) -> Iterator[tuple[Any, ...]]:
    """The same for a file: one line per field, and one for a record without any."""
    for row in record_rows(records.order_by("pk").iterator(chunk_size=2_000), connection):
        record = row["record"]
        told = (row["name"], record.get_kind_display(), record.get_way_display(), record.get_outcome_display())
        for change in row["changes"] or [("", "", "")]:
            yield (*told, record.remote_id, record.is_conflict, *change)


def _name(record: SyncRecord) -> str:
    whose = record.lead or record.opportunity or record.account or record.campaign
    return str(whose) if whose else record.title


def _url(record: SyncRecord) -> str:
    if page := record.lead or record.opportunity:
        return page.get_absolute_url()
    if record.account:
        return reverse("leads:history", args=["account", record.account.public_id])
    return reverse("leads:campaign-members", args=[record.campaign.public_id]) if record.campaign else ""


def _currency(record: SyncRecord) -> str:
    return record.opportunity.currency if record.opportunity else ""


def _change(record: SyncRecord, name: str, before: Any, after: Any) -> tuple[str, Any, Any]:
    """A field with what it was and becomes. What comes from the CRM is told by columns of ours, of which cents are read
    as money; what goes there by the CRM's names."""
    if record.way != SyncRecord.Way.IN:
        return name.replace("properties.", ""), before, after
    if name.endswith("_cents"):
        currency = _currency(record)
        return column_words(name), _money(before, currency), _money(after, currency)
    return column_words(name), before, after


def _money(cents: Any, currency: str) -> str:
    if not str(cents).lstrip("-").isdecimal():
        return str(cents or "")
    decimals = currency_decimals(currency) if currency else 2
    return f"{Decimal(int(cents)).scaleb(-decimals):,.{decimals}f}"
