"""Hashes of what a journey's credits depend on, so that a run recomputes only what changed.

A hash has 128 bits: two lanes of 64, each a sum over a journey's touches of well-mixed words. It is computed by
columns, because a digest per journey takes as long as everything else of a comparison together. It guards against
chance, not against forgery: among 10**8 journeys two coincide with a probability below 10**-22.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.columns.ordering import Ints
from attribution.pure.journeys.journeys import Journeys

_LAYOUT = 2
"""Rises when what is hashed changes, so that old hashes match nothing."""

Words = NDArray[np.uint64]


def journey_hashes(
    journeys: Journeys,
    *,
    campaign_ids: Ints,
    facts: Sequence[Ints],
    settings_version: str,
    method_versions: Mapping[str, int],
) -> Ints:
    """Return one hash per opportunity, int64[opportunities, 2], the same for any row order and machine.

    It covers the eligible touches (id, time, campaign, whether self-initiated), who holds the lead-creation
    position, the milestones, the ``facts`` (columns over the opportunities: id, amount, stage …), and the versions of
    settings and methods. ``campaign_ids`` turns the campaign indexes of this run into lasting ids. Raises ValueError on
    a wrong length.
    """
    count = len(journeys.milestones)
    if any(len(fact) != count for fact in facts):
        raise ValueError("facts are columns over the opportunities")
    common = json.dumps([_LAYOUT, settings_version, sorted(method_versions.items())]).encode()
    digest = blake2b(common, digest_size=32).digest()
    seeds = np.frombuffer(digest, dtype="<u8").astype(np.uint64)
    lanes = [_lane(journeys, campaign_ids, facts, *seeds[lane * 2 : lane * 2 + 2]) for lane in (0, 1)]
    return np.stack(lanes, axis=1).view(np.int64)


def run_hash(high: int, low: int) -> str:
    """Return one hash over the hashes of a run's opportunities from the sums of either half modulo 2**64, in which
    their order does not matter: 32 hexadecimal digits."""
    return f"{high:016x}{low:016x}"


def mixed(values: Ints, seed: int = 0) -> Ints:
    """Return each number scattered over 64 bits, int64: sums of them tell sets apart."""
    return _mix(values.astype(np.uint64) ^ np.uint64(seed)).view(np.int64)


def _lane(journeys: Journeys, campaign_ids: Ints, facts: Sequence[Ints], one: np.uint64, two: np.uint64) -> Words:
    known = np.append(campaign_ids, UNKNOWN)  # campaign -1 reads the last entry
    touches = _fold(
        one, journeys.touch, journeys.occurred_at, known[journeys.campaign], journeys.is_self_initiated.astype(np.int64)
    )
    dates = journeys.milestones
    held = journeys.lead_creation >= 0
    lead_touch = np.full(len(dates), UNKNOWN)
    lead_touch[journeys.opportunity[held]] = journeys.touch[journeys.lead_creation[held]]
    sums = np.zeros(len(dates), dtype=np.uint64)
    if len(journeys):
        sums[journeys.opportunity] = np.add.reduceat(touches, journeys.starts)
    return _fold(two, dates.created_at, dates.closed_at, dates.milestone_at, lead_touch, *facts, sums.view(np.int64))


def _fold(seed: np.uint64, *columns: Ints) -> Words:
    words = np.full(len(columns[0]), seed, dtype=np.uint64)
    for column in columns:
        words ^= column.view(np.uint64)
        words = _mix(words)
    return words


def _mix(words: Words) -> Words:
    """Scatter each word over all 64 bits (the finalizer of SplitMix64, by Steele, Lea and Flood)."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words ^= words >> np.uint64(30)
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words
