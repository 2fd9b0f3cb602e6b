"""Conditions and groups of them as plain values, how they are stored, and what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from leads.pure.conditions.properties import Catalog, Kind, Operator, Property
from leads.pure.refused import Refused

SCHEMA = 1
Match = Literal["all", "any"]
Names = Literal["is", "contains"]
Value = str | float
LONGEST, MOST_VALUES, MOST_CONDITIONS = 200, 100, 50


class InvalidConditions(Refused):
    """Conditions that can never be evaluated; ``problems`` says per condition, in order, what is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.text for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: the place of the condition as (group, condition), and a sentence that names the property."""

    place: tuple[int, int]
    text: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A property, an operator, and what it is compared with.

    ``values``: texts, choices, numbers or domains of which one suffices; for events, names of which one suffices (none:
    any name), compared by ``names``. ``low`` and ``high``: limits of numbers, of the number of events, of dates (ISO)
    and of postal codes, both included. ``days``: for events and dates, the last so many company days, today included;
    for "more than … days ago", more than so many.
    """

    property: str
    operator: Operator
    values: tuple[Value, ...] = ()
    low: Value | None = None
    high: Value | None = None
    days: int | None = None
    names: Names = "is"


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions, or groups of conditions, of which all or any must hold. An empty group always holds."""

    items: tuple[Condition | Group, ...] = ()
    match: Match = "all"

    def conditions(self) -> Iterator[Condition]:
        """Every condition in it, at any depth."""
        for item in self.items:
            if isinstance(item, Condition):
                yield item
            else:
                yield from item.conditions()

    @property
    def properties(self) -> frozenset[str]:
        """The keys of all that it looks at."""
        return frozenset(condition.property for condition in self.conditions())


def to_json(group: Group) -> dict[str, Any]:
    """The form in which conditions are stored, with the version of its schema."""
    return {"schema": SCHEMA, **_stored(group)}


def from_json(stored: Mapping[str, Any]) -> Group:
    """Conditions as they were stored. Raises Refused for another schema or for what is no conditions at all."""
    if stored.get("schema") != SCHEMA:
        raise Refused(f"Conditions of schema {stored.get('schema')!r} cannot be read.")
    try:
        return _group(stored)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"The stored conditions cannot be read: {error}.") from error


def check(group: Group, catalog: Catalog) -> None:
    """Raises InvalidConditions with every problem: unknown properties, operators of another kind, values missing."""
    problems = [problem for place, item in placed(group) if (problem := _problem(place, item, catalog))]
    if len(list(placed(group))) > MOST_CONDITIONS:
        problems.append(Problem((0, 0), f"There can be at most {MOST_CONDITIONS} conditions."))
    if any(isinstance(inner, Group) for item in group.items if isinstance(item, Group) for inner in item.items):
        problems.append(Problem((0, 0), "Groups can be nested once."))
    if problems:
        raise InvalidConditions(problems)


def placed(group: Group) -> Iterator[tuple[tuple[int, int], Condition]]:
    """The conditions with their places: the group's number and the number in it, from 0; those of no group are of 0."""
    if all(isinstance(item, Condition) for item in group.items):
        yield from (((0, n), item) for n, item in enumerate(group.items) if isinstance(item, Condition))
        return
    for g, item in enumerate(group.items):
        inside = item.conditions() if isinstance(item, Group) else iter([item])
        yield from (((g, n), condition) for n, condition in enumerate(inside))


def number(value: object) -> float | None:
    """A finite number, also from text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _problem(place: tuple[int, int], condition: Condition, catalog: Catalog) -> Problem | None:
    try:
        looked_at = catalog[condition.property]
    except KeyError:
        return Problem(place, f"{condition.property!r} is not a property that conditions can look at.")
    said = _wrong(condition, looked_at)
    return Problem(place, f"{looked_at.label}: {said}") if said else None


def _wrong(condition: Condition, looked_at: Property) -> str:
    """What is wrong with a condition, as the end of a sentence; nothing if nothing is."""
    operator, kind = condition.operator, looked_at.kind
    if operator not in looked_at.operators:
        return f"“{looked_at.operator_label(operator)}” is not offered here."
    if len(condition.values) > MOST_VALUES or any(len(str(value)) > LONGEST for value in condition.values):
        return f"at most {MOST_VALUES} values of at most {LONGEST} characters."
    if condition.days is not None and not 1 <= condition.days <= 3_650:
        return "the number of days must be between 1 and 3,650."
    if kind == Kind.EVENT:
        return _wrong_times(condition)
    if operator in (Operator.KNOWN, Operator.UNKNOWN, Operator.FREE_MAIL, Operator.COMPANY_MAIL):
        return ""
    if operator in (Operator.LAST_DAYS, Operator.OLDER_THAN):
        return "" if condition.days else "say how many days."
    if operator in (Operator.AT_LEAST, Operator.AT_MOST, Operator.BETWEEN, Operator.BEFORE, Operator.AFTER):
        return _wrong_limits(condition, kind)
    if operator == Operator.POSTCODES:
        is_whole = bool(str(condition.low or "").strip()) and bool(str(condition.high or "").strip())
        return "" if is_whole else "say from which postal code to which."
    return _wrong_values(condition, looked_at)


def _wrong_values(condition: Condition, looked_at: Property) -> str:
    if not any(str(value).strip() for value in condition.values):
        return "choose a value." if looked_at.choices else "enter a value."
    if looked_at.choices:
        known = {value for value, _ in looked_at.choices}
        unknown = [str(value) for value in condition.values if str(value) not in known]
        return f"{', '.join(unknown)} is not one of the choices." if unknown else ""
    if looked_at.kind == Kind.NUMBER and any(number(value) is None for value in condition.values):
        return "enter numbers."
    return ""


def _wrong_times(condition: Condition) -> str:
    if condition.operator == Operator.NEVER:
        return ""
    needed = {
        Operator.HAPPENED: [condition.low],
        Operator.AT_MOST: [condition.high],
        Operator.BETWEEN: [condition.low, condition.high],
    }[condition.operator]
    counts = [number(each) for each in needed]
    if any(each is None or each != int(each) or each < 0 for each in counts):
        return "say how many times, as a whole number."
    if condition.operator == Operator.HAPPENED and counts[0] == 0:
        return "at least 0 times always holds; say at least once."
    return "" if counts == sorted(counts, key=lambda each: each or 0) else "the lower number comes first."


def _wrong_limits(condition: Condition, kind: Kind) -> str:
    low, high = condition.low, condition.high
    needed = {
        Operator.AT_LEAST: [low],
        Operator.AFTER: [low],
        Operator.AT_MOST: [high],
        Operator.BEFORE: [high],
        Operator.BETWEEN: [low, high],
    }[condition.operator]
    if kind == Kind.DATE:
        days = [day_of(each) for each in needed]
        if any(each is None for each in days):
            return "enter a date."
        is_ordered = len(days) < 2 or str(days[0]) <= str(days[1])
    else:
        numbers = [number(each) for each in needed]
        if any(each is None for each in numbers):
            return "enter a number." if len(needed) == 1 else "enter two numbers."
        is_ordered = len(numbers) < 2 or (numbers[0] or 0) <= (numbers[1] or 0)
    return "" if is_ordered else "the lower limit comes first."


def day_of(value: object) -> date | None:
    """A day from its ISO form or a date; None for anything else."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def _stored(item: Condition | Group) -> dict[str, Any]:
    if isinstance(item, Group):
        return {"match": item.match, "items": [_stored(each) for each in item.items]}
    stored: dict[str, Any] = {"property": item.property, "operator": item.operator.value}
    if item.values:
        stored["values"] = list(item.values)
    for name in ("low", "high", "days"):
        if getattr(item, name) is not None:
            stored[name] = getattr(item, name)
    if item.names != "is":
        stored["names"] = item.names
    return stored


def _group(stored: Mapping[str, Any]) -> Group:
    if stored["match"] not in ("all", "any"):
        raise ValueError(f"match is {stored['match']!r}")
    return Group(tuple(_item(each) for each in stored["items"]), stored["match"])


def _item(stored: Mapping[str, Any]) -> Condition | Group:
    if "items" in stored:
        return _group(stored)
    return Condition(
        property=str(stored["property"]),
        operator=Operator(stored["operator"]),
        values=tuple(stored.get("values", ())),
        low=stored.get("low"),
        high=stored.get("high"),
        days=stored.get("days"),
        names="contains" if stored.get("names") == "contains" else "is",
    )
