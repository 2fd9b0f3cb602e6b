"""What Salesforce refuses to write: whole requests that it cannot read, and single rows that break a rule."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ...rules import Refused
from ..records import Records
from ..shapes import Record
from .objects import COUNTRIES, PREFIXES, STATES, Field, full_id

EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]+")
TEXTS = (
    "string",
    "email",
    "phone",
    "url",
    "textarea",
    "picklist",
    "multipicklist",
    "reference",
    "id",
    "date",
    "datetime",
)


def refusal(code: str, message: str, field: str = "") -> Refused:
    """The refusal of one row."""
    return Refused(code, message, field, 400)


def checked(sobject: str, row: Mapping[str, Any], fields: Sequence[Field]) -> None:
    """Refuse the whole request for fields that do not exist and values of another JSON type."""
    known = {field.name.lower(): field for field in fields}
    for name, value in row.items():
        if name in ("attributes", "id"):
            continue
        field = known.get(name.lower())
        if field is None:
            raise Refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}", status=400)
        if value is None:
            continue
        is_number, is_flag = isinstance(value, (int, float)), isinstance(value, bool)
        good = {"boolean": is_flag, "int": isinstance(value, int) and not is_flag}
        is_good = good.get(field.type, isinstance(value, str) if field.type in TEXTS else is_number and not is_flag)
        if not is_good:
            message = f"Cannot deserialize instance of {field.type} from value {str(value)[:40]!a} for {field.name}"
            raise Refused("JSON_PARSER_ERROR", message, status=400)


def cleaned(
    sobject: str, row: Mapping[str, Any], before: Record | None, fields: Sequence[Field], records: Records
) -> dict[str, Any]:
    """The members to store of a row; raises the refusal of that row."""
    known = {field.name.lower(): field for field in fields}
    members: dict[str, Any] = {}
    for name, value in row.items():
        if name in ("attributes", "id"):
            continue
        field = known[name.lower()]
        if ("c" if before is None else "u") not in field.flags:
            message = f"Unable to create/update fields: {field.name}. Please check the security settings of this field"
            raise refusal("INVALID_FIELD_FOR_INSERT_UPDATE", message, field.name)
        members[field.name] = _value(field, value, records)
    if any(field.is_of_picklists for field in fields):
        members |= _places(members, before.members if before else {}, "Mailing" if sobject == "Contact" else "")
    whole = (before.members if before else {}) | members
    missing = [f.name for f in fields if {"r", "c"} <= set(f.flags) and "d" not in f.flags and not whole.get(f.name)]
    if missing:
        raise refusal("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing[0])
    if before is None:
        members |= {name: value for name, value in _defaults(sobject).items() if members.get(name) is None}
    return members


def _value(field: Field, value: Any, records: Records) -> Any:
    if value is None or value == "":
        if {"r", "d"} <= set(field.flags):
            raise refusal("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{field.label}: cannot be null", field.name)
        return None
    if isinstance(value, str):
        value = value.strip()
        if field.length and len(value) > field.length and field.type != "reference":
            message = f"{field.label}: data value too large: {value[:40]} (max length={field.length})"
            raise refusal("STRING_TOO_LONG", message, field.name)
    if field.type == "email" and not EMAIL.fullmatch(value):
        raise refusal("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {value}", field.name)
    if field.type == "reference":
        is_right = len(value) in (15, 18) and value.startswith(PREFIXES.get(field.parent, ""))
        if not is_right:
            raise refusal("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value[:20]}", field.name)
        value = full_id(value)
        found = records.get(field.parent, value)
        if found is None:
            raise refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", field.name)
        if field.name == "OwnerId" and not found.members.get("IsActive", True):
            message = f"operation performed with inactive user [{value}] as owner of the record"
            raise refusal("INACTIVE_OWNER_OR_USER", message, field.name)
    if field.type in ("date", "datetime"):
        try:
            _ = date.fromisoformat(value) if field.type == "date" else datetime.fromisoformat(value)
        except ValueError:
            raise refusal("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{field.label}: not a {field.type}", field.name) from None
    if field.type in ("double", "currency", "percent"):
        rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
        return int(rounded) if field.scale == 0 else float(rounded)
    if field.type == "multipicklist":
        wrong = [each for each in value.split(";") if "l" in field.flags and each not in field.values]
        if wrong:
            message = f"{field.label}: bad value for restricted picklist field: {wrong[0]}"
            raise refusal("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, field.name)
    elif "l" in field.flags and value not in field.values:
        message = f"{field.label}: bad value for restricted picklist field: {value}"
        raise refusal("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, field.name)
    return value


def _places(given: Mapping[str, Any], before: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Country and state with their codes, as orgs keep them that choose from lists; refuses what is not listed."""
    country, country_code, state, state_code = (
        f"{prefix}{name}" for name in ("Country", "CountryCode", "State", "StateCode")
    )
    found: dict[str, Any] = {}
    code = given.get(country_code, before.get(country_code))
    if given.get(country) and country_code not in given:
        code = next((each for each, name in COUNTRIES.items() if name == given[country]), None)
        if code is None:
            words = "There's a problem with this country, even though it may appear correct."
            message = f"{words} Please select a country/territory from the list of valid countries.: Country"
            raise refusal("FIELD_INTEGRITY_EXCEPTION", message, country)
    if {country, country_code} & given.keys():
        found |= {country_code: code, country: COUNTRIES.get(code or "")}
    listed = STATES.get(code or "", {})
    region = given.get(state_code)
    if given.get(state) and state_code not in given:
        region = next((each for each, name in listed.items() if name == given[state]), "?")
    if {state, state_code} & given.keys():
        if region and region not in listed:
            words = "There's a problem with this state, even though it may appear correct."
            raise refusal("FIELD_INTEGRITY_EXCEPTION", f"{words} Please select a state from the list.: State", state)
        found |= {state_code: region or None, state: listed.get(region or "")}
    return found


def _defaults(sobject: str) -> dict[str, Any]:
    if sobject != "Lead":
        return {}
    return {"Status": "Open - Not Contacted", "HasOptedOutOfEmail": False, "IsConverted": False}
