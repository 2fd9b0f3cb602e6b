"""Capture: people and their contacts become leads, touchpoints and news, in one transaction.

Who is who: first by normalized e-mail, then by external id; a lead that was merged leads to its winner. An item whose
two identities belong to different people is refused rather than guessed at. What an item says replaces what we knew
when its event is the newest we have of that lead; a late-arriving older event only fills gaps. Empty values never
erase anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import JSONField, Value

from leads.actions.capture.desk import Captured, CaptureDesk
from leads.actions.capture.people import CaptureRefused
from leads.actions.lead_changes import LeadChanges
from leads.models import Submission
from leads.pure.capture.captured import CapturedItem
from leads.queries.in_force import InForce, in_force

__all__ = [
    "CaptureRefused",
    "Captured",
    "RejectedItem",
    "capture_batch",
    "capture_lead",
    "capture_once",
    "keep_rejected",
]

MAX_ITEMS = 1000
Then = Callable[[Sequence[Captured | CaptureRefused], LeadChanges], None]
# Each try sees the rows of the writers that beat the one before, so every loser gets on quickly.
TRIES = 5


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """An item that never passed validation: as it arrived, and ``{"pointer", "code", "detail"}`` for each fault."""

    payload: object
    errors: Sequence[dict[str, str]]


def capture_lead(*, item: CapturedItem, source: str, at: datetime) -> Captured:
    """Capture one item; raises CaptureRefused when its e-mail and external id belong to different people.

    ``source`` names where it came from (a key, an import); ``at`` is the moment of arrival.
    """
    (outcome,) = capture_batch(items=[item], source=source, at=at)
    if isinstance(outcome, CaptureRefused):
        raise outcome
    return outcome


def capture_batch(
    *,
    items: Sequence[CapturedItem],
    source: str,
    at: datetime,
    needs_intake: bool = True,
    keeps_submissions: bool = True,
    then: Then | None = None,
) -> list[Captured | CaptureRefused]:
    """Capture up to ``MAX_ITEMS`` items in one transaction; answers are in the order of the items.

    Queries do not grow with the items, but for one update per known lead that changed. Items of one batch may concern
    the same person. With ``needs_intake`` the leads are left for :mod:`leads.actions.intake`. An import keeps its file
    and needs no submissions. What ``then`` decides about the captured leads is written with them, so that a new lead is
    written once; where another writer was faster it is asked again.
    """

    def take() -> list[Captured | CaptureRefused]:
        changes = LeadChanges(at)
        outcomes = capture_once(
            items=items,
            source=source,
            at=at,
            settings=in_force(),
            changes=changes,
            needs_intake=needs_intake,
            keeps_submissions=keeps_submissions,
        )
        if then is not None:
            then(outcomes, changes)
        changes.write()
        return outcomes

    for _ in range(TRIES - 1):
        try:
            with transaction.atomic():
                return take()
        except IntegrityError:
            # Somebody else captured the same person, company or campaign between our look and our insert. The
            # savepoint is gone, so look again: this time they are found.
            continue
    with transaction.atomic():
        return take()


def capture_once(
    *,
    items: Sequence[CapturedItem],
    source: str,
    at: datetime,
    settings: InForce,
    changes: LeadChanges,
    needs_intake: bool = True,
    keeps_submissions: bool = True,
) -> list[Captured | CaptureRefused]:
    """Capture items like `capture_batch`, for a caller who does all of its transaction again on IntegrityError.

    That saves the savepoint; the error means that another writer was faster with the same person. The caller writes the
    ``changes``.
    """
    if len(items) > MAX_ITEMS:
        raise ValueError(f"A batch has at most {MAX_ITEMS} items.")
    desk = CaptureDesk(
        items,
        at=at,
        source=source,
        keeps_submissions=keeps_submissions,
        settings=settings,
        changes=changes,
    )
    return desk.take(needs_intake=needs_intake)


def keep_rejected(*, items: Iterable[RejectedItem], source: str, at: datetime) -> None:
    """Keep items that were refused, with their errors, so that somebody can see what a form keeps sending."""
    Submission.objects.bulk_create(
        Submission(
            received_at=at,
            source=source[:80],
            # A bare None would become an SQL NULL; what arrived was the JSON value null.
            payload=Value(None, JSONField()) if item.payload is None else item.payload,
            state=Submission.State.REJECTED,
            errors=list(item.errors),
        )
        for item in items
    )
