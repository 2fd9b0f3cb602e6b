"""Salesforce's tasks and events as activities.

A logged call or e-mail is a Task with that subtype; its day is its due date, its moment the one it was completed. The
person is the lead or contact of its Name field: further participants of shared activities are not read.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

from ..base import RemoteActivity, RemoteContact, as_day
from .records import stamp
from .soql import SYSTEM, Source

KINDS: Mapping[str, str] = {"Call": "call", "Email": "email"}
TASK = (*SYSTEM, "WhoId", "Subject", "ActivityDate", "CompletedDateTime", "IsClosed", "TaskSubtype",
        "CallDurationInSeconds", "CallType")  # fmt: skip
EVENT = (*SYSTEM, "WhoId", "Subject", "StartDateTime", "EndDateTime", "IsAllDayEvent", "ActivityDate")


def activity_sources(kinds: Sequence[str]) -> list[Source]:
    """The objects that hold these kinds. An invitee's copy of an event is no event of its own."""
    subtypes = [f"'{name}'" for name, kind in KINDS.items() if kind in kinds]
    found = [Source("Task", TASK, f"TaskSubtype IN ({','.join(subtypes)})")] if subtypes else []
    return [*found, Source("Event", EVENT, "IsChild = false")] if "meeting" in kinds else found


def activity(row: Mapping[str, Any]) -> RemoteActivity | None:
    """A task or an event of a person; None for those of nobody."""
    if not row["WhoId"]:
        return None
    is_task = row["attributes"]["type"] == "Task"
    kind = KINDS[row["TaskSubtype"]] if is_task else "meeting"
    return RemoteActivity(
        kind=kind,
        remote_id=str(row["Id"]),
        happened_at=_task_moment(row) if is_task else _event_end(row),
        people=(RemoteContact(str(row["WhoId"]), None),),
        name=row["Subject"] or "",
        state=("done" if row["IsClosed"] else "planned") if is_task else "",
        is_answered=_is_answered(row) if kind == "call" else None,
        is_gone=bool(row["IsDeleted"]),
    )


def _is_answered(row: Mapping[str, Any]) -> bool | None:
    """By the length of the call, where a telephone system told it."""
    seconds = row["CallDurationInSeconds"]
    return None if seconds is None else seconds > 0


def _task_moment(row: Mapping[str, Any]) -> datetime:
    if row["CompletedDateTime"]:
        return stamp(row["CompletedDateTime"])
    day = as_day(row["ActivityDate"])
    return datetime.combine(day, time(12), UTC) if day else stamp(row["CreatedDate"])


def _event_end(row: Mapping[str, Any]) -> datetime:
    """When it is over: until then it has not taken place."""
    if row["IsAllDayEvent"] or not row["EndDateTime"]:
        day = as_day(row["ActivityDate"])
        return datetime.combine(day, time(12), UTC) if day else stamp(row["CreatedDate"])
    return stamp(row["EndDateTime"])
