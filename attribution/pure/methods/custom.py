"""Methods a company makes for itself: shares for the four positions and for the other touches."""

from collections.abc import Mapping
from decimal import Decimal
from functools import partial

import numpy as np

from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.columns.ordering import Flags, Floats, Ints
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.positions import unequal_credit
from attribution.pure.methods.registry import Method, Options

ORDER = 1000
"""Behind every registered method."""

_PARTS = 10_000
"""Shares are held in hundredths of a percent."""

_WORDS = {
    "first_touch": "the first touch",
    "lead_creation": "the touchpoint that created the lead",
    "opportunity_creation": "the opportunity-creation touchpoint",
    "closing": "the closing touchpoint",
    "others": "the others",
}


def custom_method(
    *,
    key: str,
    name: str,
    version: int,
    first_touch: Decimal | int = 0,
    lead_creation: Decimal | int = 0,
    opportunity_creation: Decimal | int = 0,
    closing: Decimal | int = 0,
    others: Decimal | int = 0,
    excludes_self_initiated: bool = False,
) -> Method:
    """Build a method of percentages that sum to 100; it is not registered.

    Shares of coinciding positions add up; what a vacant position or a journey without other touches leaves over is
    spread over the remaining shares in proportion. A touch whose positions all have a share of 0 is one of the others.
    With ``excludes_self_initiated`` such touches get nothing: the first, the last before creation and the last before
    the close are looked for among the rest, and the lead-creation position is vacant when such a touch holds it.
    Raises ValueError on a negative share, one finer than 0.01, or another sum.
    """
    percent = {
        "first_touch": first_touch,
        "lead_creation": lead_creation,
        "opportunity_creation": opportunity_creation,
        "closing": closing,
        "others": others,
    }
    parts = {position: Decimal(share) * 100 for position, share in percent.items()}
    if any(part < 0 or part != part.to_integral_value() for part in parts.values()) or sum(parts.values()) != _PARTS:
        raise ValueError("shares must not be negative nor finer than 0.01, and sum to 100")
    shares = {position: int(part) for position, part in parts.items()}
    return Method(
        key=key,
        name=name,
        version=version,
        sentence=_sentence(percent, excludes_self_initiated),
        order=ORDER,
        weights=partial(_weights, shares=shares, excludes_self_initiated=excludes_self_initiated),
    )


def _sentence(percent: Mapping[str, Decimal | int], excludes_self_initiated: bool) -> str:
    parts = [f"{_plain(share)} % to {_WORDS[position]}" for position, share in percent.items() if share]
    passed_over = "; self-initiated touchpoints are passed over" if excludes_self_initiated else ""
    return f"{', '.join(parts)}{passed_over}."


def _plain(share: Decimal | int) -> str:
    text = f"{Decimal(share):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _weights(
    journeys: Journeys, options: Options, *, shares: Mapping[str, int], excludes_self_initiated: bool
) -> Floats:
    """Return float64[touches]; a journey sums to 1, or to 0 where no share finds a touch."""
    if len(journeys) == 0:
        return np.zeros(0)
    counted = ~journeys.is_self_initiated if excludes_self_initiated else None
    held = _holders(journeys, counted)
    used = [position for position in held if shares[position]]
    return unequal_credit(
        journeys,
        [held[position] for position in used],
        shares=[shares[position] for position in used],
        rest=shares["others"],
        counted=counted,
    )


def _holders(journeys: Journeys, counted: Flags | None) -> dict[str, Ints]:
    """Return the touch holding each position, or -1, int64[journeys]; only among the counted touches."""
    held = {
        "first_touch": journeys.first,
        "lead_creation": journeys.lead_creation,
        "opportunity_creation": journeys.opportunity_creation,
        "closing": journeys.closing,
    }
    if counted is None:
        return held
    index = np.arange(len(journeys.row))
    first = np.minimum.reduceat(np.where(counted, index, len(index)), journeys.starts)
    named = held["lead_creation"]

    def last_until(holder: Ints) -> Ints:
        early = counted & (index <= holder[journeys.journey])
        return np.maximum.reduceat(np.where(early, index, UNKNOWN), journeys.starts)

    return {
        "first_touch": np.where(first < len(index), first, UNKNOWN),
        # Another touch did not make the person known: the position stays vacant.
        "lead_creation": np.where((named >= 0) & counted[named], named, UNKNOWN),
        "opportunity_creation": last_until(held["opportunity_creation"]),
        "closing": last_until(held["closing"]),
    }
