"""Occurrences of triggers, read from what was written since a moment: never from all leads.

See docs/decisions/0019: each trigger is a row that the change itself wrote. Rows are read in the order of their
moment and key, in pages; the same rows may come again, and an occurrence has the same key each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connections
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTransform

from leads.models import (
    FollowUp,
    FormKind,
    Lead,
    LeadEvent,
    Recycling,
    RejectionReason,
    Stage,
    Touchpoint,
    WebForm,
)
from leads.pure.workflows.definition import Settings, Trigger, date_label

PAGE = 1_000
_EVENTS = {
    Trigger.CAPTURED: LeadEvent.Kind.CAPTURED,
    Trigger.STAGE: LeadEvent.Kind.STAGE_CHANGED,
    Trigger.REJECTED: LeadEvent.Kind.STAGE_CHANGED,
    Trigger.SCORE: LeadEvent.Kind.SCORED,
    Trigger.ASSIGNED: LeadEvent.Kind.ASSIGNED,
}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A trigger that happened for a lead: what names it, when it was written, and in words."""

    lead_id: int
    key: str
    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Listener:
    """What somebody waits for, and from when on."""

    key: int
    trigger: str
    settings: Settings
    since: datetime


Found = dict[int, list[Occurrence]]
"""Occurrences by the key of the listener."""


def occurrences(listeners: Sequence[Listener], since: datetime, until: datetime) -> Iterator[Found]:
    """What happened to whom in (since, until], in pages of at most 1,000 rows read."""
    yield from _of_events([each for each in listeners if each.trigger in _EVENTS], since, until)
    yield from _of_forms([each for each in listeners if each.trigger == Trigger.FORM], since, until)
    yield from _of_late([each for each in listeners if each.trigger == Trigger.NO_ANSWER], since, until)


def _of_events(listeners: Sequence[Listener], since: datetime, until: datetime) -> Iterator[Found]:
    kinds = {_EVENTS[Trigger(each.trigger)] for each in listeners}
    rows = LeadEvent.objects.filter(kind__in=kinds).values("pk", "lead_id", "kind", "recorded_at", "details", "by_id")
    for page in _pages(rows, since, until) if kinds else ():
        found: Found = {}
        for row in page:
            for each in listeners:
                if _EVENTS[Trigger(each.trigger)] == row["kind"] and row["recorded_at"] >= each.since:
                    words = _words(each, row["details"], is_by_person=row["by_id"] is not None)
                    if words:
                        _add(found, each, row["lead_id"], f"event:{row['pk']}", row["recorded_at"], words)
        yield found


def _of_forms(listeners: Sequence[Listener], since: datetime, until: datetime) -> Iterator[Found]:
    if not listeners:
        return
    names = {str(key): name for key, name in WebForm.objects.values_list("public_id", "name")}
    wanted = {each.key: {names.get(form) for form in each.settings.get("web_forms", ())} for each in listeners}
    rows = Touchpoint.objects.genuine().filter(kind__in=FormKind.values)
    for page in _pages(rows.values("pk", "lead_id", "name", "recorded_at"), since, until):
        found: Found = {}
        for row in page:
            for each in listeners:
                if row["recorded_at"] >= each.since and (not wanted[each.key] or row["name"] in wanted[each.key]):
                    words = f"Sent “{row['name']}”" if row["name"] else "Sent a form"
                    _add(found, each, row["lead_id"], f"touchpoint:{row['pk']}", row["recorded_at"], words)
        yield found


def _of_late(listeners: Sequence[Listener], since: datetime, until: datetime) -> Iterator[Found]:
    """MQLs whose open follow-up became overdue."""
    if not listeners:
        return
    rows = FollowUp.objects.open().filter(due_at__gt=since, due_at__lte=until, lead__stage=Stage.MQL)
    listed = list(rows.order_by("due_at", "pk").values_list("pk", "lead_id", "due_at"))
    for start in range(0, len(listed), PAGE):
        found: Found = {}
        for pk, lead_id, due_at in listed[start : start + PAGE]:
            for each in listeners:
                if due_at >= each.since:
                    _add(found, each, lead_id, f"follow_up:{pk}", due_at, "Was not answered within the Sales SLA")
        yield found


def _pages(rows: Any, since: datetime, until: datetime) -> Iterator[list[dict[str, Any]]]:
    """Rows in the order of (recorded_at, pk): many are of one moment."""
    ordered = rows.filter(recorded_at__lte=until).order_by("recorded_at", "pk")
    after = Q(recorded_at__gt=since)
    while page := list(ordered.filter(after)[:PAGE]):
        yield page
        moment, key = page[-1]["recorded_at"], page[-1]["pk"]
        after = Q(recorded_at__gt=moment) | Q(recorded_at=moment, pk__gt=key)


def _add(found: Found, listener: Listener, lead_id: int, key: str, at: datetime, words: str) -> None:
    found.setdefault(listener.key, []).append(Occurrence(lead_id, key, at, words))


def _words(listener: Listener, details: Mapping[str, Any], *, is_by_person: bool) -> str:
    """What the event says for this listener; nothing if it is not what it waits for."""
    settings = listener.settings
    match listener.trigger:
        case Trigger.CAPTURED:
            return "Became a lead"
        case Trigger.ASSIGNED:
            return f"Was assigned to {details['owner']}" if details.get("owner") else ""
        case Trigger.SCORE:
            wanted, before, now = settings.get("score", 0), details.get("from"), details.get("to") or 0
            is_up = now >= wanted and (before is None or before < wanted)
            return f"Score rose to {now}, at least {wanted}" if is_up else ""
        case Trigger.STAGE:
            stage = str(details.get("to", ""))
            return f"Reached {Stage(stage).label}" if stage in settings.get("stages", ()) else ""
        case _:
            reason = str(details.get("reason", ""))
            is_out = details.get("to") in (Stage.RECYCLED, Stage.DISQUALIFIED) and is_by_person
            if not is_out or reason not in RejectionReason.values:
                return ""
            chosen = settings.get("reasons", ())
            label = RejectionReason(reason).label.lower()
            return f"Was rejected: {label}" if not chosen or reason in chosen else ""


def dated(settings: Settings, day: date, tz: ZoneInfo) -> list[Occurrence]:
    """Leads for whom a company day is so many days from their date. One query, by an index where there is one."""
    which = str(settings.get("date", ""))
    of = day - timedelta(days=int(settings.get("days", 0)))
    since = datetime.combine(of, datetime.min.time(), tz)
    until = datetime.combine(of + timedelta(days=1), datetime.min.time(), tz)
    ids: Iterable[int]
    match which:
        case "created":
            ids = Lead.objects.live().filter(captured_at__gte=since, captured_at__lt=until).values_list("pk", flat=True)
        case "comes_back":
            rows = Recycling.objects.waiting().filter(comes_back_on=of)
            ids = rows.values_list("lead_id", flat=True)
        case "webinar":
            forms = WebForm.objects.filter(starts_at__gte=since, starts_at__lt=until).values("name")
            sent = Touchpoint.objects.genuine().filter(kind=FormKind.WEBINAR_REGISTRATION, name__in=forms)
            ids = sent.values_list("lead_id", flat=True)
        case _:
            name = which.removeprefix("attribute:")
            ids = _with_attribute(name, of.isoformat()).values_list("pk", flat=True)
    words = f"The day is {of:%-d %b %Y}: {date_label(which)}"
    return [
        Occurrence(lead_id, f"date:{which}:{of.isoformat()}:{lead_id}"[:160], since, words)
        for lead_id in sorted(set(ids))
    ]


def _with_attribute(name: str, value: str) -> QuerySet[Lead]:
    """Leads whose custom attribute is this text; PostgreSQL finds them by the index ``lead_attributes``."""
    leads = Lead.objects.live().exclude(attributes={})
    if connections[leads.db].vendor == "postgresql":
        return leads.filter(attributes__contains={name: value})
    # SQLite has no index on what may stand in a document; one look a day reads those that have any attribute.
    return leads.annotate(held=KeyTransform(name, "attributes")).filter(held=value)
