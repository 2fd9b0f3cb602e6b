"""Which territory a lead belongs to, and which rep of it takes the lead.

Territories: ordered rules, the first whose conditions all hold. Reps: the account's existing owner if
available, else smooth weighted round-robin, as nginx has it: over any
run as long as the sum of weights, each available rep gets exactly as many leads as its weight, evenly spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


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
    limit."""

    id: int
    name: str
    weight: int = 1
    current_credit: int = 0
    open_leads: int = 0
    capacity: int | None = None
    is_active: bool = True
    away: Sequence[tuple[date, date]] = ()


class PassedOver(NamedTuple):
    """A rep who could not take the lead, and why."""

    rep_id: int
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The rep chosen, or None; `credits` are the rotation credits to store, for every rep given, by id."""

    rep_id: int | None
    because: str
    passed_over: tuple[PassedOver, ...]
    credits: Mapping[int, int]


def choose_rep(reps: Sequence[Rep], on: date, existing_owner_id: int | None = None) -> Choice:
    """Who takes a lead on a day. Deterministic and independent of the order of `reps`; ties go to the lower
    id.

    A lead that goes to the account's owner is outside the rotation and changes no credits: an owner with many
    accounts would otherwise never be given a new one. Unavailable reps keep their credit and do not save up
    leads.
    """
    ordered = sorted(reps, key=lambda rep: rep.id)
    credits = {rep.id: rep.current_credit for rep in ordered}
    owner = next((rep for rep in ordered if rep.id == existing_owner_id), None)
    if owner is not None and not _unavailable(owner, on):
        return Choice(owner.id, f"{owner.name} already owns the account", (), credits)
    passed_over = []
    if existing_owner_id is not None and owner is None:
        passed_over.append(PassedOver(existing_owner_id, "", "owns the account but is not in this territory"))
    rotation = []
    for rep in ordered:
        why = _unavailable(rep, on) or ("takes no new leads (weight 0)" if rep.weight <= 0 else "")
        if why:
            passed_over.append(PassedOver(rep.id, rep.name, why))
        else:
            rotation.append(rep)
    if not rotation:
        because = "nobody in the territory is available" if ordered else "the territory has no reps"
        return Choice(None, because, tuple(passed_over), credits)
    for rep in rotation:
        credits[rep.id] += rep.weight
    chosen = max(rotation, key=lambda rep: (credits[rep.id], -rep.id))
    credits[chosen.id] -= sum(rep.weight for rep in rotation)
    because = f"{chosen.name} is next in turn" if len(rotation) > 1 else f"{chosen.name} is the only one available"
    return Choice(chosen.id, because, tuple(passed_over), credits)


def _unavailable(rep: Rep, on: date) -> str:
    """Why a rep cannot take a lead on a day; "" if they can."""
    if not rep.is_active:
        return "is not active"
    absence = next((last for first, last in rep.away if first <= on <= last), None)
    if absence is not None:
        return f"is away until {absence.isoformat()}"
    if rep.capacity is not None and rep.open_leads >= rep.capacity:
        return f"is at capacity ({rep.open_leads} of {rep.capacity} open leads)"
    return ""


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
