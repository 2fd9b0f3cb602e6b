"""The company's rules, as plain values a run is computed by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attribution.pure.methods import Method


@dataclass(frozen=True, slots=True)
class Rules:
    """The company's settings and methods, and what data-driven methods learned (by key, as it is kept).

    ``milestone`` is "closed", "opportunity" or "lead". ``version`` names the settings and fits in hashes: another text
    recomputes every journey, as another version of a method does.
    """

    look_back_days: int | None
    self_initiated: frozenset[int]
    half_life_days: float
    version: str
    milestone: str = "closed"
    suppressed: frozenset[int] = frozenset()
    methods: tuple[Method, ...] = ()
    fits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def needs_points(self) -> bool:
        """Whether a fit has a baseline, which follows people's points."""
        return any("baseline" in parameters for parameters in self.fits.values())
