"""HubSpot's records read and written: every value is a text, unset is null, an empty text clears."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from integrations.pure.mapping import Money

from ..base import (
    Kind,
    Outage,
    Owner,
    RemoteCampaign,
    RemoteContact,
    RemoteRecord,
    SchemaField,
    Stage,
    StageChange,
    amount_or_text,
)

KEY = "revops_portal_id"
"""The property of ours that holds our own id, unique in the CRM. Never the e-mail: people share and change those."""

OBJECTS: Mapping[Kind, str] = {"person": "contacts", "deal": "0-3", "account": "companies"}
"""Names in the paths of objects; deals go by their type's id there."""
NAMES: Mapping[Kind, str] = {"person": "contacts", "deal": "deals", "account": "companies"}
"""Names in the paths of properties, pipelines and associations."""
MODIFIED: Mapping[Kind, str] = {
    "person": "lastmodifieddate",
    "deal": "hs_lastmodifieddate",
    "account": "hs_lastmodifieddate",
}
MERGED = "hs_merged_object_ids"
BOOKKEEPING = frozenset({KEY, MERGED, "createdate", "lastmodifieddate", "hs_lastmodifieddate", "hs_object_id"})
"""What HubSpot returns unasked or we ask for ourselves: no content of the record."""

PROPERTIES: Mapping[Kind, tuple[str, ...]] = {
    "person": (
        "email", "firstname", "lastname", "company", "jobtitle", "phone", "country", "state", "zip", "industry",
        "lifecyclestage", "hs_lead_status", "hubspot_owner_id", "associatedcompanyid",
    ),
    "deal": (
        "dealname", "pipeline", "dealstage", "hs_is_closed", "hs_is_closed_won", "hs_deal_stage_probability", "amount",
        "deal_currency_code", "closedate", "closed_lost_reason", "hubspot_owner_id", "dealtype",
    ),
    "account": ("name", "domain", "industry", "hubspot_owner_id"),
}  # fmt: skip
DEAL_FIELDS = (
    SchemaField("name", "Name", "text", is_required=True),
    SchemaField("stage", "Pipeline and stage", "stage", is_required=True),
    SchemaField("status", "Status", "text", is_writable=False),
    SchemaField("amount", "Amount", "money"),
    SchemaField("currency", "Currency", "text"),
    SchemaField("close_on", "Close date", "date"),
    SchemaField("closed_at", "Closed at", "datetime", is_writable=False),
    SchemaField("lost_reason", "Closed lost reason", "text"),
    SchemaField("owner_id", "Owner", "owner"),
)
ACCOUNT_FIELDS = (
    SchemaField("name", "Name", "text"),
    SchemaField("domain", "Domain", "text"),
    SchemaField("industry", "Industry", "text"),
    SchemaField("owner_id", "Owner", "owner"),
)
LONGEST = 65_536
"""Characters of a text."""
HISTORY = ("dealstage", "pipeline", "amount", "deal_currency_code")
TOGETHER = timedelta(seconds=1)
TYPES: Mapping[str, Any] = {
    "number": "number", "date": "date", "datetime": "datetime", "bool": "boolean", "enumeration": "choice",
}  # fmt: skip


def text(value: Any) -> str:
    """A value as HubSpot takes it: dates in ISO form, several choices joined by semicolons."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        value = value.amount
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return ";".join(text(each) for each in value) if isinstance(value, (list, tuple, set)) else str(value)


def epoch(moment: datetime) -> str:
    """Milliseconds since 1970, rounded up: HubSpot's stamps are no finer, so half-open windows stay half-open."""
    return str(-((datetime.fromtimestamp(0, UTC) - moment) // timedelta(milliseconds=1)))


def moment(value: Any) -> datetime:
    """A stamp, in ISO form (`2026-11-22T02:00:00.123Z`) or in milliseconds."""
    words = str(value)
    if words.lstrip("-").isdigit():
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(words))
    read = datetime.fromisoformat(words)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def merged_ids(row: Mapping[str, Any]) -> list[str]:
    """The records that this one swallowed."""
    return [each for each in str(row["properties"].get(MERGED) or "").replace(",", ";").split(";") if each]


def record(kind: Kind, row: Mapping[str, Any], *, currency: str = "", zone: tzinfo = UTC) -> RemoteRecord:
    """A row as a record. Amounts without a currency are in the account's; dates are days of the account's zone."""
    held: Mapping[str, Any] = row["properties"]
    is_archived = bool(row["archived"])
    modified = held.get(MODIFIED[kind]) or row["updatedAt"]
    if is_archived and row.get("archivedAt"):
        modified = row["archivedAt"]
    fields: dict[str, Any] = {name: value for name, value in held.items() if name not in BOOKKEEPING}
    account_id = fields.pop("associatedcompanyid", None) if kind == "person" else None
    if kind == "deal":
        fields = deal_fields(held, currency=currency, zone=zone)
    elif kind == "account":
        others = {name: value for name, value in fields.items() if name not in PROPERTIES["account"]}
        fields = {each: fields.get(each) or "" for each in ("name", "domain", "industry")}
        fields |= {"owner_id": held.get("hubspot_owner_id") or "", "properties": others}
    return RemoteRecord(
        kind=kind,
        remote_id=str(row["id"]),
        key=held.get(KEY) or None if kind == "person" else None,
        fields=fields,
        modified_at=moment(modified),
        created_at=moment(row["createdAt"]),
        is_archived=is_archived,
        is_deleted=is_archived,
        account_id=account_id or None,
    )


def deal_fields(held: Mapping[str, Any], *, currency: str, zone: tzinfo) -> dict[str, Any]:
    """A deal in our names. The close date is the expected day while open and the real one afterwards."""
    status = "won" if held.get("hs_is_closed_won") == "true" else "lost" if held.get("hs_is_closed") == "true" else ""
    if not status and held.get("hs_is_closed") is None:
        status = _status(held.get("hs_deal_stage_probability"), None)
    closes, close_on = _closing(held.get("closedate"), zone)
    others = {name: value for name, value in held.items() if name not in {*PROPERTIES["deal"], *BOOKKEEPING}}
    return {
        "name": held.get("dealname") or "",
        "stage": stage_key(held.get("pipeline"), held.get("dealstage")),
        "status": status or "open",
        "amount": amount_or_text(held.get("amount")),
        "currency": held.get("deal_currency_code") or currency,
        "close_on": close_on,
        "closed_at": closes if status in ("won", "lost") else None,
        "lost_reason": held.get("closed_lost_reason") or "",
        "owner_id": held.get("hubspot_owner_id") or "",
        "properties": others | {"pipeline": held.get("pipeline"), "dealtype": held.get("dealtype")},
    }


def _closing(value: Any, zone: tzinfo) -> tuple[datetime | None, date | str | None]:
    """The moment and its day; what no calendar has stays as it came, in place of the day."""
    if not value:
        return None, None
    try:
        closes = moment(value).astimezone(zone)
    except (ValueError, OverflowError):
        return None, str(value)
    return closes, closes.date()


def stage_key(pipeline: Any, stage: Any) -> str:
    """`pipeline/stage`: an account has several pipelines, and stages of the same name in them."""
    return f"{pipeline}/{stage}"


def stages(pipelines: Iterable[Mapping[str, Any]]) -> tuple[Stage, ...]:
    """The stages of all pipelines, in the order people see them."""
    ordered = sorted((each for each in pipelines if not each["archived"]), key=lambda each: (each["displayOrder"],
                                                                                            each["label"]))  # fmt: skip
    found: list[Stage] = []
    for pipeline in ordered:
        prefix = f"{pipeline['label']}: " if len(ordered) > 1 else ""
        for row in sorted(pipeline["stages"], key=lambda each: (each["displayOrder"], each["label"])):
            told = row["metadata"]
            share = told.get("probability")
            probability = None if share in (None, "") else min(max(float(share), 0.0), 1.0)
            status = _status(told.get("probability"), told.get("isClosed")) or "open"
            key = stage_key(pipeline["id"], row["id"])
            found.append(Stage(key, prefix + row["label"], len(found), probability, status))  # type: ignore[arg-type]
    return tuple(found)


def _status(probability: Any, is_closed: Any) -> str:
    """Won at 1, lost at 0, as HubSpot defines closed stages; a closed stage in between counts by its nearer end."""
    if probability in (None, "") or str(is_closed).lower() == "false":
        return ""
    chance = Decimal(str(probability))
    if str(is_closed).lower() == "true":
        return "won" if chance >= Decimal("0.5") else "lost"
    return {Decimal(1): "won", Decimal(0): "lost"}.get(chance, "")


def owner(row: Mapping[str, Any]) -> Owner:
    """A user, or somebody who was one."""
    name = f"{row.get('firstName') or ''} {row.get('lastName') or ''}".strip()
    mail = row.get("email") or ""
    return Owner(str(row["id"]), name or mail or str(row["id"]), mail, is_active=not row["archived"])


def history(row: Mapping[str, Any], *, currency: str) -> Iterator[StageChange]:
    """The past of one deal, oldest first.

    Each property has a history of its own; one save of several stamps them within a moment, so what lies together is
    one line. Later lines of the same property never join an earlier one.
    """
    deal_id, held = str(row["id"]), row["properties"]
    # HubSpot lists the newest first; of equal stamps the older must stay ahead.
    lines = [(name, each) for name in HISTORY for each in reversed(row["propertiesWithHistory"].get(name) or ())]
    events = sorted(((moment(each["timestamp"]), name, each) for name, each in lines), key=lambda event: event[0])
    groups: list[list[tuple[datetime, str, Mapping[str, Any]]]] = []
    for event in events:
        group = groups[-1] if groups else []
        if group and event[0] - group[0][0] < TOGETHER and event[1] not in {name for _, name, _ in group}:
            group.append(event)
        else:
            groups.append([event])
    past: dict[str, Any] = {name: _first(row, name) or held.get(name) for name in ("pipeline", "deal_currency_code")}
    past["dealstage"] = None
    before: tuple[str | None, Any, str] = (None, None, "")
    for group in groups:
        past |= {name: each.get("value") for _, name, each in group}
        if not past["dealstage"]:
            continue
        stage = stage_key(past["pipeline"], past["dealstage"])
        amount = amount_or_text(past.get("amount"))
        counted_in = past["deal_currency_code"] or currency
        if (stage, amount, counted_in) != before:
            yield StageChange(
                remote_id=f"{deal_id}:{epoch(group[0][0])}:{past['dealstage']}",
                deal_id=deal_id,
                from_stage=before[0],
                to_stage=stage,
                amount=amount,
                currency=counted_in,
                changed_at=group[0][0],
                changed_by=str(group[0][2].get("updatedByUserId") or group[0][2].get("sourceId") or ""),
            )
        before = (stage, amount, counted_in)


def _first(row: Mapping[str, Any], name: str) -> Any:
    lines = sorted(row["propertiesWithHistory"].get(name) or (), key=lambda each: moment(each["timestamp"]))
    return lines[0]["value"] if lines else None


def schema_field(row: Mapping[str, Any], prefix: str = "", required: Collection[str] = ()) -> SchemaField:
    """A property as a field of the mapping; `required` are those without which a record is refused."""
    told = row.get("modificationMetadata") or {}
    kind = TYPES.get(row["type"], "text")
    if kind == "choice" and row.get("fieldType") == "checkbox":
        kind = "choices"
    if row.get("referencedObjectType") == "OWNER" or row["name"] == "hubspot_owner_id":
        kind = "owner"
    elif row.get("showCurrencySymbol") and kind == "number":
        kind = "money"
    options = tuple((str(each["value"]), str(each["label"])) for each in row["options"] if not each.get("hidden"))
    return SchemaField(
        name=prefix + row["name"],
        label=row["label"],
        type=kind,
        is_writable=not (told.get("readOnlyValue") or row.get("calculated")),
        is_required=row["name"] in required,
        is_custom=not row.get("hubspotDefined"),
        choices=options if kind in ("choice", "choices") else (),
        length=LONGEST if kind == "text" else 0,
    )


def campaign(row: Mapping[str, Any], currency: str) -> RemoteCampaign:
    """A marketing campaign; its cost is the sum of its spend items. One without a currency counts in the account's."""
    held = row["properties"]
    status = str(held.get("hs_campaign_status") or "")
    return RemoteCampaign(
        remote_id=str(row["id"]),
        name=held.get("hs_name") or str(row["id"]),
        starts_on=_day(held.get("hs_start_date")),
        ends_on=_day(held.get("hs_end_date")),
        budget=_money(held.get("hs_budget_items_sum_amount")),
        cost=_money(held.get("hs_spend_items_sum_amount")),
        currency=held.get("hs_currency_code") or currency,
        is_active=status.lower() not in ("completed", "paused"),
    )


def _day(value: Any) -> date | None:
    return moment(value).date() if value else None


def _money(value: Any) -> Decimal | None:
    return Decimal(str(value)) if value not in (None, "") else None


def links(payload: Any) -> tuple[dict[str, list[tuple[str, str]]], list[dict[str, str]]]:
    """(other id, label) by id out of a batch of associations, and what to ask next for those with more.

    A record without any stands among `errors`; every other error there means that we did not see all.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    further: list[dict[str, str]] = []
    for row in payload["results"]:
        from_id = str(row["from"]["id"])
        for other in row["to"]:
            labels = [(each["category"] != "USER_DEFINED", each["label"]) for each in other["associationTypes"]
                      if each.get("label")]  # fmt: skip
            found.setdefault(from_id, []).append((str(other["toObjectId"]), min(labels)[1] if labels else ""))
        following = ((row.get("paging") or {}).get("next") or {}).get("after")
        if following:
            further.append({"id": from_id, "after": str(following)})
    for error in payload.get("errors") or ():
        if str(error.get("subCategory") or "").rpartition(".")[2] not in ("NO_ASSOCIATIONS_FOUND", ""):
            raise Outage("HubSpot kept associations back.", code=str(error.get("category"))[:80])
    return found, further


def contacts(linked: Sequence[tuple[str, str]]) -> tuple[RemoteContact, ...]:
    """The people of a deal. Our ids of them would cost a call per hundred; they come with the people themselves."""
    return tuple(RemoteContact(each, None, label) for each, label in linked)
