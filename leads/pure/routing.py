"""Which territory a lead belongs to, and which rep of it takes the lead.

Territories: ordered rules, the first whose conditions all hold. Reps: the account's existing owner if
available, else smooth weighted round-robin, as nginx has it: over any
run as long as the sum of weights, each available rep gets exactly as many leads as its weight, evenly spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

ASSIGN, WAIT, NEXT = "assign", "wait", "next"
"""What happens outside working hours: assign all the same, wait until a rep starts, or give it to who starts first."""


@dataclass(frozen=True, slots=True)
class TerritoryRule:
    """Conditions for a territory; an empty one always holds, so a rule without conditions is the catch-all.

    Postcodes are compared by the length of the bounds, both included: "1" to "29" holds for 10115 and 29999.
    Domains are named accounts and hold for hosts below them too.
    """

    id: int
    position: int
    territory_id: int
    name: str
    countries: Sequence[str] = ()
    regions: Sequence[str] = ()
    postal_from: str = ""
    postal_to: str = ""
    industries: Sequence[str] = ()
    size_min: int | None = None
    size_max: int | None = None
    domains: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """What routing looks at in a lead; unknown is empty or None and meets no condition."""

    country: str = ""
    region: str = ""
    postal_code: str = ""
    industry: str = ""
    company_size: int | None = None
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """The rule that decided, or None; `because` is what the assignment log shows."""

    rule: TerritoryRule | None

    @property
    def because(self) -> str:
        """ "rule 3: country is DE, AT or CH"."""
        return f"rule {self.rule.position}: {sentence(self.rule)}" if self.rule else "no territory rule holds"


def first_match(candidate: Candidate, rules: Sequence[TerritoryRule]) -> Match:
    """The first rule by (position, id) that holds for the candidate."""
    for rule in sorted(rules, key=lambda rule: (rule.position, rule.id)):
        if _holds(rule, candidate):
            return Match(rule)
    return Match(None)


def sentence(rule: TerritoryRule) -> str:
    """The conditions in words: "country is DE, AT or CH and company size at least 50"."""
    parts = []
    for label, values in (
        ("country", rule.countries),
        ("region", rule.regions),
        ("industry", rule.industries),
    ):
        if values:
            parts.append(f"{label} is {_any_of(values)}")
    if rule.postal_from or rule.postal_to:
        parts.append(f"postal code {_between(rule.postal_from or None, rule.postal_to or None)}")
    if rule.size_min is not None or rule.size_max is not None:
        parts.append(f"company size {_between(rule.size_min, rule.size_max)}")
    if rule.domains:
        parts.append(f"account is {_any_of(rule.domains)}")
    return " and ".join(parts) or "every lead (catch-all)"


@dataclass(frozen=True, slots=True)
class Rep:
    """A rep of the territory. `away` holds (first day, last day), both included; `capacity` None means no
    limit.

    `today` is the rep's own day, where it is not the company's. `starts_at` is when the rep works next, in the rep's
    zone: None for a rep who is at work now, or of whom nobody asked. `never_works` marks hours without any working day,
    `leaves` a rep whose leads are being given away.
    """

    id: int
    name: str
    weight: int = 1
    current_credit: int = 0
    open_leads: int = 0
    capacity: int | None = None
    is_active: bool = True
    left_crm: bool = False
    leaves: bool = False
    away: Sequence[tuple[date, date]] = ()
    today: date | None = None
    starts_at: datetime | None = None
    never_works: bool = False


class PassedOver(NamedTuple):
    """A rep who could not take the lead, and why."""

    rep_id: int
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The rep chosen, or None; `credits` are the rotation credits to store, for every rep given, by id. `waits_until`
    is when a rep starts for whom a lead without one waits. `takes_turn` tells whether the rotation moved on."""

    rep_id: int | None
    because: str
    passed_over: tuple[PassedOver, ...]
    credits: Mapping[int, int]
    waits_until: datetime | None = None
    takes_turn: bool = False


def choose_rep(reps: Sequence[Rep], on: date, existing_owner_id: int | None = None, off_hours: str = ASSIGN) -> Choice:
    """Who takes a lead on a day. Deterministic and independent of the order of `reps`; ties go to the lower
    id.

    A lead that goes to the account's owner is outside the rotation and changes no credits: an owner with many
    accounts would otherwise never be given a new one. Unavailable reps keep their credit and do not save up
    leads. Reps outside their working hours are unavailable unless `off_hours` is ASSIGN; with NEXT, and nobody at
    work, those who start first take it in turn.
    """
    ordered = sorted(reps, key=lambda rep: rep.id)
    credits = {rep.id: rep.current_credit for rep in ordered}
    reasons = {rep.id: unavailable(rep, on) for rep in ordered}
    able = [rep for rep in ordered if not reasons[rep.id]]
    at_work = [rep for rep in able if off_hours == ASSIGN or not is_off(rep)]
    owner = next((rep for rep in ordered if rep.id == existing_owner_id), None)
    if owner is not None and owner in at_work:
        return Choice(owner.id, f"{owner.name} already owns the account", (), credits)
    passed_over = []
    if existing_owner_id is not None and owner is None:
        passed_over.append(PassedOver(existing_owner_id, "", "owns the account but is not in this territory"))
    passed_over += [PassedOver(rep.id, rep.name, reasons[rep.id]) for rep in ordered if reasons[rep.id]]
    off = [rep for rep in able if rep not in at_work]
    if not any(rep.weight > 0 for rep in at_work) and off and off_hours == NEXT:
        return _who_starts_first(off, owner, passed_over, credits)
    passed_over += [PassedOver(rep.id, rep.name, _off_words(rep)) for rep in off]
    rotation = [rep for rep in at_work if rep.weight > 0]
    passed_over += [PassedOver(rep.id, rep.name, _NO_WEIGHT) for rep in at_work if rep.weight <= 0]
    passed_over.sort(key=lambda passed: (passed.name != "", passed.rep_id))
    if not rotation:
        starts = min((rep.starts_at for rep in off if rep.starts_at and rep.weight > 0), default=None)
        if not ordered:
            because = "the territory has no reps"
        elif starts:
            because = f"nobody is at work; waits until {_moment(starts)}"
        else:
            because = "nobody in the territory is available"
        return Choice(None, because, tuple(passed_over), credits, waits_until=starts)
    chosen = _take_turn(rotation, credits)
    because = f"{chosen.name} is next in turn" if len(rotation) > 1 else f"{chosen.name} is the only one available"
    return Choice(chosen.id, because, tuple(passed_over), credits, takes_turn=True)


_NO_WEIGHT = "takes no new leads (weight 0)"


def unavailable(rep: Rep, on: date) -> str:
    """Why a rep cannot take a lead on a day, whatever the hour; "" if they can."""
    if not rep.is_active:
        return "is not active"
    if rep.left_crm:
        return "is deactivated in the CRM"
    if rep.leaves:
        return "gives their leads away"
    day = rep.today or on
    absence = max((last for first, last in rep.away if first <= day <= last), default=None)
    if absence is not None:
        return f"is away until {absence.isoformat()}"
    if rep.capacity is not None and rep.open_leads >= rep.capacity:
        return f"is at capacity ({rep.open_leads} of {rep.capacity} open leads)"
    return ""


def is_off(rep: Rep) -> bool:
    """Whether the rep is outside their working hours."""
    return rep.never_works or rep.starts_at is not None


def _who_starts_first(
    off: list[Rep], owner: Rep | None, passed_over: list[PassedOver], credits: dict[int, int]
) -> Choice:
    if owner is not None and owner in off and owner.starts_at:
        because = f"{owner.name} already owns the account and starts {_moment(owner.starts_at)}"
        return Choice(owner.id, because, tuple(passed_over), credits)
    known = [(rep.starts_at, rep) for rep in off if rep.starts_at and rep.weight > 0]
    first = min((starts for starts, _ in known), default=None)
    rotation = [rep for starts, rep in known if starts == first]
    passed_over += [
        PassedOver(rep.id, rep.name, _off_words(rep) if rep.weight > 0 else _NO_WEIGHT)
        for rep in off
        if rep not in rotation
    ]
    if first is None:
        return Choice(None, "nobody in the territory is available", tuple(passed_over), credits)
    chosen = _take_turn(rotation, credits)
    because = f"nobody is at work; {chosen.name} starts first, {_moment(first)}"
    return Choice(chosen.id, because, tuple(passed_over), credits, takes_turn=True)


def _take_turn(rotation: Sequence[Rep], credits: dict[int, int]) -> Rep:
    """Move the weighted rotation on by one turn."""
    for rep in rotation:
        credits[rep.id] += rep.weight
    chosen = max(rotation, key=lambda rep: (credits[rep.id], -rep.id))
    credits[chosen.id] -= sum(rep.weight for rep in rotation)
    return chosen


def _off_words(rep: Rep) -> str:
    return f"is not at work until {_moment(rep.starts_at)}" if rep.starts_at else "has no working hours"


def _moment(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b %H:%M}"


def _holds(rule: TerritoryRule, candidate: Candidate) -> bool:
    return (
        _among(candidate.country, rule.countries)
        and _among(candidate.region, rule.regions)
        and _among(candidate.industry, rule.industries)
        and _in_postal_range(candidate.postal_code, rule.postal_from, rule.postal_to)
        and _in_size_range(candidate.company_size, rule.size_min, rule.size_max)
        and _in_domains(candidate.domain, rule.domains)
    )


def _among(value: str, allowed: Sequence[str]) -> bool:
    return not allowed or value.casefold() in {item.casefold() for item in allowed if item}


def _in_postal_range(value: str, low: str, high: str) -> bool:
    value, low, high = (part.replace(" ", "").upper() for part in (value, low, high))
    if not low and not high:
        return True
    return bool(value) and value[: len(low)] >= low and (not high or value[: len(high)] <= high)


def _in_size_range(size: int | None, low: int | None, high: int | None) -> bool:
    if low is None and high is None:
        return True
    return size is not None and (low is None or size >= low) and (high is None or size <= high)


def _in_domains(domain: str, domains: Sequence[str]) -> bool:
    if not domains:
        return True
    name = domain.casefold()
    return any(name == item.casefold() or name.endswith(f".{item.casefold()}") for item in domains)


def _any_of(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"


def _between(low: object, high: object) -> str:
    if low is not None and high is not None:
        return f"from {low} to {high}"
    return f"at least {low}" if low is not None else f"at most {high}"
