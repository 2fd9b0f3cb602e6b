"""Scoring rules of before (field, operator, value) as conditions that give every lead the same points."""

import math

COLUMNS = frozenset(
    ["first_name", "last_name", "company", "job_title", "phone", "country", "region", "postal_code", "industry", "company_size", "account", "channel"]
)
EVER = 1_000_000


def conditions_of(group, field, operator, value):
    """The conditions as they are stored; None for a rule that was never scored or can never give points."""
    if group == "behaviour":
        found = _activity(field.removeprefix("event:"), operator, value)
    elif operator == "happened":
        found = None
    else:
        # A rule on a fact could also be written "event:industry".
        found = _fact(field.removeprefix("event:"), operator, value)
    return found and {"schema": 1, "match": "all", "items": [found]}


def _fact(field, operator, value):
    found = {"property": field if field in COLUMNS else f"attribute:{field}"}
    if operator == "exists":
        return {**found, "operator": "known"}
    if operator in ("is", "in", "contains"):
        values = _texts(value)
        return {**found, "operator": "contains" if operator == "contains" else "is", "values": values} if values else None
    ends = [_number(each) for each in _items(value)]
    if operator == "at_least" and _number(value) is not None:
        return {**found, "operator": "at_least", "low": _number(value)}
    if operator == "at_most" and _number(value) is not None:
        return {**found, "operator": "at_most", "high": _number(value)}
    if operator == "between" and len(ends) == 2 and None not in ends and ends[0] <= ends[1]:
        return {**found, "operator": "between", "low": ends[0], "high": ends[1]}
    return None


def _activity(kind, operator, value):
    found = {"property": f"event:{kind}"}
    once = {**found, "operator": "happened", "low": 1}
    if operator == "exists":
        return once
    if operator in ("happened", "is", "in", "contains"):
        names = _texts(value)
        if operator != "happened" and not names:
            return None
        once |= {"values": names} if names else {}
        return once | ({"names": "contains"} if operator == "contains" else {})
    ends = [_number(each) for each in _items(value)]
    if operator in ("at_least", "at_most") and _number(value) is not None:
        low, high = (ends[0], EVER) if operator == "at_least" else (0, ends[0])
    elif operator == "between" and len(ends) == 2 and None not in ends and ends[0] <= ends[1]:
        low, high = ends
    else:
        return None
    # Events come in whole numbers.
    low, high = max(math.ceil(low), 0), math.floor(high)
    if high < low:
        return None
    if operator == "at_least" and low >= 1:
        return {**found, "operator": "happened", "low": low}
    return {**found, "operator": "between", "low": low, "high": min(high, EVER)}


def counts_once(group, operator):
    """Whether repeats never counted: rules that compared the number of events, also with one."""
    return group == "behaviour" and operator in ("at_least", "at_most", "between")


def _items(value):
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _texts(value):
    return [text for text in map(_text, _items(value)) if text]


def _text(value):
    if isinstance(value, str):
        return value.strip()
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else str(value)
    return str(value)


def _number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(found):
        return None
    return int(found) if found == int(found) else found
