"""The daily moment at which changes go to the CRM."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Before the working day, so that reps find the night's leads; after most companies' backups.
SYNC_TIME = time(5, 0)


def next_sync(at: datetime, tz: ZoneInfo) -> datetime:
    """The first sync moment after ``at``, in UTC. On a day whose clock skips it, the moment right after the gap."""
    local = at.astimezone(tz)
    for day in (local.date(), local.date() + timedelta(days=1)):
        moment = datetime.combine(day, SYNC_TIME, tz).astimezone(UTC)
        if moment > at:
            return moment
    return datetime.combine(local.date() + timedelta(days=2), SYNC_TIME, tz).astimezone(UTC)


def last_sync(at: datetime, tz: ZoneInfo) -> datetime:
    """The latest sync moment not after ``at``, in UTC: the period a daily run belongs to."""
    local = at.astimezone(tz)
    moment = datetime.combine(local.date(), SYNC_TIME, tz).astimezone(UTC)
    if moment <= at:
        return moment
    return datetime.combine(local.date() - timedelta(days=1), SYNC_TIME, tz).astimezone(UTC)
