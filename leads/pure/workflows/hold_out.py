"""Which people or accounts a workflow leaves alone: chance that is fixed by a seed."""

from __future__ import annotations

import hashlib
from enum import StrEnum

HIGHEST = 50
"""Percent that can be left alone at most."""


class Arm(StrEnum):
    """Whether the workflow acts on somebody."""

    TREATED = "treated"
    HELD_OUT = "held_out"


def share_of(seed: str, unit: str) -> float:
    """A number of [0, 1) that seed and unit alone decide: the same on every machine and at every time."""
    digest = hashlib.sha256(f"{seed}:{unit}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def arm_of(seed: str, unit: str, percent: int) -> Arm:
    """The arm of a person or an account."""
    return Arm.HELD_OUT if share_of(seed, unit) * 100 < percent else Arm.TREATED
