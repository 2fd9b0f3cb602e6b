"""Pipedrive's shapes to ours and back; no calls here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

from integrations.pure.mapping import Money

from ..base import (
    Draft,
    Kind,
    Owner,
    RemoteContact,
    RemoteRecord,
    Schema,
    SchemaField,
    Stage,
    amount_or_text,
    day_or_text,
)
from ..described import FieldType
from ..http import Answer

Row = Mapping[str, Any]
STANDARD: dict[Kind, tuple[SchemaField, ...]] = {
    "person": (
        SchemaField("name", "Name", "text"),
        SchemaField("first_name", "First name", "text"),
        SchemaField("last_name", "Last name", "text"),
        SchemaField("email", "Email", "text"),
        SchemaField("phone", "Phone", "text"),
        SchemaField("owner_id", "Owner", "owner"),
        SchemaField("company", "Organization, by name", "text", length=255),
        SchemaField("org_id", "Organization", "number"),
    ),
    "deal": (
        SchemaField("name", "Title", "text", is_writable=False),
        SchemaField("stage", "Stage", "stage", is_writable=False),
        SchemaField("status", "Status", "text", is_writable=False),
        SchemaField("amount", "Value", "money", is_writable=False),
        SchemaField("currency", "Currency", "text", is_writable=False),
        SchemaField("close_on", "Close date", "date", is_writable=False),
        SchemaField("closed_at", "Won or lost at", "datetime", is_writable=False),
        SchemaField("lost_reason", "Lost reason", "text", is_writable=False),
        SchemaField("owner_id", "Owner", "owner", is_writable=False),
    ),
    "account": (
        SchemaField("name", "Name", "text", is_writable=False),
        SchemaField("owner_id", "Owner", "owner", is_writable=False),
    ),
}
TYPES: Mapping[str, FieldType] = {
    "double": "number", "int": "number", "monetary": "money", "date": "date", "time": "text", "enum": "choice",
    "user": "owner", "boolean": "boolean", "set": "choices", "org": "number", "people": "number", "address": "address",
}  # fmt: skip
# A person of Pipedrive has no members of its own for these: they stand in custom fields of such a name, as texts.
PLACES: Mapping[str, tuple[str, ...]] = {
    "job_title": ("job title", "title", "position", "jobtitle"),
    "country": ("country",),
    "region": ("region", "state", "state/region"),
    "postal_code": ("postal code", "zip code", "zip", "postcode"),
}
# Of accounts with Pipedrive's Campaigns only. What was said once is not taken back by the API.
MARKETING = SchemaField(
    "marketing_status",
    "Marketing status",
    "choice",
    choices=(
        ("no_consent", "No consent"),
        ("unsubscribed", "Unsubscribed"),
        ("subscribed", "Subscribed"),
        ("archived", "Archived"),
    ),
)
LENGTHS = {"varchar": 255, "varchar_auto": 255}
NESTED: Mapping[Kind, str] = {"person": "custom_fields", "deal": "properties", "account": "properties"}
KINDS: Mapping[str, Kind] = {"person": "person", "deal": "deal", "organization": "account"}


def clock(answer: Answer) -> datetime:
    """The server's clock."""
    if answer.date is None:
        raise ValueError("no Date header")
    return answer.date


def stamp(moment: datetime) -> str:
    """Whole seconds as Pipedrive takes them: `2026-01-05T09:30:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: Any) -> datetime | None:
    """v2 writes RFC 3339, v1 `2026-01-05 09:30:00` and means UTC."""
    if not text:
        return None
    value = datetime.fromisoformat(str(text))
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# --- what there is ---------------------------------------------------------------------------------------


def schema(kind: Kind, rows: Sequence[Row]) -> Schema:
    """Standard fields in our names and custom ones as `custom_fields.<code>` (of deals: `properties.<code>`)."""
    custom = (
        SchemaField(
            f"{NESTED[kind]}.{row['field_code']}",
            str(row["field_name"]),
            TYPES.get(row["field_type"], "text"),
            is_writable=kind == "person",
            is_custom=True,
            choices=tuple((str(each["id"]), str(each["label"])) for each in row.get("options") or []),
            length=LENGTHS.get(row["field_type"], 0),
            decimals=0 if row["field_type"] == "int" else None,
        )
        for row in rows
        if row["is_custom_field"]
    )
    placed = (
        SchemaField(name, str(row["field_name"]), "text", length=LENGTHS.get(row["field_type"], 0))
        for name, row in (places(rows) if kind == "person" else {}).items()
    )
    has_marketing = kind == "person" and any(row["field_code"] == MARKETING.name for row in rows)
    return Schema(kind, (*STANDARD[kind], *((MARKETING,) if has_marketing else ()), *placed, *custom))


def places(rows: Sequence[Row]) -> dict[str, Row]:
    """The custom field that keeps what a person has no member for, by our name: a text of one of the usual names."""
    texts = [row for row in rows if row["is_custom_field"] and row["field_type"] in ("varchar", "varchar_auto", "text")]
    named = {str(row["field_name"]).strip().casefold(): row for row in reversed(texts)}
    found = {name: next((named[each] for each in usual if each in named), None) for name, usual in PLACES.items()}
    return {name: row for name, row in found.items() if row is not None}


def email_term(email: str) -> str:
    """An address as a directory keeps it."""
    return f"email:{email.strip().casefold()}"


def key_term(key: str) -> str:
    """Our key as a directory keeps it."""
    return f"custom_fields:{key}"


def stages(pipelines: Sequence[Row], rows: Sequence[Row]) -> tuple[Stage, ...]:
    """Every pipeline's stages in order, then what stands for its won and lost deals."""
    alive = [each for each in pipelines if not each.get("is_deleted")]
    found: list[Stage] = []

    def add(
        key: str, pipeline: Row, name: str, probability: float | None, status: Literal["open", "won", "lost"]
    ) -> None:
        label = f"{pipeline['name']}: {name}" if len(alive) > 1 else name
        found.append(Stage(key, label, len(found) + 1, probability, status))

    for pipeline in sorted(alive, key=lambda each: (each.get("order_nr") or 0, each["id"])):
        # Switched off, a pipeline still lists 100 for each of its stages.
        is_told = pipeline.get("is_deal_probability_enabled") is not False
        mine = (row for row in rows if row["pipeline_id"] == pipeline["id"] and not row.get("is_deleted"))
        for row in sorted(mine, key=lambda each: (each["order_nr"], each["id"])):
            share = row.get("deal_probability") if is_told else None
            add(str(row["id"]), pipeline, str(row["name"]), None if share is None else share / 100, "open")
        add(f"{pipeline['id']}:won", pipeline, "Won", 1.0, "won")
        add(f"{pipeline['id']}:lost", pipeline, "Lost", 0.0, "lost")
    return tuple(found)


def owners(rows: Sequence[Row]) -> tuple[Owner, ...]:
    """The account's users."""
    return tuple(Owner(str(row["id"]), str(row["name"]), str(row["email"]), bool(row["active_flag"])) for row in rows)


# --- records ---------------------------------------------------------------------------------------------


def record(kind: Kind, row: Row, key_code: str = "", at: Mapping[str, str] | None = None) -> RemoteRecord:
    """A row of v2; a person's key stands in the custom field `key_code`, further facts in those that `at` names."""
    shaped = {"person": _person, "deal": _deal, "account": _account}[kind](row)
    if kind == "person" and at:
        held = row.get("custom_fields") or {}
        shaped = replace(shaped, fields={**shaped.fields, **{name: held.get(code) or "" for name, code in at.items()}})
    modified_at = moment(row["update_time"]) or moment(row["add_time"])
    if modified_at is None:
        raise ValueError("no time of the last change")
    custom = row.get("custom_fields") or {}
    is_deleted = bool(row.get("is_deleted") or row.get("status") == "deleted")
    return replace(
        shaped,
        remote_id=str(int(row["id"])),
        key=str(custom.get(key_code) or "") or None if key_code else None,
        modified_at=modified_at,
        created_at=moment(row.get("add_time")),
        is_archived=is_deleted or bool(row.get("is_archived")),
        is_deleted=is_deleted,
    )


def participant(row: Row) -> str | None:
    """The person of a participant; v1 shows the id as a value with names around it."""
    told = row.get("person_id")
    return _id(told.get("value") if isinstance(told, Mapping) else told)


def _empty(kind: Kind, fields: Mapping[str, Any], **more: Any) -> RemoteRecord:
    return RemoteRecord(kind, "", None, fields, datetime.min.replace(tzinfo=UTC), **more)


def _person(row: Row) -> RemoteRecord:
    fields = {name: row.get(name) or "" for name in ("name", "first_name", "last_name")}
    fields |= {"email": _primary(row.get("emails")), "phone": _primary(row.get("phones"))}
    fields |= {"emails": row.get("emails") or [], "phones": row.get("phones") or []}
    fields |= {"owner_id": _id(row.get("owner_id")), "org_id": row.get("org_id")}
    fields["custom_fields"] = dict(row.get("custom_fields") or {})
    if MARKETING.name in row:
        fields[MARKETING.name] = str(row[MARKETING.name] or "")
    return _empty("person", fields, account_id=_id(row.get("org_id")))


def _deal(row: Row) -> RemoteRecord:
    status = row["status"] if row["status"] in ("won", "lost") else "open"
    closed_at = moment(row.get(f"{status}_time") or row.get("close_time")) if status != "open" else None
    fields = {
        "name": row["title"],
        "stage": str(row["stage_id"]) if status == "open" else f"{row['pipeline_id']}:{status}",
        "status": status,
        "amount": amount_or_text(row.get("value")),
        "currency": row.get("currency") or "",
        # The day as its people saw it; of a deal that is open, the day expected.
        "close_on": day_or_text((row.get(f"local_{status}_date" if closed_at else "expected_close_date") or "")[:10]),
        "closed_at": closed_at,
        "lost_reason": row.get("lost_reason") or "",
        "owner_id": _id(row.get("owner_id")),
        "properties": {
            name: row.get(name)
            for name in ("pipeline_id", "stage_id", "stage_change_time", "channel", "channel_id", "origin")
        }
        | dict(row.get("custom_fields") or {}),
    }
    person = _id(row.get("person_id"))
    contacts = (RemoteContact(person, None),) if person else ()
    return _empty("deal", fields, contacts=contacts, account_id=_id(row.get("org_id")))


def _account(row: Row) -> RemoteRecord:
    fields = {"name": row["name"], "domain": "", "industry": "", "owner_id": _id(row.get("owner_id"))}
    return _empty("account", fields | {"properties": dict(row.get("custom_fields") or {})})


def _primary(rows: Any) -> str:
    chosen = [each for each in rows or [] if each.get("primary")] or list(rows or [])
    return str(chosen[0]["value"] or "") if chosen else ""


def _id(value: Any) -> str | None:
    return None if value is None else str(int(value))


# --- writing ---------------------------------------------------------------------------------------------


def person_body(fields: Mapping[str, Any], known: RemoteRecord | None) -> dict[str, Any]:
    """What v2 takes for a draft's fields. Names are one there; e-mails and phones that it holds besides stay."""
    theirs: Mapping[str, Any] = known.fields if known else {}
    body: dict[str, Any] = {}
    if "first_name" in fields or "last_name" in fields:
        parts = (str(fields.get(name, theirs.get(name)) or "").strip() for name in ("first_name", "last_name"))
        body["name"] = " ".join(part for part in parts if part)
    if "name" in fields:
        body["name"] = str(fields["name"] or "")
    if not body.get("name", "-"):
        body.pop("name")  # a person without a name is refused
    for name in ("email", "phone"):
        if name in fields:
            body[f"{name}s"] = _merged(theirs.get(f"{name}s", []), str(fields[name] or ""))
    if fields.get(MARKETING.name):
        body[MARKETING.name] = str(fields[MARKETING.name])
    for name in ("owner_id", "org_id"):
        if fields.get(name):
            body[name] = int(fields[name]) if str(fields[name]).isdigit() else fields[name]
    return body


def address_of(fields: Mapping[str, Any]) -> str:
    """Where a person's company is, as far as a draft tells: `80331, Bavaria, DE`."""
    return ", ".join(str(fields[name]) for name in ("postal_code", "region", "country") if fields.get(name))


def custom_body(
    draft: Draft, key_code: str, types: Mapping[str, str], at: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Custom fields by code, our key among them. `types` are those of the fields that were described, `at` the codes
    of what a person has no member for."""
    placed = {code: draft.fields[name] or "" for name, code in (at or {}).items() if name in draft.fields}
    given = placed | dict(draft.fields.get("custom_fields") or {})
    return {**{code: _encoded(value, types.get(code, "")) for code, value in given.items()}, key_code: draft.key}


def _encoded(value: Any, kind: str) -> Any:
    """A value in the JSON that v2 takes for a field of this type: options by their number, money and addresses as
    objects."""
    if value is None or (value == "" and kind not in ("", "text")):
        return None
    if isinstance(value, Money):
        return {"value": _number(value.amount), "currency": value.currency}
    if kind in ("choice", "choices"):
        rows = value if isinstance(value, (list, tuple, set)) else [value]
        ids = [int(each) if str(each).isdigit() else each for each in rows]
        return ids if kind == "choices" else ids[0]
    if kind == "address":
        return {"value": str(value)}
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime):
        return stamp(value)
    return value.isoformat() if isinstance(value, date) else value


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def differing(body: Mapping[str, Any], known: RemoteRecord) -> dict[str, Any]:
    """The members of a body that the person does not hold yet; custom fields one by one."""
    theirs = known.fields
    sent: dict[str, Any] = {}
    for name, value in body.items():
        present = theirs.get(name)
        if name == "custom_fields":
            held = theirs.get("custom_fields", {})
            if changed := {code: each for code, each in value.items() if not _holds(held.get(code), each)}:
                sent[name] = changed
        elif str(present or "") != str(value or "") if name == "owner_id" else present != value:
            sent[name] = value
    return sent


def _holds(theirs: Any, ours: Any) -> bool:
    """Whether a custom field says this already: the parts that we send of an object, options in any order."""
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        return all(theirs.get(name) == value for name, value in ours.items())
    if isinstance(theirs, list) and isinstance(ours, list):
        return sorted(map(str, theirs)) == sorted(map(str, ours))
    return bool((theirs or "") == (ours or ""))


def _merged(theirs: Sequence[Row], value: str) -> list[dict[str, Any]]:
    """`value` as the primary one, before the others that Pipedrive holds; an empty one says nothing of those."""
    held = [dict(each) for each in theirs]
    if not value:
        return held
    same = [each for each in held if str(each.get("value", "")).casefold() == value.casefold()]
    if same and same[0].get("primary"):
        return held
    first = {"value": value, "primary": True, "label": str(same[0].get("label") or "work") if same else "work"}
    return [first, *({**each, "primary": False} for each in held if each not in same)]
