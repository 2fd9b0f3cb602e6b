"""Stages of a lead and the passages between them.

The ladder is climbed rung by rung. Where an event proves a higher rung (an opportunity appears in the CRM),
the rungs in between are filled in and marked inferred, so that every stage a lead is past has a first date.
"""

from __future__ import annotations

from typing import NamedTuple

from leads.pure.refused import Refused

SUBSCRIBER = "subscriber"
LEAD = "lead"
MQL = "mql"
SAL = "sal"
SQL = "sql"
OPPORTUNITY = "opportunity"
CUSTOMER = "customer"
DISQUALIFIED = "disqualified"
RECYCLED = "recycled"

LADDER = (SUBSCRIBER, LEAD, MQL, SAL, SQL, OPPORTUNITY, CUSTOMER)
STAGES = (*LADDER, DISQUALIFIED, RECYCLED)
LABELS = {
    SUBSCRIBER: "Subscriber",
    LEAD: "Lead",
    MQL: "MQL",
    SAL: "SAL",
    SQL: "SQL",
    OPPORTUNITY: "Opportunity",
    CUSTOMER: "Customer",
    DISQUALIFIED: "Disqualified",
    RECYCLED: "Recycled",
}


class PassageRefused(Refused):
    """There is no way from the current stage to the target; the message tells a person why."""


# From where people take each step; what the system does follows `passages_to` alone.
STEPS = {
    "accept": frozenset([MQL]),
    "reject": frozenset([MQL, SAL, SQL]),
    "qualify": frozenset([SAL]),
    "disqualify": frozenset([LEAD, MQL, SAL, SQL, RECYCLED]),
    "recycle": frozenset([MQL, SAL, SQL, DISQUALIFIED]),
    "open a deal for": frozenset([SQL, OPPORTUNITY, CUSTOMER]),
}


class Passage(NamedTuple):
    """A step from one stage ("" for a new lead) to another; inferred if nobody observed it."""

    from_stage: str
    to_stage: str
    is_inferred: bool


def passages_to(current: str, target: str) -> list[Passage]:
    """The steps from `current` ("" for a new lead) to `target`, the last one observed, the others inferred.

    Empty if already there. A person who is past a rung is never moved down: the way back up leads through
    Recycled, from where a lead climbs again as if it stood at Lead. A customer stays a customer. Raises
    PassageRefused.
    """
    if target not in STAGES or (current and current not in STAGES):
        raise PassageRefused(f"Unknown stage {target if target not in STAGES else current!r}.")
    if current == target:
        return []
    if target in (DISQUALIFIED, RECYCLED):
        return _step_aside(current, target)
    if current == DISQUALIFIED:
        # New interest of somebody we had ruled out: they re-enter, and then climb like anybody else.
        return [Passage(current, RECYCLED, True), *passages_to(RECYCLED, target)]
    if current == RECYCLED and target == SUBSCRIBER:
        raise PassageRefused("A recycled lead cannot become a subscriber.")
    stand = {"": -1, RECYCLED: LADDER.index(LEAD) - 1}.get(current)
    if stand is None:
        stand = LADDER.index(current)
    goal = LADDER.index(target)
    if goal < stand:
        raise PassageRefused(f"A lead cannot go back from {LABELS[current]} to {LABELS[target]}.")
    rungs = LADDER[stand + 1 : goal + 1]
    # Neither a new lead nor a returning one owes us a rung it never needs: not everybody subscribes first,
    # and a recycled lead has been a lead before.
    optional = {"": SUBSCRIBER, RECYCLED: LEAD}.get(current)
    rungs = tuple(rung for rung in rungs if rung != optional or rung == target)
    return [Passage(here, there, there != target) for here, there in zip((current, *rungs), rungs, strict=False)]


def why_not(step: str, current: str) -> str:
    """Why people cannot take a step of `STEPS` from the current stage; empty where they can."""
    allowed = STEPS[step]
    if current in allowed:
        return ""
    wanted = [LABELS[stage] for stage in STAGES if stage in allowed]
    which = " or ".join(filter(None, [", ".join(wanted[:-1]), wanted[-1]]))
    return f"You can {step} a lead at {which}; this one is at {LABELS[current]}."


def check_step(step: str, current: str) -> None:
    """Raise PassageRefused where people cannot take a step of `STEPS` from the current stage."""
    if reason := why_not(step, current):
        raise PassageRefused(reason)


def is_allowed(current: str, target: str) -> bool:
    """Whether passages_to would find a way (also when already there)."""
    try:
        passages_to(current, target)
    except PassageRefused:
        return False
    return True


def has_reached(current: str, stage: str) -> bool:
    """Whether a lead now at `current` stands at or above a rung of the ladder."""
    return current in LADDER and stage in LADDER and LADDER.index(current) >= LADDER.index(stage)


def _step_aside(current: str, target: str) -> list[Passage]:
    if current == CUSTOMER:
        raise PassageRefused("A customer stays a customer.")
    if target == RECYCLED and current in ("", SUBSCRIBER, LEAD):
        raise PassageRefused("Only a lead that sales has seen can be recycled.")
    first = [] if current else [Passage("", LEAD, True)]
    return [*first, Passage(current or LEAD, target, False)]
