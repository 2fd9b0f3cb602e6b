"""Set when a rep works, how many leads they take, and when they are away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction

from leads.models import RepAbsence, RepCapacity, RepHours, User
from leads.pure.refused import Refused


class ScheduleRefused(Refused):
    """The schedule cannot be set so; the message tells a person why."""


@transaction.atomic
def set_schedule(*, rep: User, hours: Mapping[str, Any], capacity: int | None) -> None:
    """Keep a rep's own hours, where any are given, and the most open leads; None means no limit."""
    if any(value not in (None, "", []) for value in hours.values()):
        RepHours.objects.update_or_create(rep=rep, defaults=dict(hours))
    else:
        RepHours.objects.filter(rep=rep).delete()
    if capacity is None:
        RepCapacity.objects.filter(rep=rep).delete()
    else:
        RepCapacity.objects.update_or_create(rep=rep, defaults={"open_leads": capacity})


def add_absence(*, rep: User, starts_on: date, ends_on: date, reason: str = "") -> RepAbsence:
    """Days on which a rep is away, both ends included. Raises ScheduleRefused."""
    if ends_on < starts_on:
        raise ScheduleRefused("The last day is before the first.")
    if RepAbsence.objects.filter(rep=rep, starts_on=starts_on, ends_on=ends_on).exists():
        raise ScheduleRefused("These days away are there already.")
    return RepAbsence.objects.create(rep=rep, starts_on=starts_on, ends_on=ends_on, reason=reason.strip())


def remove_absence(*, rep: User, absence_id: int) -> bool:
    """Take days away back; whether they were there."""
    gone, _ = RepAbsence.objects.filter(rep=rep, pk=absence_id).delete()
    return bool(gone)
