"""Lead scores that explain themselves.

A score is nothing but its reasons: `total == sum(reason.points for reason in reasons)`, always. Caps, decay
and the floor at zero therefore change the points of reasons, and the changed reason says so; no balancing
row is ever added.

- Fit rules look at what a lead is. Behaviour rules look at what it did: events of the kind named by `field`.
- Decay: each counted event is worth `points × 2^(−age / half-life)`, rounded once per rule, half away from
zero. - A group's cap cuts the last reasons of that group first. A total below zero is lifted to zero by
cutting the last
  negative reasons first: nobody is less interesting than a stranger.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

Group = Literal["fit", "behaviour"]
Operator = Literal["is", "in", "contains", "at_least", "at_most", "between", "exists", "happened"]
OPERATORS: tuple[Operator, ...] = (
    "is", "in", "contains", "at_least", "at_most", "between", "exists", "happened",
)  # fmt: skip
_NUMERIC = ("at_least", "at_most", "between")

DEEDS = {
    "form_submission": "Submitted a form",
    "email_signup": "Signed up for email",
    "webinar_registration": "Registered for webinar",
    "webinar_attendance": "Attended webinar",
    "email_open": "Opened email",
    "email_click": "Clicked in email",
    "email_reply": "Replied to email",
    "email_bounce": "Email bounced",
    "email_unsubscribe": "Unsubscribed",
    "page_view": "Visited page",
}


class InvalidRule(ValueError):
    """The rule can never be scored; the message tells an admin why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a rule set.

    `value` by operator: is → text or number; in → list; contains → text or list of texts, of which one
    suffices; at_least, at_most → number; between → [low, high], both included; exists → ignored; happened →
    event name or "". On a behaviour rule the numeric operators compare the number of events, the others
    match the events' names. `max_times` limits how often events are counted. Raises InvalidRule.
    """

    id: int
    name: str
    group: Group
    field: str
    operator: Operator
    value: object
    points: int
    max_times: int = 1

    def __post_init__(self) -> None:
        if self.group not in ("fit", "behaviour") or self.operator not in OPERATORS:
            raise InvalidRule(f"Rule {self.name!r} has an unknown group or operator.")
        if self.group == "fit" and self.operator == "happened":
            raise InvalidRule(f"Rule {self.name!r}: “happened” is for behaviour rules.")
        if self.max_times < 1:
            raise InvalidRule(f"Rule {self.name!r} must count at least once.")
        if self.operator in ("at_least", "at_most") and _number(self.value) is None:
            raise InvalidRule(f"Rule {self.name!r} needs a number.")
        if self.operator == "between":
            ends = [_number(end) for end in _items(self.value)]
            if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[0] > ends[1]:
                raise InvalidRule(f"Rule {self.name!r} needs two numbers, the lower one first.")
        if self.operator in ("is", "in", "contains") and not any(map(_text, _items(self.value))):
            raise InvalidRule(f"Rule {self.name!r} needs a value to compare with.")


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A version of the rules; caps and thresholds in points, the half-life in days. None means no cap, no
    decay."""

    version: int
    rules: Sequence[Rule]
    fit_threshold: int
    behaviour_threshold: int
    fit_cap: int | None = None
    behaviour_cap: int | None = None
    half_life_days: float | None = None

    def __post_init__(self) -> None:
        if any(cap is not None and cap < 0 for cap in (self.fit_cap, self.behaviour_cap)):
            raise InvalidRule("A cap must not be negative.")
        if self.half_life_days is not None and not self.half_life_days > 0:
            raise InvalidRule("The half-life must be more than zero days.")


@dataclass(frozen=True, slots=True)
class Event:
    """Something a lead did: kind, name of the form, webinar or mail, and the aware moment."""

    kind: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a lead. Events that must not count (bots, own people) are left out by the caller."""

    attributes: Mapping[str, object]
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rule gave these points: a plain sentence without a full stop; `times` is how many events
    counted."""

    rule: str
    points: int
    because: str
    times: int = 1
    rule_id: int = 0
    group: Group = "fit"


@dataclass(frozen=True, slots=True)
class Score:
    """Points in all and by group, each the sum of its reasons; `is_qualified` when both thresholds are
    met."""

    total: int
    fit: int
    behaviour: int
    reasons: tuple[Reason, ...] = ()
    is_qualified: bool = False


def score(facts: Facts, rule_set: RuleSet, at: datetime) -> Score:
    """The score at a moment; events after it do not count yet. Independent of the order of the events."""
    by_kind: dict[str, list[Event]] = {}
    for event in sorted(facts.events, key=lambda event: (event.at, event.name), reverse=True):
        if event.at <= at:
            by_kind.setdefault(event.kind, []).append(event)
    found: list[Reason] = []
    for rule in rule_set.rules:
        if rule.group == "fit":
            reason = _fit_reason(rule, facts.attributes.get(rule.field))
        else:
            reason = _behaviour_reason(rule, by_kind.get(rule.field, []), rule_set.half_life_days, at)
        if reason is not None and reason.points:
            found.append(reason)
    reasons = _cap(found, "fit", rule_set.fit_cap)
    reasons = _cap(reasons, "behaviour", rule_set.behaviour_cap)
    reasons = _floor(reasons)
    fit = sum(reason.points for reason in reasons if reason.group == "fit")
    behaviour = sum(reason.points for reason in reasons if reason.group == "behaviour")
    is_qualified = fit >= rule_set.fit_threshold and behaviour >= rule_set.behaviour_threshold
    return Score(fit + behaviour, fit, behaviour, tuple(reasons), is_qualified)


def _fit_reason(rule: Rule, value: object) -> Reason | None:
    label = rule.field.replace("_", " ").capitalize()
    because = ""
    match rule.operator:
        case "exists":
            because = f"{label} is known" if any(map(_text, _items(value))) else ""
        case "is" | "in":
            wanted = {_text(item).casefold() for item in _items(rule.value)} - {""}
            hit = next((item for item in _items(value) if _text(item).casefold() in wanted), None)
            because = f"{label} is {_text(hit)}" if hit is not None else ""
        case "contains":
            because = _contains(label, rule.value, value)
        case _:
            number = _number(value)
            if number is not None and _in_range(rule, number):
                because = f"{label} is {_plain(number)}, {_range(rule)}"
    return _reason(rule, rule.points, because, 1) if because else None


def _behaviour_reason(rule: Rule, events: Sequence[Event], half_life_days: float | None, at: datetime) -> Reason | None:
    deed = DEEDS.get(rule.field, rule.field.replace("_", " ").capitalize())
    if rule.operator in _NUMERIC:
        if not _in_range(rule, len(events)):
            return None
        counted = list(events[:1])
        because = f"{deed} ×{len(events)}, {_range(rule)}"
    else:
        counted = list(_named(rule, events)[: rule.max_times])
        if not counted:
            return None
        times = f" ×{len(counted)}" if len(counted) > 1 else ""
        names = {event.name for event in counted}
        name = f" “{counted[0].name}”" if counted[0].name and len(names) == 1 else ""
        because = f"{deed}{name}{times}"
    if counted:
        because += f", {'newest ' if len(counted) > 1 else ''}{_ago(counted[0].at, at)}"
    exact = rule.points * (_decayed(counted, half_life_days, at) if counted else 1)
    points = int(math.copysign(math.floor(abs(exact) + 0.5), exact))
    whole = rule.points * max(len(counted), 1)
    if points != whole:
        because += f" (worth {points} of {whole} points by now)"
    return _reason(rule, points, because, max(len(counted), 1))


def _decayed(events: Sequence[Event], half_life_days: float | None, at: datetime) -> float:
    """How many fresh events these are worth."""
    if half_life_days is None:
        return len(events)
    return sum(math.exp2((event.at - at) / timedelta(days=1) / half_life_days) for event in events)


def _cap(reasons: Sequence[Reason], group: Group, cap: int | None) -> list[Reason]:
    excess = sum(reason.points for reason in reasons if reason.group == group) - cap if cap is not None else 0
    note = f"{group} counts at most {cap}"
    return _cut(reasons, excess, note, lambda reason: reason.group == group and reason.points > 0)


def _floor(reasons: Sequence[Reason]) -> list[Reason]:
    missing = -sum(reason.points for reason in reasons)
    return _cut(reasons, missing, "a score is never below 0", lambda reason: reason.points < 0)


def _cut(reasons: Sequence[Reason], excess: int, note: str, is_eligible: Callable[[Reason], bool]) -> list[Reason]:
    """Take `excess` points off the eligible reasons, from the last one backwards, saying so in each."""
    kept = list(reasons)
    for index in range(len(kept) - 1, -1, -1):
        if excess <= 0:
            break
        reason = kept[index]
        if is_eligible(reason):
            cut = min(excess, abs(reason.points))
            points = reason.points - int(math.copysign(cut, reason.points))
            because = f"{reason.because} (cut from {reason.points} to {points}: {note})"
            kept[index] = replace(reason, points=points, because=because)
            excess -= cut
    return kept


def _contains(label: str, needles: object, value: object) -> str:
    for needle in map(_text, _items(needles)):
        for text in map(_text, _items(value)):
            if needle and _has(text, needle):
                return f"{label} contains {needle}"
    return ""


def _has(text: str, needle: str) -> bool:
    """Whether the text contains the needle; up to three signs only as a whole word: "CTO" is not in
    "Director"."""
    text, needle = text.casefold(), needle.casefold()
    if len(needle) <= 3 and needle.isalnum():
        return needle in text and re.search(rf"(?<!\w){re.escape(needle)}(?!\w)", text) is not None
    return needle in text


def _named(rule: Rule, events: Sequence[Event]) -> Sequence[Event]:
    """The events whose name the rule asks for; all of them if it asks for none."""
    wanted = [item.casefold() for item in map(_text, _items(rule.value)) if item]
    if rule.operator == "exists" or (rule.operator == "happened" and not wanted):
        return events
    if rule.operator == "contains":
        return [event for event in events if any(_has(event.name, item) for item in wanted)]
    return [event for event in events if event.name.casefold() in wanted]


def _in_range(rule: Rule, number: float) -> bool:
    ends = [_number(end) or 0.0 for end in _items(rule.value)]
    match rule.operator:
        case "at_least":
            return number >= ends[0]
        case "at_most":
            return number <= ends[0]
        case _:
            return ends[0] <= number <= ends[1]


def _range(rule: Rule) -> str:
    ends = [_plain(_number(end) or 0.0) for end in _items(rule.value)]
    words = {"at_least": "at least ", "at_most": "at most "}.get(rule.operator, "between ")
    return words + " and ".join(ends)


def _reason(rule: Rule, points: int, because: str, times: int) -> Reason:
    return Reason(rule.name, points, because, times, rule.id, rule.group)


def _items(value: object) -> Sequence[object]:
    """The value itself, or its members if it is a list; nothing for None. Concrete types: scoring runs in
    bulk."""
    if value is None:
        return ()
    return list(value) if isinstance(value, list | tuple | set | frozenset) else (value,)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: ""}[value]
    return _plain(value) if isinstance(value, float) else str(value)


def _number(value: object) -> float | None:
    """A finite number, also from text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _ago(then: datetime, at: datetime) -> str:
    days = (at - then).days
    return "today" if days == 0 else "1 day ago" if days == 1 else f"{days} days ago"
