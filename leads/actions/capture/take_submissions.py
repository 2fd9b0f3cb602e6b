"""Take what was promised: submissions that were kept and answered become leads and touchpoints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from leads.actions.capture.capture import MAX_ITEMS, Captured, CaptureRefused, capture_batch
from leads.actions.take_due import take_due
from leads.models import Submission
from leads.past.acting import Door, act
from leads.pure.capture.stored import restored

log = structlog.get_logger(__name__)

# On SQLite, where one writes at a time, nobody waits long behind a chunk.
CHUNK = 500
AGAIN = timedelta(minutes=15)


def take_submissions(*, at: datetime, limit: int = 20_000) -> int:
    """Take what is due, oldest first, in chunks of their own transaction; returns how many.

    Several may run at once: each takes rows that nobody else holds. A submission that fails is put off and logged, so
    that it does not keep the others waiting.
    """
    due = Submission.objects.filter(due_at__lte=at).order_by("due_at", "pk").values_list("pk", flat=True)
    return take_due(
        due=lambda most: list(due.all()[:most]),
        take=_take,
        take_alone=_take_alone,
        at=at,
        chunk=CHUNK,
        limit=limit,
        failure="submissions_failed",
    )


def _take(ids: Sequence[int], at: datetime) -> int:
    with transaction.atomic():
        free = Submission.objects.select_for_update(skip_locked=True).filter(pk__in=ids, due_at__lte=at)
        rows = list(free.order_by("pk"))
        by_source: dict[str, list[Submission]] = {}
        for row in rows:
            by_source.setdefault(row.source, []).append(row)
        for source, theirs in sorted(by_source.items()):
            for start in range(0, len(theirs), MAX_ITEMS):
                _capture(theirs[start : start + MAX_ITEMS], source, at)
        return len(rows)


def _capture(rows: Sequence[Submission], source: str, at: datetime) -> None:
    items = [restored(row.item or {}, row.payload) for row in rows]
    # What is written is the caller's doing, though a worker does it.
    with act(Door.API, source=source, because="Public form" if rows[0].form_id else "leads:write"):
        outcomes = capture_batch(items=items, source=source, at=at, keeps_submissions=False)
    leads: dict[int, int] = {}
    for row, outcome in zip(rows, outcomes, strict=True):
        if isinstance(outcome, Captured):
            leads[row.pk] = outcome.lead.pk
        else:
            state, errors = Submission.State.REJECTED, [_fault(outcome)]
            Submission.objects.filter(pk=row.pk).update(state=state, errors=errors, item=None, due_at=None)
    _accept(leads)


def _accept(leads: dict[int, int]) -> None:
    """Mark the submissions as taken, each with its lead, in one statement that joins instead of choosing by row."""
    if not leads:
        return
    pairs = ", ".join(["(%s, %s)"] * len(leads))
    given = [value for pair in leads.items() for value in pair]
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH given (id, lead_id) AS (VALUES {pairs})"  # noqa: S608  # placeholders alone
            " UPDATE leads_submission SET lead_id = given.lead_id, state = %s, item = NULL, due_at = NULL"
            " FROM given WHERE leads_submission.id = given.id",
            [*given, Submission.State.ACCEPTED.value],
        )


def _fault(refusal: CaptureRefused) -> dict[str, str]:
    return {"pointer": refusal.pointer, "code": refusal.code, "detail": refusal.detail}


def _take_alone(pk: int, at: datetime) -> int:
    try:
        return _take([pk], at)
    except Exception:
        log.exception("submission_failed", submission=pk)
        return Submission.objects.filter(pk=pk, due_at__lte=at).update(due_at=at + AGAIN)
