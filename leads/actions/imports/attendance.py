"""Import who came to a webinar: touchpoints for them, and marks at the registrations of all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from leads.actions.capture.capture import Captured, CaptureRefused, capture_batch
from leads.actions.imports.leads import Outcome
from leads.models import FormKind, Submission, TouchKind, WebForm
from leads.pure.capture.captured import CapturedEvent, CapturedItem
from leads.pure.imports.cells import RowRefused
from leads.pure.imports.records import AttendanceRecord

_Attendance = Submission.Attendance


def import_attendance(*, records: Sequence[AttendanceRecord], form_id: str, source: str, at: datetime) -> list[Outcome]:
    """Take people in, in one transaction; outcomes are in the order of the records. Repeating it changes nothing.

    Somebody who joined several times came once, at their first time. Who came without a registration becomes a lead.
    """
    form = _webinar(form_id)
    if form is None:
        return [RowRefused("", "Choose the webinar first.") for _ in records]
    first: dict[str, AttendanceRecord] = {}
    for record in sorted((each for each in records if each.has_come), key=lambda each: each.joined_at or at):
        first.setdefault(record.email, record)
    with transaction.atomic():
        items = [_item(record, form, at) for record in first.values()]
        captured = dict(
            zip(first, capture_batch(items=items, source=source, at=at, keeps_submissions=False), strict=True)
        )
        leads = [each.lead.pk for each in captured.values() if isinstance(each, Captured)]
        _registered(form).filter(lead__in=leads).update(attendance=_Attendance.ATTENDED)
        absent = {record.email for record in records if not record.has_come} - first.keys()
        _registered(form).filter(lead__email__in=absent, attendance="").update(attendance=_Attendance.NO_SHOW)
    return [_outcome(captured.get(record.email)) for record in records]


def mark_no_shows(*, form_id: str, at: datetime) -> int:
    """Mark whoever had registered and is said by no file to have come; returns how many registrations."""
    form = _webinar(form_id)
    if form is None:
        return 0
    rows = _registered(form).filter(attendance="", received_at__lte=form.starts_at or at)
    return rows.update(attendance=_Attendance.NO_SHOW)


def _webinar(form_id: str) -> WebForm | None:
    forms = WebForm.objects.filter(kind=FormKind.WEBINAR_REGISTRATION).select_related("campaign")
    return forms.filter(public_id=form_id).first() if form_id else None


def _registered(form: WebForm) -> QuerySet[Submission]:
    return Submission.objects.filter(form=form, state=Submission.State.ACCEPTED)


def _item(record: AttendanceRecord, form: WebForm, at: datetime) -> CapturedItem:
    minutes = f", {record.minutes} minutes" if record.minutes else ""
    event = CapturedEvent(
        kind=TouchKind.WEBINAR_ATTENDANCE,
        occurred_at=min(record.joined_at or form.starts_at or at, at),
        name=f"{form.name}{minutes}",
        campaign=form.campaign.code if form.campaign else "",
        key=f"attendance\n{form.public_id}\n{record.email}",
    )
    return CapturedItem(event=event, email=record.email)


def _outcome(each: Captured | CaptureRefused | None) -> Outcome:
    if each is None:
        return "unchanged"
    if isinstance(each, CaptureRefused):
        return RowRefused(each.pointer.strip("/"), each.detail)
    if each.is_new:
        return "created"
    return "unchanged" if each.is_repeat else "updated"
