"""The engine once more, slow and plain: one touch at a time, exact fractions, no numpy arithmetic.

It also turns its plain rows into the engine's columns, so that both see the same input.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.journeys.journeys import DAY, Milestones, Settings, Touches
from attribution.pure.methods import Fit

HALF_LIFE_DAYS = 7
VALUES = [Fraction(1, 2), Fraction(1, 4), Fraction(3, 8), Fraction(0)]
"""What a fit found of campaigns 0 to 3; of touches without a campaign it knows nothing."""
SCALE_DAYS = 10.0
BASELINE = 0.01


@dataclass(frozen=True)
class Touch:
    deal: int
    id: int
    at: int
    campaign: int = 0
    channel: int = 0
    is_bot: bool = False
    is_internal: bool = False
    is_marketing: bool = True


@dataclass(frozen=True)
class Deal:
    created: int
    milestone: int
    closed: int = UNKNOWN
    lead_touch: int = UNKNOWN
    lead_created: int = UNKNOWN


@dataclass(frozen=True)
class Journey:
    touches: list[Touch]
    first: int
    lead_creation: int | None
    opportunity_creation: int | None
    closing: int | None
    created: int = 0


def columns(touches: list[Touch], deals: list[Deal]) -> tuple[Touches, Milestones]:
    def ints(values: list[int]) -> np.ndarray:
        return np.array(values, dtype=np.int64)

    def flags(values: list[bool]) -> np.ndarray:
        return np.array(values, dtype=np.bool_)

    return (
        Touches(
            opportunity=ints([touch.deal for touch in touches]),
            id=ints([touch.id for touch in touches]),
            campaign=ints([touch.campaign for touch in touches]),
            channel=ints([touch.channel for touch in touches]),
            occurred_at=ints([touch.at for touch in touches]),
            is_bot=flags([touch.is_bot for touch in touches]),
            is_internal=flags([touch.is_internal for touch in touches]),
            is_marketing=flags([touch.is_marketing for touch in touches]),
        ),
        Milestones(
            created_at=ints([deal.created for deal in deals]),
            closed_at=ints([deal.closed for deal in deals]),
            milestone_at=ints([deal.milestone for deal in deals]),
            lead_touch=ints([deal.lead_touch for deal in deals]),
            lead_created_at=ints([deal.lead_created for deal in deals]),
        ),
    )


def rejection(touch: Touch, deal: Deal, settings: Settings) -> str | None:
    if touch.is_bot:
        return "bot"
    if touch.is_internal:
        return "internal"
    if not touch.is_marketing:
        return "not_marketing"
    if touch.channel in settings.suppressed_channels:
        return "suppressed_channel"
    if touch.at > deal.milestone or (deal.closed != UNKNOWN and touch.at > deal.closed):
        return "after_milestone"
    if settings.look_back_days is not None and deal.milestone - touch.at > settings.look_back_days * DAY:
        return "outside_look_back"
    return None


def journey(index: int, deal: Deal, touches: list[Touch], settings: Settings) -> Journey | None:
    mine = [touch for touch in touches if touch.deal == index and rejection(touch, deal, settings) is None]
    mine.sort(key=lambda touch: (touch.at, touch.id))
    if not mine:
        return None

    def last_until(moment: int) -> int | None:
        return max((place for place, touch in enumerate(mine) if touch.at <= moment), default=None)

    lead_creation = None
    if deal.lead_touch != UNKNOWN:
        named = [place for place, touch in enumerate(mine) if touch.id == deal.lead_touch]
        lead_creation = named[0] if named else None
    elif deal.lead_created != UNKNOWN:
        lead_creation = last_until(deal.lead_created)
    return Journey(
        touches=mine,
        first=0,
        lead_creation=lead_creation,
        opportunity_creation=last_until(deal.created),
        closing=len(mine) - 1 if deal.closed != UNKNOWN and deal.closed <= deal.milestone else None,
        created=deal.created,
    )


def _all_to(place: int | None, count: int) -> list[Fraction]:
    return [Fraction(int(index == place)) for index in range(count)]


def _shared(count: int, places: list[int | None], share: Fraction, rest: Fraction) -> list[Fraction]:
    held = [place for place in places if place is not None]
    others = [index for index in range(count) if index not in held]
    raw = [share * held.count(index) for index in range(count)]
    for index in others:
        raw[index] = rest / len(others)
    return [weight / sum(raw) for weight in raw]


def _w_shaped(path: Journey) -> list[Fraction]:
    places = [path.first, path.lead_creation, path.opportunity_creation]
    return _shared(len(path.touches), places, Fraction(30, 100), Fraction(10, 100))


def _full_path(path: Journey) -> list[Fraction]:
    if path.closing is None:
        return _w_shaped(path)
    places = [path.first, path.lead_creation, path.opportunity_creation, path.closing]
    return _shared(len(path.touches), places, Fraction(225, 1000), Fraction(100, 1000))


def _time_decay(path: Journey) -> list[Fraction]:
    newest = path.touches[-1].at
    raw = [Fraction(0.5 ** ((newest - touch.at) / (HALF_LIFE_DAYS * DAY))) for touch in path.touches]
    return [weight / sum(raw) for weight in raw]


def _last_non_self_initiated(path: Journey, settings: Settings) -> list[Fraction]:
    places = [place for place, touch in enumerate(path.touches) if touch.channel not in settings.excluded_channels]
    return _all_to(places[-1] if places else None, len(path.touches))


def _shapley(path: Journey) -> list[Fraction]:
    places = [touch.campaign for touch in path.touches]
    return [Fraction(1, len(set(places)) * places.count(place)) for place in places]


def _by_value(path: Journey) -> list[Fraction]:
    raw = [VALUES[touch.campaign] if touch.campaign >= 0 else Fraction(0) for touch in path.touches]
    return [weight / sum(raw) for weight in raw] if sum(raw) else [Fraction(1, len(raw))] * len(raw)


def _additive_hazard(path: Journey, settings: Settings) -> list[Fraction]:
    def rate(touch: Touch) -> float:
        days = (path.created - touch.at) / DAY
        if days < 0 or touch.campaign < 0 or touch.channel in settings.excluded_channels:
            return 0.0
        return float(VALUES[touch.campaign]) / SCALE_DAYS * math.exp(-days / SCALE_DAYS)

    rates = [rate(touch) for touch in path.touches]
    return [Fraction(one / (BASELINE + sum(rates))) for one in rates]


def fits(deals: int) -> dict[str, Fit]:
    """Return the fit of each method that needs one, for so many deals."""
    values = np.array([float(value) for value in VALUES])
    return {
        "markov_1": Fit(values),
        "markov_2": Fit(values),
        "additive_hazard": Fit(values, SCALE_DAYS, np.full(deals, BASELINE)),
    }


WEIGHTS: dict[str, Callable[[Journey, Settings], list[Fraction]]] = {
    "first_touch": lambda path, _: _all_to(0, len(path.touches)),
    "last_touch": lambda path, _: _all_to(len(path.touches) - 1, len(path.touches)),
    "last_non_self_initiated": _last_non_self_initiated,
    "linear": lambda path, _: [Fraction(1, len(path.touches))] * len(path.touches),
    "u_shaped": lambda path, _: _shared(
        len(path.touches), [path.first, path.lead_creation], Fraction(40, 100), Fraction(20, 100)
    ),
    "w_shaped": lambda path, _: _w_shaped(path),
    "full_path": lambda path, _: _full_path(path),
    "time_decay": lambda path, _: _time_decay(path),
    "lead_creation": lambda path, _: _all_to(path.lead_creation, len(path.touches)),
    "opportunity_creation": lambda path, _: _all_to(path.opportunity_creation, len(path.touches)),
    "shapley": lambda path, _: _shapley(path),
    "markov_1": lambda path, _: _by_value(path),
    "markov_2": lambda path, _: _by_value(path),
    "additive_hazard": _additive_hazard,
}


def credits(amount: int, weights: list[Fraction]) -> list[int]:
    """Split whole cents by largest remainder; weights sum to 1, or to 0."""
    if sum(weights) == 0:
        return [0] * len(weights)
    if amount < 0:
        return [-cents for cents in credits(-amount, weights)]
    shares = [amount * weight for weight in weights]
    cents = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda index: (cents[index] - shares[index], index))
    for index in by_remainder[: amount - sum(cents)]:
        cents[index] += 1
    return cents
