"""Which territory a lead belongs to, and which rep of it takes the lead.

Territories: ordered rules on the shared condition grammar, the first that holds. Reps: the account's existing owner if
available, else smooth weighted round-robin, as nginx has it: over any
run as long as the sum of weights, each available rep gets exactly as many leads as its weight, evenly spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from leads.pure.conditions.evaluate import Evaluator, Facts
from leads.pure.conditions.grammar import Group
from leads.pure.conditions.properties import LEADS, Catalog
from leads.pure.conditions.sentences import sentence

ASSIGN, WAIT, NEXT = "assign", "wait", "next"
"""What happens outside working hours: assign all the same, wait until a rep starts, or give it to who starts first."""


@dataclass(frozen=True, slots=True)
class TerritoryRule:
    """Conditions that lead to a territory; a rule without conditions holds for every lead."""

    id: int
    position: int
    territory_id: int
    conditions: Group
    name: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """The rule that decided, or None; `because` is what the assignment log shows."""

    rule: TerritoryRule | None
    because: str = "no rule holds, so everywhere else"


class Rules:
    """Rules made ready once, for many leads, in the order in which they are tried."""

    def __init__(self, rules: Sequence[TerritoryRule], catalog: Catalog = LEADS) -> None:
        self.ordered = sorted(rules, key=lambda rule: (rule.position, rule.id))
        self.sentences = {rule.id: sentence(rule.conditions, catalog) for rule in self.ordered}
        self._ready = [(rule, Evaluator(rule.conditions, catalog)) for rule in self.ordered]

    @property
    def properties(self) -> frozenset[str]:
        """The keys of all that the rules look at."""
        return frozenset[str]().union(*(rule.conditions.properties for rule in self.ordered))

    def first_match(self, facts: Facts, on: date) -> Match:
        """The first rule by (position, id) that holds on a company day."""
        first = next((rule for rule, holds in self._ready if holds(facts, on).holds), None)
        return self.decided_by([first] if first else [])

    def decided_by(self, met: Sequence[TerritoryRule]) -> Match:
        """The first of the rules that hold, in order."""
        return Match(met[0], f"rule {met[0].position}: {self.sentences[met[0].id]}") if met else Match(None)

    def met(self, facts: Facts, on: date) -> list[TerritoryRule]:
        """Every rule that holds, in order; the first of them decides."""
        return [rule for rule, holds in self._ready if holds(facts, on).holds]

    def why_not(self, facts: Facts, on: date, rule: TerritoryRule) -> str:
        """What about the lead decided that a rule holds or not, in words."""
        return next((holds(facts, on).because for each, holds in self._ready if each.id == rule.id), "")


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
    is when a rep starts for whom a lead without one waits. `rotation` holds the weights of those whose turn it could
    be, by id; it is empty where no turn was taken."""

    rep_id: int | None
    because: str
    passed_over: tuple[PassedOver, ...]
    credits: Mapping[int, int]
    waits_until: datetime | None = None
    rotation: Mapping[int, int] = field(default_factory=dict)


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
    return Choice(chosen.id, because, tuple(passed_over), credits, rotation=_weights(rotation))


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
    return Choice(chosen.id, because, tuple(passed_over), credits, rotation=_weights(rotation))


def _take_turn(rotation: Sequence[Rep], credits: dict[int, int]) -> Rep:
    """Move the weighted rotation on by one turn."""
    for rep in rotation:
        credits[rep.id] += rep.weight
    chosen = max(rotation, key=lambda rep: (credits[rep.id], -rep.id))
    credits[chosen.id] -= sum(rep.weight for rep in rotation)
    return chosen


def _weights(reps: Sequence[Rep]) -> dict[int, int]:
    return {rep.id: rep.weight for rep in reps}


def _off_words(rep: Rep) -> str:
    return f"is not at work until {_moment(rep.starts_at)}" if rep.starts_at else "has no working hours"


def _moment(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b %H:%M}"
