"""Whether conditions hold for a lead on a company day, why, and until when.

Everything is by company day: an event of today is 0 days old until midnight, and "in the last 7 days" is today and the
six days before it. What is unknown meets no condition but "is unknown" and the negative ones.
"""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from leads.pure.conditions.grammar import Condition, Group, day_of, number
from leads.pure.conditions.properties import EVENT, LEADS, YES, Catalog, Kind, Property
from leads.pure.conditions.properties import Operator as Op
from leads.pure.conditions.sentences import any_of, limits, plain, sentence
from leads.pure.spelling.identity import is_free_mail


@dataclass(frozen=True, slots=True)
class Event:
    """Something a lead did: kind, name of the form, webinar or mail, the aware moment, and its company day."""

    kind: str
    name: str
    at: datetime
    on: date


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a lead, by property. A value may be a list, of which one item suffices.

    Dates are company days. Events that must not count (bots, own people) are left out by whoever collects them.
    """

    values: Mapping[str, object]
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it holds, and what about the lead decided: "Country is DE", "Country is FR"."""

    holds: bool
    because: str


Check = Callable[[Facts, date], str]
"""Why a condition holds for these facts on a day, as a sentence; nothing when it does not."""


def evaluate(group: Group, facts: Facts, on: date, catalog: Catalog = LEADS) -> Answer:
    """Whether the group holds on a company day, with the reason."""
    return Evaluator(group, catalog)(facts, on)


class Evaluator:
    """A group made ready once, for many leads."""

    def __init__(self, group: Group, catalog: Catalog = LEADS) -> None:
        self.group = group
        self._catalog = catalog
        self._parts: list[tuple[Condition | Group, Check | Evaluator]] = [
            (item, checker(item, catalog) if isinstance(item, Condition) else Evaluator(item, catalog))
            for item in group.items
        ]

    def __call__(self, facts: Facts, on: date) -> Answer:
        """Conditions are tried in order until the answer is known."""
        reasons: list[str] = []
        for item, part in self._parts:
            answer = part(facts, on)
            because = answer if isinstance(answer, str) else answer.because if answer.holds else ""
            if because and self.group.match == "any":
                return Answer(True, because)
            if not because and self.group.match == "all":
                return Answer(False, _failed(item, answer, facts, self._catalog))
            if because:
                reasons.append(because)
        if self.group.match == "any" and self._parts:
            return Answer(False, f"not {sentence(self.group, self._catalog)}")
        return Answer(True, _joined(reasons) or "Holds for every lead")

    def reason(self, facts: Facts, on: date) -> str:
        """Why the group holds; nothing when it does not, which is quicker than saying why not."""
        reasons: list[str] = []
        for _, part in self._parts:
            because = part.reason(facts, on) if isinstance(part, Evaluator) else part(facts, on)
            if because and self.group.match == "any":
                return because
            if not because and self.group.match == "all":
                return ""
            if because:
                reasons.append(because)
        if self.group.match == "any" and self._parts:
            return ""
        return _joined(reasons) or "Holds for every lead"

    def turns_on(self, facts: Facts, on: date) -> date | None:
        """The first later day on which the answer may be another because time has passed; None: never."""
        found = [turns_on(condition, facts, on) for condition in self.group.conditions()]
        return min((day for day in found if day), default=None)


def _failed(item: Condition | Group, answer: Answer | str, facts: Facts, catalog: Catalog) -> str:
    if isinstance(answer, Answer):
        return answer.because
    if isinstance(item, Condition) and not item.property.startswith(EVENT):
        known = [text for text in map(text_of, items_of(facts.values.get(item.property))) if text]
        looked_at = catalog.get(item.property) or Property(item.property, item.property, Kind.TEXT)
        if known and looked_at.kind != Kind.FLAG:
            return f"{looked_at.label} is {any_of([looked_at.said(each) for each in known[:3]])}"
        return f"{looked_at.label} is unknown" if not known else f"not {sentence(item, catalog)}"
    return f"not {sentence(item, catalog)}"


def _joined(reasons: Sequence[str]) -> str:
    first, *rest = reasons or [""]
    return " and ".join([first, *(each[:1].lower() + each[1:] for each in rest)])


def checker(condition: Condition, catalog: Catalog = LEADS) -> Check:
    """A condition made ready for many leads. A property that nobody knows any more is unknown for all of them."""
    if condition.property.startswith(EVENT):
        return _event_checker(condition, catalog)
    looked_at = catalog.get(condition.property) or Property(condition.property, condition.property, Kind.TEXT)
    key, label, operator = condition.property, looked_at.label, condition.operator
    # Every operator is known for every kind: what a kind offers is checked when a rule is saved, not for every lead.
    match operator:
        case Op.KNOWN:
            return lambda facts, on: f"{label} is known" if _is_known(facts.values.get(key)) else ""
        case Op.UNKNOWN:
            return lambda facts, on: "" if _is_known(facts.values.get(key)) else f"{label} is unknown"
        case Op.IS if looked_at.kind == Kind.FLAG:
            wanted = text_of(condition.values[0]) == YES if condition.values else True
            return lambda facts, on: sentence(condition, catalog) if bool(facts.values.get(key)) == wanted else ""
        case Op.AT_LEAST | Op.AT_MOST | Op.BETWEEN if looked_at.kind != Kind.DATE:
            return _number_checker(condition, label)
        case Op.LAST_DAYS | Op.OLDER_THAN | Op.BEFORE | Op.AFTER | Op.BETWEEN:
            return _date_checker(condition, label, sentence(condition, catalog))
        case Op.POSTCODES:
            return _postcode_checker(condition, label)
        case Op.LIKE:
            return _pattern_checker(condition, label)
        case Op.IS_NOT | Op.NOT_CONTAINS | Op.NOT_IN_DOMAIN:
            return _negative_checker(condition, looked_at)
        case _:
            find = _finder(condition)
            verb = {Op.CONTAINS: "contains", Op.STARTS_WITH: "starts with"}.get(operator, "is")
            says_wanted = operator in (Op.CONTAINS, Op.STARTS_WITH)

            def positive(facts: Facts, on: date) -> str:
                hit = find(facts.values.get(key))
                if hit is None:
                    return ""
                if operator in (Op.FREE_MAIL, Op.COMPANY_MAIL):
                    return f"{label} {hit[0]} {looked_at.operator_label(operator)}"
                return f"{label} {verb} {looked_at.said(hit[1] if says_wanted else hit[0])}"

            return positive


def _pattern_checker(condition: Condition, label: str) -> Check:
    key, pattern = condition.property, like(tuple(map(str, condition.values)))

    def check(facts: Facts, on: date) -> str:
        for item in items_of(facts.values.get(key)):
            text = text_of(item)
            if text and pattern.fullmatch(text.casefold()):
                return f"{label} is {text}"
        return ""

    return check


@lru_cache(maxsize=1024)
def like(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """What fits one of the patterns: * stands for anything, ? for one character, without regard to case."""
    parts = [fnmatch.translate(part.strip().casefold()) for part in patterns]
    return re.compile("|".join(f"(?:{part})" for part in parts) or r"(?!)")


def _negative_checker(condition: Condition, looked_at: Property) -> Check:
    opposite = {Op.IS_NOT: Op.IS, Op.NOT_CONTAINS: Op.CONTAINS, Op.NOT_IN_DOMAIN: Op.IN_DOMAIN}[condition.operator]
    find = _finder(Condition(condition.property, opposite, condition.values))
    because = sentence(condition, Catalog([looked_at]))
    because = because[:1].upper() + because[1:]
    return lambda facts, on: because if find(facts.values.get(condition.property)) is None else ""


def _finder(condition: Condition) -> Callable[[object], tuple[str, str] | None]:
    """Finds the first (item, wanted value) that fit."""
    wanted = [text for text in map(text_of, condition.values) if text]
    folded = [text.casefold() for text in wanted]
    operator = condition.operator

    def find(value: object) -> tuple[str, str] | None:
        texts = [text for text in map(text_of, items_of(value)) if text]
        if operator in (Op.FREE_MAIL, Op.COMPANY_MAIL):
            is_free = operator == Op.FREE_MAIL
            return next(((text, text) for text in texts if is_free_mail(text.casefold()) == is_free), None)
        if operator == Op.CONTAINS:
            pairs = ((text, need) for need in wanted for text in texts if has(text, need))
            return next(pairs, None)
        for text in texts:
            low = text.casefold()
            for need, fold in zip(wanted, folded, strict=True):
                if operator == Op.IS and low == fold:
                    return text, need
                if operator == Op.STARTS_WITH and low.startswith(fold):
                    return text, need
                if operator == Op.IN_DOMAIN and (low == fold or low.endswith(f".{fold}")):
                    return text, need
        return None

    if operator == Op.IS:  # by far the most frequent one
        known = frozenset(folded)

        def same(value: object) -> tuple[str, str] | None:
            for item in items_of(value):
                text = text_of(item)
                if text and text.casefold() in known:
                    return text, text
            return None

        return same
    return find


def _number_checker(condition: Condition, label: str) -> Check:
    key, said = condition.property, limits(condition)
    low, high = _ends(condition)

    def check(facts: Facts, on: date) -> str:
        found = number(facts.values.get(key))
        return f"{label} is {plain(found)}, {said}" if found is not None and low <= found <= high else ""

    return check


def _ends(condition: Condition) -> tuple[float, float]:
    """Limits of numbers; a missing one that the operator needs lets nothing through."""
    low, high = number(condition.low), number(condition.high)
    needs_low = condition.operator in (Op.AT_LEAST, Op.HAPPENED, Op.BETWEEN)
    needs_high = condition.operator in (Op.AT_MOST, Op.BETWEEN)
    lowest = low if needs_low else float("-inf")
    highest = high if needs_high else float("inf")
    if lowest is None or highest is None:
        return float("inf"), float("-inf")
    return lowest, highest


def _date_checker(condition: Condition, label: str, said: str) -> Check:
    key, operator, days = condition.property, condition.operator, condition.days or 0
    low, high = day_of(condition.low), day_of(condition.high)
    because = said[:1].upper() + said[1:]

    def holds(day: date, on: date) -> bool:
        match operator:
            case Op.LAST_DAYS:
                return 0 <= (on - day).days < days
            case Op.OLDER_THAN:
                return (on - day).days > days
            case Op.BEFORE:
                return high is not None and day < high
            case Op.AFTER:
                return low is not None and day > low
            case _:
                return low is not None and high is not None and low <= day <= high

    return lambda facts, on: because if (day := day_of(facts.values.get(key))) and holds(day, on) else ""


def _postcode_checker(condition: Condition, label: str) -> Check:
    low, high = _postal(condition.low), _postal(condition.high)

    def check(facts: Facts, on: date) -> str:
        value = text_of(facts.values.get(condition.property))
        code = _postal(value)
        is_in = bool(code) and bool(low) and bool(high) and code[: len(low)] >= low and code[: len(high)] <= high
        return f"{label} is {value}, from {condition.low} to {condition.high}" if is_in else ""

    return check


def _postal(value: object) -> str:
    return str(value or "").replace(" ", "").upper()


def _event_checker(condition: Condition, catalog: Catalog) -> Check:
    matching = matcher(condition)
    low, high = _ends(condition)
    if condition.operator == Op.NEVER:
        low, high = 0, 0
    said = sentence(condition, catalog)
    because = said[:1].upper() + said[1:]

    def check(facts: Facts, on: date) -> str:
        return because if low <= sum(1 for _ in matching(facts.events, on)) <= high else ""

    return check


def matcher(condition: Condition) -> Callable[[Iterable[Event], date], list[Event]]:
    """Finds the events that an event condition counts on a day: of its kind and names, in its days, none to come."""
    kind = condition.property.removeprefix(EVENT)
    wanted = [text for text in map(text_of, condition.values) if text]
    folded = frozenset(text.casefold() for text in wanted)
    is_part, days = condition.names == "contains", condition.days

    def find(events: Iterable[Event], on: date) -> list[Event]:
        since = on - timedelta(days=days - 1) if days else date.min
        return [
            each
            for each in events
            if each.kind == kind
            and since <= each.on <= on
            and (
                not wanted
                or (any(has(each.name, need) for need in wanted) if is_part else each.name.casefold() in folded)
            )
        ]

    return find


def turns_on(condition: Condition, facts: Facts, on: date) -> date | None:
    """The first later day on which a condition may turn because time has passed alone; None: never."""
    if condition.property.startswith(EVENT):
        kind = condition.property.removeprefix(EVENT)
        mine = [each.on for each in facts.events if each.kind == kind]
        coming = [day for day in mine if day > on]
        leaving = [day + timedelta(days=condition.days) for day in mine] if condition.days else []
        return min((day for day in [*coming, *leaving] if day > on), default=None)
    if condition.operator in (Op.LAST_DAYS, Op.OLDER_THAN) and (day := day_of(facts.values.get(condition.property))):
        days = condition.days or 0
        turn = day + timedelta(days=days + (condition.operator == Op.OLDER_THAN))
        return min((each for each in (day, turn) if each > on), default=None)
    return None


def has(text: str, needle: str) -> bool:
    """Whether a text contains another; up to three letters or digits only as a whole word: "CTO" is not in
    "Director"."""
    text, needle = text.casefold(), needle.casefold()
    if len(needle) <= 3 and needle.isalnum():
        return needle in text and re.search(rf"(?<!\w){re.escape(needle)}(?!\w)", text) is not None
    return needle in text


def items_of(value: object) -> Sequence[object]:
    """The value itself, or its members if it is a list; nothing for None."""
    if value is None:
        return ()
    if isinstance(value, str):  # most of them
        return (value,)
    return list(value) if isinstance(value, list | tuple | set | frozenset) else (value,)


def text_of(value: object) -> str:
    """A value as it is compared with texts."""
    if isinstance(value, str):
        return value.strip()
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: ""}[value]
    return plain(value) if isinstance(value, float) and math.isfinite(value) else str(value)


def _is_known(value: object) -> bool:
    return any(map(text_of, items_of(value)))
