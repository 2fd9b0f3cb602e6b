"""Chance that is fixed by a seed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leads.pure.workflows.hold_out import Arm, arm_of, share_of


def test_a_known_share() -> None:
    # printf seed:unit | sha256sum
    assert share_of("seed", "unit") == 0xAD2C9C855FA968 / 2**56


def test_a_tenth_of_many_is_about_a_tenth_for_every_seed() -> None:
    for seed in ("a", "b", "c"):
        held = sum(arm_of(seed, str(unit), 10) == Arm.HELD_OUT for unit in range(10_000))
        assert 900 < held < 1_100


def test_seeds_are_independent() -> None:
    both = sum(
        arm_of("a", str(unit), 50) == Arm.HELD_OUT and arm_of("b", str(unit), 50) == Arm.HELD_OUT
        for unit in range(10_000)
    )
    assert 2_300 < both < 2_700


@given(seed=st.text(), unit=st.text(), low=st.integers(0, 50), more=st.integers(0, 50))
def test_a_larger_share_holds_out_whom_a_smaller_one_did(seed: str, unit: str, low: int, more: int) -> None:
    if arm_of(seed, unit, low) == Arm.HELD_OUT:
        assert arm_of(seed, unit, low + more) == Arm.HELD_OUT


@given(seed=st.text(), unit=st.text())
def test_nobody_at_nought_percent(seed: str, unit: str) -> None:
    assert arm_of(seed, unit, 0) == Arm.TREATED
    assert 0 <= share_of(seed, unit) < 1
