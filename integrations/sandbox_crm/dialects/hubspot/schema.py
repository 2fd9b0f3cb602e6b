"""What a HubSpot account holds before anybody touches it: properties, pipelines, owners; and what values it takes."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..shapes import Members

EPOCH = "2026-01-01T00:00:00Z"
LONGEST = 65_536
_MAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")


def prop(
    name: str,
    label: str,
    kind: str = "string",
    *,
    options: Iterable[tuple[str, str]] = (),
    group: str = "",
    is_computed: bool = False,
    is_custom: bool = False,
    **further: Any,
) -> dict[str, Any]:
    """A property's definition as the API shows it."""
    shown = {"string": "text", "number": "number", "date": "date", "datetime": "date", "bool": "booleancheckbox"}
    return {
        "name": name, "label": label, "type": kind, "fieldType": shown.get(kind, "select"), "description": "",
        "groupName": group or "contactinformation", "displayOrder": -1, "calculated": False, "externalOptions": False,
        "options": [{"label": each, "value": value, "displayOrder": n, "hidden": False, "description": ""}
                    for n, (value, each) in enumerate(options)],
        "hasUniqueValue": False, "hidden": False, "hubspotDefined": not is_custom, "formField": not is_computed,
        "archived": False, "createdAt": EPOCH, "updatedAt": EPOCH,
        "modificationMetadata": {"archivable": is_custom, "readOnlyDefinition": not is_custom,
                                 "readOnlyOptions": not is_custom, "readOnlyValue": is_computed},
        **further,
    }  # fmt: skip


_OWNER: Mapping[str, Any] = {"kind": "enumeration", "externalOptions": True, "referencedObjectType": "OWNER"}
_SYSTEM = (
    prop("createdate", "Create date", "datetime", is_computed=True),
    prop("hs_object_id", "Record id", "number", is_computed=True),
    prop("hs_merged_object_ids", "Merged record ids", "enumeration", is_computed=True),
)
PROPERTIES: Mapping[str, tuple[dict[str, Any], ...]] = {
    "contacts": (
        prop("email", "Email"), prop("firstname", "First name"), prop("lastname", "Last name"),
        prop("company", "Company name"), prop("jobtitle", "Job title"), prop("phone", "Phone number"),
        prop("country", "Country/Region"), prop("state", "State/Region"), prop("zip", "Postal code"),
        prop("industry", "Industry"), prop("website", "Website URL"),
        prop("lifecyclestage", "Lifecycle stage", "enumeration", options=(
            ("subscriber", "Subscriber"), ("lead", "Lead"), ("marketingqualifiedlead", "Marketing qualified lead"),
            ("salesqualifiedlead", "Sales qualified lead"), ("opportunity", "Opportunity"), ("customer", "Customer"))),
        prop("hs_lead_status", "Lead status", "enumeration", options=(
            ("NEW", "New"), ("OPEN", "Open"), ("IN_PROGRESS", "In progress"), ("UNQUALIFIED", "Unqualified"))),
        prop("hubspot_owner_id", "Contact owner", **_OWNER),
        prop("associatedcompanyid", "Primary associated company", "number", is_computed=True),
        prop("hs_additional_emails", "Additional email addresses", is_computed=True),
        prop("lastmodifieddate", "Last modified date", "datetime", is_computed=True), *_SYSTEM,
    ),
    "companies": (
        prop("name", "Company name", group="companyinformation"), prop("domain", "Company domain name"),
        prop("industry", "Industry"), prop("hubspot_owner_id", "Company owner", **_OWNER),
        prop("hs_lastmodifieddate", "Last modified date", "datetime", is_computed=True), *_SYSTEM,
    ),
    "deals": (
        prop("dealname", "Deal name", group="dealinformation"), prop("pipeline", "Pipeline", "enumeration"),
        prop("dealstage", "Deal stage", "enumeration"),
        prop("amount", "Amount", "number", showCurrencySymbol=True),
        prop("deal_currency_code", "Currency", "enumeration",
             options=(("EUR", "Euro"), ("USD", "US dollar"), ("GBP", "Pound"))),
        prop("closedate", "Close date", "datetime"), prop("closed_lost_reason", "Closed lost reason"),
        prop("dealtype", "Deal type", "enumeration",
             options=(("newbusiness", "New business"), ("existingbusiness", "Existing business"))),
        prop("hubspot_owner_id", "Deal owner", **_OWNER),
        prop("hs_is_closed", "Is closed", "bool", is_computed=True),
        prop("hs_is_closed_won", "Is closed won", "bool", is_computed=True),
        prop("hs_deal_stage_probability", "Deal probability", "number", is_computed=True),
        prop("hs_lastmodifieddate", "Last modified date", "datetime", is_computed=True), *_SYSTEM,
    ),
    "calls": (
        prop("hs_timestamp", "Activity date", "datetime", group="call"), prop("hs_call_title", "Call title"),
        prop("hs_call_status", "Call status"), prop("hs_call_disposition", "Call outcome"),
        prop("hs_call_duration", "Call duration", "number"), prop("hs_call_direction", "Call direction"),
        prop("hs_lastmodifieddate", "Last modified date", "datetime", is_computed=True), *_SYSTEM,
    ),
    "meetings": (
        prop("hs_timestamp", "Activity date", "datetime", group="meeting"), prop("hs_meeting_title", "Meeting name"),
        prop("hs_meeting_outcome", "Meeting outcome"), prop("hs_meeting_end_time", "Meeting end time", "datetime"),
        prop("hs_lastmodifieddate", "Last modified date", "datetime", is_computed=True), *_SYSTEM,
    ),
    "emails": (
        prop("hs_timestamp", "Activity date", "datetime", group="email"), prop("hs_email_subject", "Email subject"),
        prop("hs_email_direction", "Email direction"), prop("hs_email_status", "Email send status"),
        prop("hs_lastmodifieddate", "Last modified date", "datetime", is_computed=True), *_SYSTEM,
    ),
}  # fmt: skip
DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "contacts": ("email", "firstname", "lastname"),
    "companies": ("name", "domain"),
    "deals": ("amount", "closedate", "dealname", "dealstage", "pipeline"),
    "calls": ("hs_timestamp",),
    "meetings": ("hs_timestamp",),
    "emails": ("hs_timestamp",),
}
"""What comes when nobody asks for properties."""

_SALES = (
    ("appointmentscheduled", "Appointment scheduled", "0.2"), ("qualifiedtobuy", "Qualified to buy", "0.4"),
    ("presentationscheduled", "Presentation scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision maker bought-in", "0.8"), ("contractsent", "Contract sent", "0.9"),
    ("closedwon", "Closed won", "1.0"), ("closedlost", "Closed lost", "0.0"),
)  # fmt: skip
_PARTNERS = (("2001", "Introduced", "0.3"), ("2002", "Signed", "1.0"), ("2003", "Dropped", "0.0"))
STAGES: Mapping[tuple[str, str], str] = {
    (pipeline, key): probability
    for pipeline, rows in (("default", _SALES), ("77001", _PARTNERS))
    for key, _, probability in rows
}
"""Probability by pipeline and stage; 1 is won, 0 is lost."""


def _pipeline(key: str, label: str, order: int, rows: Iterable[tuple[str, str, str]]) -> dict[str, Any]:
    stamped = {"archived": False, "createdAt": EPOCH, "updatedAt": EPOCH}
    return {
        "id": key, "label": label, "displayOrder": order, **stamped,
        "stages": [
            {"id": each, "label": words, "displayOrder": n, "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
             "metadata": {"probability": chance, "isClosed": "true" if chance in ("1.0", "0.0") else "false"},
             **stamped}
            for n, (each, words, chance) in enumerate(rows)
        ],
    }  # fmt: skip


PIPELINES = (_pipeline("default", "Sales pipeline", 0, _SALES), _pipeline("77001", "Partners", 1, _PARTNERS))


def _owner(key: str, first: str, last: str, is_gone: bool = False) -> dict[str, Any]:
    mail = f"{first}.{last}@example.com".lower()
    return {
        "id": key, "email": mail, "firstName": first, "lastName": last, "userId": int(key) + 5000, "type": "PERSON",
        "userIdIncludingInactive": int(key) + 5000, "createdAt": EPOCH, "updatedAt": EPOCH, "archived": is_gone,
        "teams": [],
    }  # fmt: skip


OWNERS = (_owner("41001", "Jana", "Weber"), _owner("41002", "Tom", "Okafor"), _owner("41003", "Ida", "Gone", True))


def fault_of(definition: Mapping[str, Any] | None, name: str, value: Any) -> tuple[str, str] | None:
    """Code and message if a property does not take this value."""
    if definition is None:
        return "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'
    if definition["modificationMetadata"]["readOnlyValue"]:
        return "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'
    if not isinstance(value, str):
        return "INVALID_STRING", f'Property "{name}" takes a text.'
    if value == "":
        return None
    if name == "email" and not _MAIL.fullmatch(value):
        return "INVALID_EMAIL", f"Email address {value} is invalid"
    options = [each["value"] for each in definition["options"]]
    if definition.get("referencedObjectType") == "OWNER":
        options = [each["id"] for each in OWNERS if not each["archived"]]
    given = value.split(";") if definition["fieldType"] == "checkbox" else [value]
    if definition["type"] == "enumeration" and options and (wrong := [each for each in given if each not in options]):
        return "INVALID_OPTION", f"{wrong[0]} was not one of the allowed options: {options}"
    if definition["type"] == "date" and not re.fullmatch(r"\d{4}-\d{2}-\d{2}|-?\d{1,15}", value):
        return "INVALID_DATE", f"{value} was not a valid date."
    if len(value) > LONGEST:
        return "INVALID_LENGTH", f"{name} takes at most {LONGEST} characters."
    if definition["type"] == "number" and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return "INVALID_LONG", f"{value} was not a valid number."
    if definition["type"] == "bool" and value not in ("true", "false"):
        return "INVALID_BOOLEAN", f"{value} was not true or false."
    return None


def missing(names: Iterable[str]) -> dict[str, Any]:
    """The body of a refused create that lacks properties which the account's admin made required."""
    lacking = sorted(names)
    words = "Some required properties were not set."
    told = [{"message": f"Property {each} is required", "code": "REQUIRED_PROPERTY_MISSING",
             "context": {"propertyName": [each]}} for each in lacking]  # fmt: skip
    return {"status": "error", "category": "VALIDATION_ERROR", "message": words, "errors": told}


def invalid(name: str, code: str, message: str, *, trace: str | None = None) -> dict[str, Any]:
    """The documented body of a refused value: of a whole request, or of one row with its trace id."""
    told = [{"isValid": False, "message": message, "error": code, "name": name, "localizedErrorMessage": message}]
    body: dict[str, Any] = {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": f"Property values were not valid: {json.dumps(told)}",
    }
    if trace is not None:
        return body | {"context": {"objectWriteTraceId": [trace]}}
    return body | {"errors": [{"message": message, "code": code, "context": {"propertyName": [name]}}]}


def terms(members: Members) -> Iterable[tuple[str, str]]:
    """E-mails of a contact, and the values of custom properties, some of which are unique."""
    known = {each["name"] for each in PROPERTIES["contacts"]}
    for name, value in members.items():
        if isinstance(value, str) and value and (name == "email" or name not in known):
            yield name, value
    for mail in str(members.get("hs_additional_emails") or "").split(";"):
        yield "email", mail


def link_terms(members: Members) -> Iterable[tuple[str, str]]:
    """Both ends of an association."""
    yield f"{members['one']}>{members['other']}", members["one_id"]
    yield f"{members['other']}>{members['one']}", members["other_id"]


def form_terms(members: Members) -> Iterable[tuple[str, str]]:
    """The form that was sent."""
    yield "form", str(members["form"])


def list_terms(members: Members) -> Iterable[tuple[str, str]]:
    """The list that was joined."""
    yield "list", str(members["list"])
