"""Rows of Salesforce to records of ours, and drafts of ours to rows.

A converted lead lives on as a contact; both are persons here, under the names that a Lead's fields have.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from integrations.pure.mapping import Money

from ..base import (
    CampaignMember,
    Converted,
    Draft,
    Kind,
    RemoteCampaign,
    RemoteContact,
    RemoteRecord,
    SchemaField,
    Stage,
    StageChange,
    amount_or_text,
    as_amount,
    as_day,
    day_or_text,
)
from .soql import CODES, CONTACT, CURRENCY, KEY, OF_ACCOUNT

Row = Mapping[str, Any]
LEAD_PREFIX, CONTACT_PREFIX = "00Q", "003"
# Salesforce refuses a lead without these; its own forms for leads from the web write the same words.
NEEDED = {"LastName": "[not provided]", "Company": "[not provided]"}
NEVER_EMPTY = frozenset({"OwnerId", "Status"})
OUR_DEAL_FIELDS = (
    SchemaField("name", "Name", "text", is_required=True),
    SchemaField("stage", "Stage", "stage"),
    SchemaField("status", "Status", "text", is_writable=False),
    SchemaField("amount", "Amount", "money"),
    SchemaField("currency", "Currency", "text"),
    SchemaField("close_on", "Close date", "date"),
    SchemaField("closed_at", "Closed at", "datetime", is_writable=False),
    SchemaField("lost_reason", "Lost because", "text"),
    SchemaField("owner_id", "Owner", "owner"),
)
OUR_ACCOUNT_FIELDS = (
    SchemaField("name", "Name", "text", is_required=True),
    SchemaField("domain", "Domain", "text"),
    SchemaField("industry", "Industry", "text"),
    SchemaField("owner_id", "Owner", "owner"),
)
TEXTS = frozenset(["string", "textarea", "email", "phone", "url", "encryptedstring", "combobox"])
SCALED = frozenset(["double", "currency", "percent"])
TYPES: Mapping[str, Any] = {
    "double": "number", "int": "number", "long": "number", "percent": "number", "currency": "money", "date": "date",
    "datetime": "datetime", "boolean": "boolean", "picklist": "choice", "multipicklist": "choices", "address": "object",
    "location": "object", "complexvalue": "object", "anyType": "object", "base64": "object", "json": "object",
}  # fmt: skip


# --- what goes out ---------------------------------------------------------------------------------------


def lead_row(key: str, fields: Row, *, is_known: bool) -> dict[str, Any]:
    """A row of a batch upsert. Empty text clears a field; what a lead must have is filled in at first and left alone
    later."""
    row: dict[str, Any] = {"attributes": {"type": "Lead"}, KEY: key}
    for name, value in fields.items():
        if name in ("Id", "id", "attributes", KEY):
            continue
        plain = _plain(value)
        if plain is None and name in NEEDED:
            if not is_known:
                row[name] = NEEDED[name]
        elif plain is not None or name not in NEVER_EMPTY:
            row[name] = plain
    return row if is_known else NEEDED | row


def contact_row(key: str, contact_id: str, fields: Row, names: Mapping[str, str]) -> dict[str, Any]:
    """A row of a batch update: what a contact holds of a lead, and our key. `names` are its own of a lead's fields."""
    row: dict[str, Any] = {"attributes": {"type": "Contact"}, "id": contact_id, KEY: key}
    for name, there in names.items():
        if name in fields:
            plain = _plain(fields[name])
            if plain is not None or name not in NEVER_EMPTY | NEEDED.keys():
                row[there] = plain
    return row


def merged(drafts: Sequence[Draft]) -> dict[str, Draft]:
    """One draft per key, later fields over earlier ones: Salesforce refuses both rows when a key comes twice."""
    found: dict[str, Draft] = {}
    for draft in drafts:
        before = found.get(draft.key)
        if before is None:
            found[draft.key] = draft
        else:
            remote_id = draft.remote_id or before.remote_id
            found[draft.key] = replace(draft, fields={**before.fields, **draft.fields}, remote_id=remote_id)
    return found


def _plain(value: Any) -> Any:
    """JSON's own types; empty text is null, which clears fields of any type."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Money):
        return float(value.amount)
    if isinstance(value, (list, tuple, set)):
        return ";".join(str(each) for each in value) or None
    return float(value) if isinstance(value, Decimal) else value


# --- what comes in ---------------------------------------------------------------------------------------


def lead_record(row: Row, extras: Sequence[str], names: Sequence[str]) -> RemoteRecord:
    """A Lead, converted or not."""
    converted = None
    if row["IsConverted"]:
        converted = Converted(row["ConvertedContactId"], row["ConvertedAccountId"], row["ConvertedOpportunityId"])
    fields = {name: row[name] for name in (*names, *extras)}
    return _record("person", row, fields, key=row[KEY], converted=converted)


def contact_record(row: Row, names: Mapping[str, str]) -> RemoteRecord:
    """A Contact, its fields under a Lead's names; `names` are its own of them."""
    account = row.get("Account") or {}
    fields = {name: row[there] for name, there in names.items() if there in row}
    fields |= {name: account.get(there) for name, there in OF_ACCOUNT.items()}
    return _record("person", row, fields, key=row[KEY], account_id=row["AccountId"])


def account_record(row: Row, extras: Sequence[str]) -> RemoteRecord:
    """An Account; its domain is the host of its website."""
    fields = {
        "name": row["Name"] or "",
        "domain": domain(row["Website"] or ""),
        "industry": row["Industry"] or "",
        "owner_id": row["OwnerId"],
        "properties": {name: row[name] for name in extras},
    }
    return _record("account", row, fields)


def deal_record(row: Row, extras: Sequence[str], contacts: Iterable[RemoteContact], currency: str) -> RemoteRecord:
    """An Opportunity. It closed when it came into its last stage."""
    moved = row["LastStageChangeDate"]
    fields = {
        "name": row["Name"] or "",
        "stage": row["StageName"],
        "status": status(row),
        "amount": amount_or_text(row["Amount"]),
        "currency": row.get(CURRENCY) or currency,
        "close_on": day_or_text(row["CloseDate"]),
        "closed_at": stamp(moved) if row["IsClosed"] and moved else None,
        "lost_reason": "",
        "owner_id": row["OwnerId"],
        "properties": {name: row[name] for name in extras},
    }
    return _record("deal", row, fields, contacts=tuple(contacts), account_id=row["AccountId"])


def _record(kind: Kind, row: Row, fields: Mapping[str, Any], **more: Any) -> RemoteRecord:
    is_gone = bool(row["IsDeleted"])
    if kind == "person":  # words that only stand in for nothing say nothing
        fields = {name: None if value and value == NEEDED.get(name) else value for name, value in fields.items()}
    return RemoteRecord(
        kind=kind,
        remote_id=str(row["Id"]),
        key=more.pop("key", None) or None,
        fields=fields,
        modified_at=stamp(row["SystemModstamp"]),
        created_at=stamp(row["CreatedDate"]),
        is_archived=is_gone,
        is_deleted=is_gone,
        merged_into=(row.get("MasterRecordId") or None) if is_gone else None,
        **more,
    )


def role_contacts(rows: Iterable[Row], keys: Mapping[str, str]) -> dict[str, list[RemoteContact]]:
    """People by opportunity, the primary one first; `keys` are ours of contacts that do not carry them themselves."""
    found: dict[str, list[RemoteContact]] = {}
    for row in sorted(rows, key=lambda row: (not row["IsPrimary"], row["Id"])):
        person = row["ContactId"]
        if not person:
            continue
        key = (row.get("Contact") or {}).get(KEY) or keys.get(person)
        role = "primary" if row["IsPrimary"] else row["Role"] or ""
        found.setdefault(row["OpportunityId"], []).append(RemoteContact(person, key, role))
    return found


def stage_changes(rows: Iterable[Row], currency: str) -> list[StageChange]:
    """Lines of one opportunity's history, oldest first. A line that moved neither stage nor amount is left out: history
    notes close dates and probabilities too."""
    lines: list[StageChange] = []
    for row in sorted(rows, key=lambda row: (row["CreatedDate"], row["Id"])):
        stage, amount, money_of = row["StageName"], amount_or_text(row["Amount"]), row.get(CURRENCY) or currency
        before = lines[-1] if lines else None
        if before is not None and (before.to_stage, before.amount, before.currency) == (stage, amount, money_of):
            continue
        lines.append(
            StageChange(
                remote_id=row["Id"],
                deal_id=row["OpportunityId"],
                from_stage=before.to_stage if before else None,
                to_stage=stage,
                amount=amount,
                currency=money_of,
                changed_at=stamp(row["CreatedDate"]),
                changed_by=row["CreatedById"] or "",
            )
        )
    return lines


def stages(rows: Iterable[Row]) -> tuple[Stage, ...]:
    """The stages in use by their order, then those of the past, which old deals still stand in."""
    found: dict[str, Stage] = {}
    for row in sorted(rows, key=lambda row: (not row["IsActive"], row["SortOrder"] or 0)):
        key = row["ApiName"] or row["MasterLabel"]
        if key not in found:
            told = row["DefaultProbability"]
            chance = None if told is None else float(told) / 100
            found[key] = Stage(key, row["MasterLabel"] or key, len(found) + 1, chance, status(row))
    return tuple(found.values())


def campaign(row: Row, currency: str) -> RemoteCampaign:
    """A Campaign."""
    return RemoteCampaign(
        remote_id=row["Id"],
        name=row["Name"] or "",
        kind=row["Type"] or "",
        starts_on=as_day(row["StartDate"]),
        ends_on=as_day(row["EndDate"]),
        budget=as_amount(row["BudgetedCost"]),
        cost=as_amount(row["ActualCost"]),
        currency=row.get(CURRENCY) or currency,
        is_active=bool(row["IsActive"]),
        parent_id=row["ParentId"],
    )


def member(row: Row) -> CampaignMember | None:
    """A CampaignMember. One of a converted lead names both records; the contact is the one that lives on."""
    person = row["ContactId"] or row["LeadId"]
    if not person:
        return None
    key = (row.get("Contact") or {}).get(KEY) or (row.get("Lead") or {}).get(KEY)
    responded = as_day(row["FirstRespondedDate"]) if row["HasResponded"] else None
    return CampaignMember(
        remote_id=row["Id"],
        campaign_id=row["CampaignId"],
        person_id=person,
        person_key=key or None,
        status=row["Status"] or "",
        created_at=stamp(row["CreatedDate"]),
        responded_at=responded,
    )


def schema_field(row: Row, prefix: str = "", *, coded_by: str = "", contact_name: str = "") -> SchemaField:
    """A field as `describe` tells of it."""
    kind: Any = "owner" if row["name"] == "OwnerId" else TYPES.get(row["type"], "text")
    choices = tuple(
        (str(each["value"]), str(each.get("label") or each["value"]))
        for each in row.get("picklistValues") or ()
        if each.get("active")
    )
    is_writable = bool(row["createable"] and row["updateable"])
    return SchemaField(
        name=prefix + row["name"],
        label=row["label"] or row["name"],
        type=kind,
        is_writable=is_writable,
        is_required=is_writable and not row["nillable"] and not row["defaultedOnCreate"],
        is_custom=bool(row["custom"]),
        choices=choices if kind in ("choice", "choices") else (),
        length=int(row.get("length") or 0) if kind == "text" and row["type"] in TEXTS else 0,
        decimals=0 if row["type"] in ("int", "long") else row.get("scale") if row["type"] in SCALED else None,
        is_rounded=row["type"] in SCALED,
        coded_by=coded_by,
        contact_name=contact_name,
    )


def person_fields(lead: Sequence[Row], contact: Sequence[Row]) -> tuple[SchemaField, ...]:
    """A Lead's fields, with what they are called on a Contact. Where an org has switched on picklists of countries and
    states, those are written by their codes."""
    there, known = {row["name"] for row in contact}, {row["name"] for row in lead}

    def contact_name(name: str) -> str:
        named = CONTACT.get(name, name if name.endswith("__c") else "")
        return named if named in there else ""

    return tuple(
        schema_field(
            row,
            coded_by=CODES[row["name"]] if CODES.get(row["name"]) in known else "",
            contact_name=contact_name(row["name"]),
        )
        for row in lead
    )


def status(row: Row) -> Any:
    """open, won or lost, of a stage or an opportunity."""
    return "won" if row["IsWon"] else "lost" if row["IsClosed"] else "open"


def stamp(value: str) -> datetime:
    """`2026-01-05T09:30:00.000+0000` in UTC."""
    return datetime.fromisoformat(value).astimezone(UTC)


def domain(website: str) -> str:
    """The host of a website as people type it, without `www.`."""
    try:
        host = urlsplit(website if "//" in website else f"//{website}").hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.").lower()
