"""Propose what a CRM's stages mean here, from what the CRM itself says of them; a person confirms.

The CRM's own flags decide about won and lost stages, its labels and probabilities about open ones. Without a fact there
is no proposal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

OPEN = "open"
_ENDED = {"won": "Won in the CRM", "lost": "Lost in the CRM"}
# Words of labels that say nothing about where a deal stands.
_EMPTY = frozenset(["a", "an", "and", "by", "deal", "in", "of", "on", "sent", "stage", "the", "to"])


@dataclass(frozen=True, slots=True)
class StageFacts:
    """A stage of either side; ``probability`` is 0 to 1, None where nobody told it."""

    key: str
    name: str
    status: str
    probability: float | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Our stage for one of theirs, and why, in words for the admin."""

    key: str
    reason: str


def propose_stages(theirs: Sequence[StageFacts], ours: Sequence[StageFacts]) -> dict[str, Proposal]:
    """A proposal by their key. ``ours`` are in the order of the pipeline."""
    # A CRM that knows no probabilities gives 0 for each open stage.
    is_told = any(each.probability for each in theirs if each.status == OPEN)
    found: dict[str, Proposal] = {}
    for each in theirs:
        same = [stage for stage in ours if stage.status == each.status]
        proposal = _by_label(each, same) or (_ended(each, same) if each.status != OPEN else None)
        if proposal is None and each.status == OPEN and is_told:
            proposal = _by_probability(each, same)
        if proposal is not None:
            found[each.key] = proposal
    return found


def _ended(stage: StageFacts, same: Sequence[StageFacts]) -> Proposal | None:
    words = _ENDED.get(stage.status)
    if words is None or len(same) != 1:
        return None
    return Proposal(same[0].key, f"{words}, and {same[0].name} is the only such stage here.")


def _by_label(stage: StageFacts, same: Sequence[StageFacts]) -> Proposal | None:
    words = _words(stage.name)
    for each in same:
        if words and words == _words(each.name):
            return Proposal(each.key, "The same name on both sides.")
    shared = [(each, common) for each in same if (common := words & _words(each.name))]
    if len(shared) != 1:
        return None
    each, common = shared[0]
    return Proposal(each.key, f"Both names say “{sorted(common)[0]}”.")


def _by_probability(stage: StageFacts, same: Sequence[StageFacts]) -> Proposal | None:
    told = [each for each in same if each.probability is not None]
    if stage.probability is None or not told:
        return None
    there = stage.probability
    nearest = min(told, key=lambda each: abs((each.probability or 0) - there))
    return Proposal(
        nearest.key, f"{there:.0%} in the CRM; {nearest.name}, with {nearest.probability:.0%}, is the nearest here."
    )


def _words(name: str) -> frozenset[str]:
    """The words of a label that say something, without the pipeline before a colon; a plural is its singular."""
    said = re.findall(r"[^\W\d_]+", name.rpartition(":")[2].casefold())
    return frozenset(word.removesuffix("s") for word in said if word not in _EMPTY)
