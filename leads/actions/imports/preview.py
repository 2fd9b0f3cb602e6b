"""What an import would take, for people to look at before they start it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from leads.actions.campaigns.record_costs import IMPORTED
from leads.actions.imports.rows import plan_of, read_row, rows_of, table_of
from leads.models import Account, Campaign, CampaignCost, Channel, ImportRun, Lead, Opportunity, PipelineStage
from leads.pure.imports.cells import Plan, RowRefused
from leads.pure.imports.fields import FIELDS, Field
from leads.pure.imports.records import AccountRecord, AttendanceRecord, CostRecord, DealRecord, LeadRecord, Record
from leads.pure.lifecycle import LABELS
from leads.pure.money import to_amount
from leads.pure.table_file import Row
from leads.pure.words import MISSING
from leads.queries.imports import campaigns_named


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A row with its line, one text per previewed field, and what would become of it; ``reason`` only if refused."""

    line: int
    texts: list[str]
    verdict: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """The fields that have a column, and the first rows as they would be taken."""

    fields: list[Field]
    rows: list[PreviewRow]


def preview_import(*, run: ImportRun, at: datetime, count: int = 20) -> Preview:
    """The first rows; those the last try refused bear its reason."""
    plan = plan_of(run, at)
    seen: dict[tuple[str, ...], int] = {}
    read = [(row, read_row(row, plan, seen)) for row in islice(rows_of(table_of(run=run), plan), count)]
    refused = {each.line: each for each in run.row_errors.order_by("line")[: count * 2]}
    known = _known([record for _, record in read if not isinstance(record, RowRefused)], plan.preset)
    names = {
        "channel": dict(Channel.objects.values_list("key", "name")),
        "stage": {**dict(PipelineStage.objects.values_list("key", "name")), **LABELS},
    }
    fields = [each for each in FIELDS[run.kind] if each.name in run.columns]
    rows = []
    for row, record in read:
        texts = [_text(each.name, row, record, plan, names) for each in fields]
        error = refused.get(row.number)
        if error or isinstance(record, RowRefused):
            reason = error.error if error else str(record)
            rows.append(PreviewRow(row.number, texts, "rejected", reason))
        else:
            rows.append(PreviewRow(row.number, texts, "known" if known & set(record.identities()) else "new"))
    return Preview(fields, rows)


def _known(records: Collection[Record], service: str) -> set[tuple[str, ...]]:
    """Identities that the portal has already."""
    people = [record for record in records if isinstance(record, LeadRecord)]
    found: set[tuple[str, ...]] = set()
    if people:
        emails = {record.email for record in people} - {""}
        ids = {record.external_id for record in people} - {""}
        found |= {("email", email) for email in _values(Lead, "email", emails)}
        found |= {("external id", key) for key in _values(Lead, "external_id", ids)}
    came = {record.email: record for record in records if isinstance(record, AttendanceRecord)}
    found |= {key for email in _values(Lead, "email", set(came)) for key in came[email].identities()}
    deals = {record.external_id for record in records if isinstance(record, DealRecord)}
    found |= {("external id", key) for key in _values(Opportunity, "external_id", deals)}
    companies = [record for record in records if isinstance(record, AccountRecord)]
    found |= {("domain", key) for key in _values(Account, "domain", {each.domain for each in companies} - {""})}
    found |= {("name", key.casefold()) for key in _values(Account, "name", {each.name for each in companies} - {""})}
    costs = [record for record in records if isinstance(record, CostRecord)]
    return found | (_known_costs(costs, service) if costs else set())


def _known_costs(records: Collection[CostRecord], service: str) -> set[tuple[str, ...]]:
    codes = campaigns_named() if service else dict(Campaign.objects.values_list("code", "pk"))
    named = {record: codes.get(record.campaign.casefold()) for record in records}
    source = service or IMPORTED
    rows = CampaignCost.objects.filter(campaign__in={each for each in named.values() if each}, source=source)
    days = set(rows.filter(spent_on__in={each.spent_on for each in named}).values_list("campaign", "spent_on"))
    return {
        identity
        for record, campaign in named.items()
        if (campaign, record.spent_on) in days
        for identity in record.identities()
    }


def _values(model: Any, column: str, wanted: Collection[str]) -> list[str]:
    return list(model.objects.filter(**{f"{column}__in": wanted}).values_list(column, flat=True)) if wanted else []


def _text(name: str, row: Row, record: Record | RowRefused, plan: Plan, names: Mapping[str, Mapping[str, str]]) -> str:
    """A cell as it would be taken, or as it stands in the file where that is the same or the row is refused."""
    cell = row.cells.get(plan.columns[name], "")
    value = None if isinstance(record, RowRefused) else getattr(record, name, None)
    if name in names and isinstance(record, LeadRecord | DealRecord) and value:
        return names[name].get(str(value), str(value))
    if name == "amount" and isinstance(record, DealRecord | CostRecord) and record.amount_cents is not None:
        return f"{to_amount(record.amount_cents, record.currency)} {record.currency}"
    if isinstance(value, datetime):
        return f"{value.astimezone(plan.tz):%-d %b %Y, %H:%M}"
    text = str(value) if isinstance(value, str) and value else cell
    return f"{text[:57]}…" if len(text) > 60 else text or MISSING
