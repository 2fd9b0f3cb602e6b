"""Conditions in plain sentences: "country is DE, AT or CH and company size is at least 50"."""

from __future__ import annotations

from collections.abc import Sequence

from leads.pure.conditions.grammar import Condition, Group, day_of, number
from leads.pure.conditions.properties import LEADS, NO, Catalog, Kind, Operator, Property
from leads.pure.conditions.properties import Operator as Op


def sentence(item: Condition | Group, catalog: Catalog = LEADS, *, everything: str = "every lead") -> str:
    """A condition or a group in words, without a capital and a full stop; ``everything`` is what an empty group is."""
    if isinstance(item, Condition):
        return _one(item, catalog)
    parts = [
        f"({sentence(each, catalog)})" if isinstance(each, Group) and len(each.items) > 1 else sentence(each, catalog)
        for each in item.items
    ]
    return (" and " if item.match == "all" else " or ").join(parts) or everything


def any_of(values: Sequence[str]) -> str:
    """ "DE, AT or CH"."""
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}" if values else "nothing"


def patterns(values: Sequence[str]) -> str:
    """ "contains “mail” or begins with “news”"; the first four of many."""
    parts = [part.strip() for part in values if part.strip()]
    shown, rest = [_pattern(part) for part in parts[:4]], len(parts) - 4
    if rest > 0:
        return f"{', '.join(shown)} or one of {rest} more"
    return any_of(shown)


def _pattern(pattern: str) -> str:
    core = pattern.strip("*")
    text = core.replace("?", " ")
    if "*" in core or ("?" in core and not core.replace("?", "").isalnum()):
        return f"is like “{pattern}”"
    if pattern.startswith("*") and pattern.endswith("*"):
        return f"contains “{text}”"
    if pattern.startswith("*"):
        return f"ends with “{text}”"
    return f"begins with “{text}”" if pattern.endswith("*") else f"is “{text}”"


def plain(value: float) -> str:
    """A number without needless decimals."""
    return str(int(value)) if value == int(value) else str(value)


def limits(condition: Condition) -> str:
    """ "at least 50", "at most 9", "between 50 and 5000"."""
    low, high = _limit(condition.low), _limit(condition.high)
    match condition.operator:
        case Op.AT_LEAST | Op.HAPPENED:
            return f"at least {low}"
        case Op.AT_MOST:
            return f"at most {high}"
        case _:
            return f"between {low} and {high}"


def _limit(value: object) -> str:
    found = number(value)
    return plain(found) if found is not None else str(value)


def _one(condition: Condition, catalog: Catalog) -> str:
    try:
        looked_at = catalog[condition.property]
    except KeyError:
        looked_at = Property(condition.property, condition.property, Kind.TEXT)
    label = lowered(looked_at.label)
    if looked_at.kind == Kind.EVENT:
        return _event(condition, label)
    if looked_at.kind == Kind.FLAG:
        is_not = condition.values[:1] == (NO,)
        return f"{'not ' if is_not else ''}{label}"
    return f"{label} {_comparison(condition, looked_at)}"


def _comparison(condition: Condition, looked_at: Property) -> str:
    values = any_of([_limit(each) if isinstance(each, float) else looked_at.said(each) for each in condition.values])
    day = {name: _day(getattr(condition, name)) for name in ("low", "high")}
    match condition.operator:
        case Op.IS:
            return f"is {values}"
        case Op.IS_NOT:
            return f"is not {values}"
        case Op.CONTAINS:
            return f"contains {values}"
        case Op.NOT_CONTAINS:
            return f"does not contain {values}"
        case Op.STARTS_WITH:
            return f"starts with {values}"
        case Op.LIKE:
            return patterns([str(value) for value in condition.values])
        case Op.KNOWN | Op.UNKNOWN | Op.FREE_MAIL | Op.COMPANY_MAIL:
            return looked_at.operator_label(condition.operator)
        case Op.LAST_DAYS:
            return f"is in the last {_days(condition.days)}"
        case Op.OLDER_THAN:
            return f"is more than {_days(condition.days)} ago"
        case Op.BEFORE:
            return f"is before {day['high']}"
        case Op.AFTER:
            return f"is after {day['low']}"
        case Op.BETWEEN if looked_at.kind == Kind.DATE:
            return f"is between {day['low']} and {day['high']}"
        case Op.POSTCODES:
            return f"is from {condition.low} to {condition.high}"
        case Op.IN_DOMAIN:
            return f"is {values}"
        case Op.NOT_IN_DOMAIN:
            return f"is not {values}"
        case _:
            return f"is {limits(condition)}"


def _event(condition: Condition, label: str) -> str:
    names = any_of([f"“{name}”" for name in condition.values]) if condition.values else ""
    which = f" {'with ' if condition.names == 'contains' else ''}{names}" if names else ""
    within = f" in the last {_days(condition.days)}" if condition.days else ""
    if condition.operator == Operator.NEVER:
        return f"{label}{which} never{within}"
    is_once = condition.operator == Operator.HAPPENED and number(condition.low) == 1
    times = "" if is_once else f" {limits(condition)} times"
    return f"{label}{which}{times}{within}"


def _days(days: int | None) -> str:
    return "1 day" if days == 1 else f"{days or 0:,} days"


def _day(value: object) -> str:
    day = day_of(value)
    return f"{day.day} {day:%b %Y}" if day else str(value)


def lowered(label: str) -> str:
    """A label inside a sentence; abbreviations keep their capitals."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]
