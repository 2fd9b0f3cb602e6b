"""Whose a visit was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from leads.pure.web_forms.owners import Known, owner_at

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ADA, BOB = Known(START, 1), Known(START + timedelta(hours=2), 2)


def test_before_anybody_said_who_they_are_it_was_the_first_to_say_so() -> None:
    assert owner_at([BOB, ADA], START - timedelta(days=3)) == 1


def test_afterwards_it_is_whoever_said_so_last() -> None:
    assert owner_at([ADA, BOB], START + timedelta(hours=1)) == 1
    assert owner_at([ADA, BOB], START + timedelta(hours=3)) == 2


def test_of_nobody_it_stays() -> None:
    assert owner_at([], START) is None
