"""What the sandbox CRM accepts: unknown members refused by name, every fault tied to its field."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

PERSON_TEXT = {
    "email": 254, "first_name": 120, "last_name": 120, "company": 200, "job_title": 200, "phone": 60,
    "country": 60, "region": 100, "postal_code": 20, "industry": 100,
}  # fmt: skip
PERSON_FIELDS = ("external_id", *PERSON_TEXT, "company_size", "owner_id", "properties")
DEAL_FIELDS = (
    "external_id", "name", "stage", "amount", "currency", "close_on", "lost_reason", "owner_id", "contacts",
    "properties",
)  # fmt: skip
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]+\.[^@\s,;<>\".]{2,}")
_TOP = Decimal("90000000000000")  # hundredths of it still fit SQLite's 64-bit integer


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one field; `field` is empty when the whole record is at fault."""

    code: str
    field: str
    message: str

    def as_json(self) -> dict[str, str]:
        """The shape that callers of the API see."""
        return {"code": self.code, "field": self.field, "message": self.message}


class Refused(Exception):
    """A request that the CRM will not carry out, with the HTTP status that says so."""

    def __init__(self, code: str, message: str, field: str = "", status: int = 422) -> None:
        super().__init__(message)
        self.fault = Fault(code, field, message)
        self.status = status


def clean_person(record: Any) -> dict[str, Any]:
    """The members of one upsert row that were sent, in stored form; raises `Refused`."""
    given = _known(record, PERSON_FIELDS)
    if not given.get("external_id"):
        raise Refused("required", "external_id is required: it is the key of the upsert.", "external_id")
    values: dict[str, Any] = {"external_id": _text(given, "external_id", 200)}
    for field, longest in PERSON_TEXT.items():
        if field in given:
            values[field] = _text(given, field, longest)
    if values.get("email") and not _EMAIL.fullmatch(values["email"]):
        raise Refused("invalid_email", "email is not an email address.", "email")
    if "company_size" in given:
        values["company_size"] = _whole(given["company_size"], "company_size")
    return values | _shared(given)


def clean_deal(record: Any, *, is_new: bool) -> dict[str, Any]:
    """The members of a deal that were sent, in stored form (`amount` → `amount_cents`); raises `Refused`."""
    given = _known(record, DEAL_FIELDS)
    values: dict[str, Any] = {}
    if "name" in given or is_new:
        values["name"] = _text(given, "name", 200)
        if not values["name"]:
            raise Refused("required", "name is required.", "name")
    if given.get("external_id"):
        values["external_id"] = _text(given, "external_id", 200)
    for field, longest in {"stage": 60, "lost_reason": 300}.items():
        if given.get(field) is not None:
            values[field] = _text(given, field, longest)
    if "amount" in given:
        values["amount_cents"] = _cents(given["amount"])
    if given.get("currency") is not None:
        values["currency"] = _currency(given["currency"])
    if "close_on" in given:
        values["close_on"] = _day(given["close_on"])
    if "contacts" in given:
        values["contacts"] = _contacts(given["contacts"])
    return values | _shared(given)


def _known(record: Any, fields: Iterable[str]) -> Mapping[str, Any]:
    if not isinstance(record, dict):
        raise Refused("invalid_type", "A record is an object.")
    for name in record:
        if name not in fields:
            raise Refused("unknown_field", f"There is no field {name[:60]!a}.", name[:60])
    return record


def _text(given: Mapping[str, Any], field: str, longest: int) -> str:
    value = given.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused("invalid_type", f"{field} is text.", field)
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise Refused("invalid_text", f"{field} holds characters that are not text.", field)
    if len(value) > longest:
        raise Refused("too_long", f"{field} is longer than {longest} characters.", field)
    return value.strip()


def _whole(value: Any, field: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise Refused("invalid_number", f"{field} is a whole number from 0.", field)
    return value


def _cents(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or len(str(value)) > 40:
        raise Refused("invalid_amount", "amount is decimal text such as 1234.50.", "amount")
    try:
        amount = Decimal(str(value))
        if not amount.is_finite() or not 0 <= amount <= _TOP:
            raise InvalidOperation
    except InvalidOperation:
        raise Refused("invalid_amount", "amount is a decimal from 0, such as 1234.50.", "amount") from None
    if amount * 100 != int(amount * 100):
        raise Refused("invalid_amount", "amount has at most two decimals.", "amount")
    return int(amount * 100)


def _currency(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3}", value):
        raise Refused("invalid_currency", "currency is three capital letters, such as EUR.", "currency")
    return value


def _day(value: Any) -> str | None:
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise Refused("invalid_date", "close_on is a date such as 2026-11-16.", "close_on") from None


def _contacts(value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list) or len(value) > 50:
        raise Refused("invalid_type", "contacts is a list of at most 50 objects.", "contacts")
    cleaned = []
    for row in value:
        given = _known(row, ("person_id", "external_id", "role"))
        contact = {name: _text(given, name, 200) for name in ("person_id", "external_id", "role")}
        if not (contact["person_id"] or contact["external_id"]):
            raise Refused("required", "A contact names a person_id or an external_id.", "contacts")
        cleaned.append(contact)
    return cleaned


def _shared(given: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "owner_id" in given:
        values["owner_id"] = _text(given, "owner_id", 60) or None
    if "properties" in given:
        values["properties"] = _properties(given["properties"])
    return values


def _properties(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > 100:
        raise Refused("invalid_type", "properties is an object of at most 100 members.", "properties")
    for name, item in value.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", name):
            raise Refused("invalid_name", f"{name[:60]!a} is no property name.", "properties")
        if item is not None and not isinstance(item, (str, int, float, bool)):
            raise Refused("invalid_type", f"properties.{name} is text, a number, true or false.", "properties")
        if isinstance(item, float) and not math.isfinite(item):
            raise Refused("invalid_number", f"properties.{name} is not finite.", "properties")
        if isinstance(item, int) and abs(item) >= 2**63:
            raise Refused("invalid_number", f"properties.{name} is too large.", "properties")
        if isinstance(item, str):
            _text(value, name, 2000)
    return value


def merged_properties(stored: str, given: Mapping[str, Any]) -> str:
    """Stored JSON text with the given members laid over it; null removes a member. Keys sorted, so equal is
    equal."""
    together = json.loads(stored) | given
    return json.dumps({name: item for name, item in sorted(together.items()) if item is not None})
