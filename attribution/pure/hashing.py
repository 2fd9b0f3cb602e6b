"""Hashes of what a journey's credits depend on, so that a run recomputes only what changed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import numpy as np

from attribution.pure.journeys import UNKNOWN, Journeys
from attribution.pure.ordering import Ints

_LAYOUT = 1
"""Rises when the bytes that are hashed change, so that old hashes match nothing."""


def journey_hashes(
    journeys: Journeys,
    *,
    opportunity_ids: Ints,
    campaign_ids: Ints,
    amount_cents: Ints,
    stages: Sequence[str],
    settings_version: str,
    method_versions: Mapping[str, int],
) -> list[str]:
    """Return one hash per opportunity: 32 hexadecimal digits, the same for any row order and machine.

    It covers the eligible touches (id, time, campaign, whether self-initiated), who holds the lead-creation
    position, the milestones, the amount, the stage, and the versions of settings and methods.
    ``opportunity_ids``, ``amount_cents`` and ``stages`` run over the opportunities. ``campaign_ids`` turns
    the campaign indexes of this run into lasting ids. Raises ValueError on a wrong length.
    """
    count = len(journeys.milestones)
    if not len(opportunity_ids) == len(amount_cents) == len(stages) == count:
        raise ValueError("one id, one amount and one stage per opportunity are needed")
    common = json.dumps([_LAYOUT, settings_version, sorted(method_versions.items())]).encode()
    seed = blake2b(common, digest_size=16)
    touches = memoryview(_touch_columns(journeys, campaign_ids).tobytes())
    facts = memoryview(_opportunity_columns(journeys, opportunity_ids, amount_cents).tobytes())
    bounds = np.zeros((count, 2), dtype=np.int64)
    bounds[journeys.opportunity, 0] = journeys.starts
    bounds[journeys.opportunity, 1] = journeys.starts + journeys.lengths
    touch_bytes = len(touches) // max(len(journeys.row), 1)
    fact_bytes = len(facts) // max(count, 1)
    hashes = []
    for index, (start, stop) in enumerate((bounds * touch_bytes).tolist()):
        digest = seed.copy()
        # The facts have a fixed length, and the stage's is among them, so no two inputs share their bytes.
        stage = stages[index].encode()
        digest.update(facts[index * fact_bytes : (index + 1) * fact_bytes])
        digest.update(len(stage).to_bytes(8, "little"))
        digest.update(stage)
        digest.update(touches[start:stop])
        hashes.append(digest.hexdigest())
    return hashes


def run_hash(hashes: Iterable[str]) -> str:
    """Return one hash over the hashes of a run's opportunities, in whatever order they come."""
    return blake2b("".join(sorted(hashes)).encode(), digest_size=16).hexdigest()


def _touch_columns(journeys: Journeys, campaign_ids: Ints) -> Ints:
    known = np.append(campaign_ids, UNKNOWN)  # campaign -1 reads the last entry
    columns = (journeys.touch, journeys.occurred_at, known[journeys.campaign], journeys.is_self_initiated)
    return np.stack(columns, axis=1).astype("<i8")


def _opportunity_columns(journeys: Journeys, opportunity_ids: Ints, amount_cents: Ints) -> Ints:
    dates = journeys.milestones
    lead_touch = np.full(len(dates), UNKNOWN)
    held = journeys.lead_creation >= 0
    lead_touch[journeys.opportunity[held]] = journeys.touch[journeys.lead_creation[held]]
    columns = (
        opportunity_ids,
        amount_cents,
        dates.created_at,
        dates.closed_at,
        dates.milestone_at,
        lead_touch,
    )
    return np.stack(columns, axis=1).astype("<i8")
