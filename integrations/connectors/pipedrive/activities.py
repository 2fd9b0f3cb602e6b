"""Pipedrive's activities: calls, meetings, lunches and e-mails with their participants.

Due dates and times are in UTC; an activity without a time is due on a day, which is the company's own.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, tzinfo
from typing import Any

from ..base import RemoteActivity, RemoteContact, as_day
from .records import moment

PATH = "/api/v2/activities"
# By the key of the activity's type; types that a company has made itself are not read.
KINDS: Mapping[str, str] = {"call": "call", "meeting": "meeting", "lunch": "meeting", "email": "email"}


def activity(row: Mapping[str, Any], zone: tzinfo) -> RemoteActivity | None:
    """An activity with people; None for other types and those of nobody."""
    kind = KINDS.get(str(row["type"]))
    ids = [row.get("person_id"), *(each.get("person_id") for each in row.get("participants") or ())]
    people = tuple(RemoteContact(str(int(each)), None) for each in dict.fromkeys(ids) if each)
    if kind is None or not (people or row.get("is_deleted")):
        return None
    return RemoteActivity(
        kind=kind,
        remote_id=str(int(row["id"])),
        happened_at=_happened_at(row, zone),
        people=people,
        name=str(row.get("subject") or ""),
        state="done" if row.get("done") else "planned",
        is_gone=bool(row.get("is_deleted")),
    )


def _happened_at(row: Mapping[str, Any], zone: tzinfo) -> datetime:
    day = as_day(row.get("due_date") or "")
    if day and row.get("due_time"):
        hours, minutes = (int(part) for part in str(row["due_time"]).split(":")[:2])
        return datetime.combine(day, time(hours, minutes), UTC)
    if day:
        return datetime.combine(day, time(12), zone).astimezone(UTC)
    at = moment(row.get("marked_as_done_time")) or moment(row["add_time"])
    if at is None:
        raise ValueError("an activity without any time")
    return at


def wanted(kinds: Sequence[str]) -> bool:
    """Whether any of these kinds is an activity there."""
    return bool(set(kinds) & set(KINDS.values()))
