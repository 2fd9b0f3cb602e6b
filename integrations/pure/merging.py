"""Who changed a field: a three-way merge of one value of ours, one of theirs, and what both agreed on last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from integrations.pure.mapping import Direction, FieldRule, Money, Policy

# Before a field's name in a snapshot: the value of theirs that could not be taken over.
LEFT = "left:"


class Verdict(StrEnum):
    """What is to be done about a field."""

    SAME = "same"
    OUT = "out"
    """Our value goes to the CRM."""
    IN = "in"
    """Theirs comes here."""
    KEEP = "keep"
    """They differ and stay so."""


def essence(value: Any) -> str:
    """A value as text in which equal things of two systems are equal: nothing and "" agree, so do 42 and "42"."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return essence(value.amount)
    if isinstance(value, Mapping) and "value" in value:  # an amount or address with its parts
        return essence(value["value"])
    if isinstance(value, (list, tuple, set)):
        return ";".join(sorted(essence(each) for each in value))
    if isinstance(value, (int, float, Decimal)):
        return format(Decimal(str(value)).normalize(), "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).strip()
    try:
        return _number(text) if text[:1] in "-0123456789" and text.isascii() else text
    except ArithmeticError:
        return text


def agree(ours: Any, theirs: Any) -> bool:
    """Whether two values mean the same; several options are the same in any order."""
    for one, other in ((ours, theirs), (theirs, ours)):
        if isinstance(one, (list, set)) and isinstance(other, str):
            return essence(one) == essence([each for each in other.split(";") if each])
    return essence(ours) == essence(theirs)


def decide(
    rule: FieldRule,
    ours: Any,
    theirs: Any,
    base: Mapping[str, Any] | None = None,
    *,
    ours_at: datetime | None = None,
    theirs_at: datetime | None = None,
) -> Verdict:
    """What is to be done about one field. ``base`` holds the agreed values by our names.

    Where the base tells that one side alone changed, that side's value travels, whatever the policy: there is no
    conflict to settle. The policy decides where both changed, or where nobody knows. A first meeting never lets nothing
    replace something, but in a field that is theirs alone.
    """
    if agree(ours, theirs):
        return Verdict.SAME
    mine, yours = essence(ours), essence(theirs)
    is_known = base is not None and rule.local in base
    agreed = essence(base[rule.local]) if base is not None and is_known else ""
    if rule.policy is Policy.FILL_EMPTY:
        return _fill(rule.direction, mine, yours)
    if rule.direction is Direction.PUSH:
        return Verdict.OUT
    if rule.direction is Direction.PULL:
        return Verdict.IN if yours or is_known or rule.policy is Policy.THEIRS else Verdict.KEEP
    if is_known and mine == agreed:
        return Verdict.IN
    if is_known and yours == agreed:
        return Verdict.OUT
    if not is_known and not (mine and yours):
        return Verdict.OUT if mine else Verdict.IN
    if rule.policy is Policy.NEWEST:
        is_theirs = theirs_at is not None and (ours_at is None or theirs_at > ours_at)
        return Verdict.IN if is_theirs else Verdict.OUT
    return Verdict.IN if rule.policy is Policy.THEIRS else Verdict.OUT


def in_conflict(rule: FieldRule, ours: Any, theirs: Any, base: Mapping[str, Any] | None = None) -> bool:
    """Whether both sides say something else than they agreed on last, so that the policy has to decide."""
    if rule.direction is not Direction.BOTH or rule.policy is Policy.FILL_EMPTY or agree(ours, theirs):
        return False
    mine, yours = essence(ours), essence(theirs)
    if base is None or rule.local not in base:
        return bool(mine and yours)
    return essence(base[rule.local]) not in (mine, yours)


def _fill(direction: Direction, mine: str, yours: str) -> Verdict:
    if not yours and direction is not Direction.PULL:
        return Verdict.OUT
    if not mine and direction is not Direction.PUSH:
        return Verdict.IN
    return Verdict.KEEP


def _number(text: str) -> str:
    """Numbers by value, but not what only looks like one: phone numbers, postal codes with a leading zero."""
    if len(text) > 18 or (len(text.lstrip("-")) > 1 and text.lstrip("-")[0] == "0" and "." not in text):
        return text
    value = Decimal(text)
    return format(value.normalize(), "f") if value.is_finite() and "e" not in text.lower() else text
