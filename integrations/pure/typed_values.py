"""Typed values: one of ours as a field of the CRM takes it, and one of theirs as a lead holds it.

A CRM describes its fields; what is written into one is converted to its type first, so that one odd value is one
refused lead and not a refused batch. Options go by a map of the connection's own, else by their value or label there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from integrations.pure.mapping import MappingError, Money

YES, NO = frozenset(["true", "yes", "y", "on", "1"]), frozenset(["false", "no", "n", "off", "0"])
_CODE = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")
_SIGNS = {"€": "EUR", "£": "GBP", "$": "USD"}
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What a CRM says of a field. `decimals`: how many it keeps, None for any, and `is_rounded` where it rounds others;
    `length`: the most characters, 0 for any; `values` is the map of an admin, ours to theirs."""

    name: str
    label: str
    type: str
    length: int = 0
    decimals: int | None = None
    choices: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    is_rounded: bool = False


@dataclass(frozen=True, slots=True)
class Fitted:
    """A value as the field takes it, and what was done to it in words, if anything was lost."""

    value: Any
    note: str = ""


def to_remote(value: Any, facts: FieldFacts, *, currency: str = "") -> Fitted:
    """The value as the CRM's field takes it; nothing stays nothing. Raises `MappingError` with the field's name.

    `currency` is that of amounts that name none.
    """
    if value is None or value == "" or value == []:
        return Fitted("" if isinstance(value, str) else None)
    if facts.type in ("choice", "choices"):
        return Fitted(_chosen(value, facts))
    value = _mapped(value, facts)
    if facts.type in ("text", "object", "address"):
        return _text(value, facts)
    if facts.type == "money":
        return Fitted(_money(value, facts, currency))
    read = _READERS.get(facts.type)
    return Fitted(read(value, facts) if read else value)


def from_remote(value: Any, facts: FieldFacts) -> Any:
    """A value of the CRM's as a lead holds it: JSON's own types, options by the map's words or their label. What cannot
    be read by its type stays as it came."""
    if value is None or value == "":
        return value
    try:
        return _local(value, facts)
    except MappingError:
        return value if isinstance(value, (str, int, float, bool)) else str(value)


def is_same(ours: Any, theirs: Any, facts: FieldFacts, *, currency: str = "") -> bool:
    """Whether a value of ours, sent, is the one that the CRM holds: options in any order, numbers by value."""
    try:
        sent, held = to_remote(ours, facts, currency=currency).value, to_remote(theirs, _unmapped(facts)).value
    except MappingError:
        return False
    if isinstance(sent, Money) and isinstance(held, Money):
        return sent.amount == held.amount and (not held.currency or sent.currency == held.currency)
    if isinstance(sent, list) and isinstance(held, list):
        return set(sent) == set(held)
    return bool((sent or None) == (held or None)) if not isinstance(sent, (bool, int, Decimal)) else bool(sent == held)


def _unmapped(facts: FieldFacts) -> FieldFacts:
    return FieldFacts(facts.name, facts.label, facts.type, 0, facts.decimals, facts.choices, (), facts.is_rounded)


def _mapped(value: Any, facts: FieldFacts) -> Any:
    """What an admin said that this value is called in the CRM, else the value."""
    words = _word(value)
    return next((theirs for ours, theirs in facts.values if _folded(ours) == _folded(words)), value)


def _word(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


# --- out ---


def _chosen(value: Any, facts: FieldFacts) -> Any:
    """The option, or the list of options where the field takes several."""
    if facts.type == "choice":
        if isinstance(value, (list, tuple, set)) and len(value) != 1:
            raise MappingError(facts.name, f"{facts.label} takes one option, not {len(value)}")
        return _option(next(iter(value)) if isinstance(value, (list, tuple, set)) else value, facts)
    if isinstance(value, (list, tuple, set)):
        return list(dict.fromkeys(_option(each, facts) for each in value if each not in (None, "")))
    text = str(value)
    try:
        return [_option(value, facts)]
    except MappingError:
        parts = [each.strip() for each in re.split(r"[;\n]" if re.search(r"[;\n]", text) else ",", text)]
        if len(parts) < 2:
            raise
    return list(dict.fromkeys(_option(each, facts) for each in parts if each))


def _option(value: Any, facts: FieldFacts) -> str:
    told = str(_mapped(value, facts))
    if not facts.choices:
        return told
    for at in (0, 1):
        if found := next((each for each in facts.choices if each[at] == told), None):
            return found[0]
    for at in (0, 1):
        if found := next((each for each in facts.choices if _folded(each[at]) == _folded(told)), None):
            return found[0]
    words = _word(value)
    if isinstance(value, bool):
        known = YES if value else NO
        if found := next((each for each in facts.choices if {_folded(each[0]), _folded(each[1])} & known), None):
            return found[0]
    some = ", ".join(label for _, label in facts.choices[:_SHOWN]) + (" …" if len(facts.choices) > _SHOWN else "")
    raise MappingError(facts.name, f"{words[:40]!a} is none of the options of {facts.label}: {some}")


def _text(value: Any, facts: FieldFacts) -> Fitted:
    if isinstance(value, Mapping):
        value = ", ".join(str(each).strip() for each in value.values() if each not in (None, ""))
    elif isinstance(value, (list, tuple, set)):
        value = "; ".join(str(each) for each in value)
    elif isinstance(value, bool):
        value = "true" if value else "false"
    text = value.isoformat() if isinstance(value, (date, datetime)) else str(value)
    if facts.length and len(text) > facts.length:
        words = f"{facts.label} was cut from {len(text)} to the {facts.length} characters that the CRM takes."
        return Fitted(text[: facts.length].rstrip(), words)
    return Fitted(text)


def _number(value: Any, facts: FieldFacts) -> int | Decimal:
    if isinstance(value, bool):
        raise MappingError(facts.name, f"{_word(value)!a} is not a number")
    number = _decimal(value, facts)
    if facts.decimals == 0 and not facts.is_rounded and number != number.to_integral_value():
        raise MappingError(facts.name, f"{str(value)[:40]!a} is not a whole number")
    return int(number) if number == number.to_integral_value() else number


def _decimal(value: Any, facts: FieldFacts) -> Decimal:
    """A number of people's writing. A single comma may part thousands or decimals: nobody guesses which."""
    text = re.sub(r"[\s\u00a0\u202f'’]", "", str(value))
    comma, dot = text.rfind(","), text.rfind(".")
    if comma >= 0 and dot >= 0:
        text = text.replace("." if comma > dot else ",", "").replace(",", ".")
    elif text.count(",") > 1 and re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", text):
        text = text.replace(",", "")
    elif text.count(".") > 1 and re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+", text):
        text = text.replace(".", "")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise MappingError(facts.name, f"{str(value)[:40]!a} is not a number; write it as 1250.50") from None
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise MappingError(facts.name, f"{str(value)[:40]!a} is not a number")
    if facts.is_rounded and facts.decimals is not None and number.adjusted() + facts.decimals < 28:
        # As the CRM itself would store it; else the two would differ for ever.
        return number.quantize(Decimal(1).scaleb(-facts.decimals), ROUND_HALF_UP)
    return number


def _money(value: Any, facts: FieldFacts, currency: str) -> Money:
    if isinstance(value, Money):
        return value if value.currency else Money(value.amount, currency)
    if isinstance(value, Mapping):
        told = value.get("currency") or currency
        return Money(_decimal(value.get("amount", value.get("value")), facts), str(told))
    if isinstance(value, bool):
        raise MappingError(facts.name, f"{_word(value)!a} is not an amount")
    text = str(value)
    code = _CODE.search(text)
    sign = next((each for each in _SIGNS if each in text), "")
    told = code[0] if code else _SIGNS.get(sign, currency)
    return Money(_decimal(_CODE.sub("", text).replace(sign, "") if sign else _CODE.sub("", text), facts), told)


def _boolean(value: Any, facts: FieldFacts) -> bool:
    word = _folded(_word(value))
    if word in YES | NO:
        return word in YES
    raise MappingError(facts.name, f"{str(value)[:40]!a} is neither yes nor no")


def _date(value: Any, facts: FieldFacts) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip()[:10])
    except ValueError:
        raise MappingError(facts.name, f"{str(value)[:40]!a} is not a date; write it as 2026-03-31") from None


def _moment(value: Any, facts: FieldFacts) -> datetime:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise MappingError(facts.name, f"{str(value)[:40]!a} is not a date and time; write 2026-03-31T09:30Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_READERS: Mapping[str, Callable[[Any, FieldFacts], Any]] = {
    "number": _number, "boolean": _boolean, "date": _date, "datetime": _moment,
}  # fmt: skip


# --- in ---


def _local(value: Any, facts: FieldFacts) -> Any:
    if facts.type == "address" and isinstance(value, Mapping):
        return str(value.get("value") or "")
    back = {theirs: ours for ours, theirs in reversed(facts.values)}
    labels = dict(facts.choices)
    if facts.type == "choice":
        return back.get(str(value), labels.get(str(value), value))
    if facts.type == "choices":
        rows: Sequence[Any] = value if isinstance(value, (list, tuple)) else str(value).split(";")
        told = [str(each).strip() for each in rows]
        return [back.get(each, labels.get(each, each)) for each in told if each]
    if str(value) in back:
        return back[str(value)]
    plain = _READERS[facts.type](value, facts) if facts.type in _READERS else value
    if facts.type == "money":
        plain = _number(_money(value, facts, "").amount, facts)
    if isinstance(plain, Decimal):
        return float(plain)
    if isinstance(plain, (date, datetime)):
        return plain.isoformat()
    if isinstance(plain, Mapping):
        return _text(plain, facts).value
    return plain if isinstance(plain, (str, int, float, bool)) else str(plain)
