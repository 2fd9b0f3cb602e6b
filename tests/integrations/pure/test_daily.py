"""The daily sync moment, also where the clock jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.pure.daily import SYNC_TIME, last_sync, next_sync

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("at", "last", "following"),
    [
        ("2026-11-18T09:30", "2026-11-18T04:00", "2026-11-19T04:00"),
        ("2026-11-18T03:59", "2026-11-17T04:00", "2026-11-18T04:00"),
        ("2026-11-18T04:00", "2026-11-18T04:00", "2026-11-19T04:00"),  # the moment itself belongs to its period
        ("2026-03-28T12:00", "2026-03-28T04:00", "2026-03-29T03:00"),  # summer time begins in between
        ("2026-10-24T12:00", "2026-10-24T03:00", "2026-10-25T04:00"),  # and ends
    ],
)
def test_five_in_the_morning_in_berlin(at: str, last: str, following: str) -> None:
    moment, before, after = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (at, last, following))

    assert last_sync(moment, BERLIN) == before
    assert next_sync(moment, BERLIN) == after


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]),
)
def test_every_moment_lies_between_two_syncs(at: datetime, zone: str) -> None:
    tz = ZoneInfo(zone)
    last, following = last_sync(at, tz), next_sync(at, tz)

    assert last <= at < following <= last + timedelta(hours=25)
    assert next_sync(last, tz) == following
    assert following.astimezone(tz).time() == SYNC_TIME
