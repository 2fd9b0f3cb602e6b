"""Receive: what one API request does with leads — capture, intake, and what is owed to the CRMs, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import IntegrityError, transaction

from integrations.actions.push.enqueue import enqueue_captured, enqueue_new_leads
from integrations.models import PendingPush
from leads.actions.capture.capture import TRIES, Captured, CaptureRefused, RejectedItem, capture_once, keep_rejected
from leads.actions.intake import run_intake
from leads.actions.lead_changes import LeadChanges
from leads.models import Lead
from leads.pure.capture.captured import CapturedItem
from leads.queries.in_force import in_force
from leads.queries.lead import LeadStory
from leads.queries.scoring import Shown

log = structlog.get_logger(__name__)

# More than this would keep a caller, and on SQLite every other writer, waiting.
MAX_IMMEDIATE = 50


@dataclass(frozen=True, slots=True)
class Received:
    """The outcomes, in the order of the items, and their leads by key, as they are after intake.

    ``is_queued`` when intake was left to the sweeper. Of new leads it is known without another look what intake decided
    and what is owed: ``stories``, ``shown`` and ``owed``, by lead.
    """

    outcomes: Sequence[Captured | CaptureRefused]
    leads: Mapping[int, Lead]
    is_queued: bool
    stories: Mapping[int, LeadStory] = field(default_factory=dict)
    shown: Mapping[int, Shown] = field(default_factory=dict)
    owed: Mapping[int, Sequence[PendingPush]] = field(default_factory=dict)


def receive(*, items: Sequence[CapturedItem], rejected: Sequence[RejectedItem], source: str, at: datetime) -> Received:
    """Capture the items, keep the rejected ones, do the intake of small requests at once, enqueue the pushes.

    When another writer was faster with the same person, everything is done again; when anything else fails, without
    intake, which is left to the sweep: a mistake in a rule must not cost the lead. So nothing needs a savepoint of its
    own.
    """
    is_intake = len(items) <= MAX_IMMEDIATE
    for left in reversed(range(TRIES + 1)):
        try:
            with transaction.atomic():
                return _receive(items, rejected, source, at, is_intake=is_intake)
        except IntegrityError:
            if not left:
                raise
        except Exception:
            if not (is_intake and left):
                raise
            log.exception("intake_left_to_sweep", leads=len(items))
            is_intake = False
    raise AssertionError("The last try returns or raises.")


def _receive(
    items: Sequence[CapturedItem],
    rejected: Sequence[RejectedItem],
    source: str,
    at: datetime,
    *,
    is_intake: bool,
) -> Received:
    if rejected:
        keep_rejected(items=rejected, source=source, at=at)
    settings, changes = in_force(), LeadChanges(at)
    outcomes: list[Captured | CaptureRefused] = []
    if items:
        outcomes = capture_once(
            items=items,
            source=source,
            at=at,
            settings=settings,
            changes=changes,
            needs_intake=not is_intake,
        )
    captured = [outcome for outcome in outcomes if isinstance(outcome, Captured)]
    leads = {outcome.lead.pk: outcome.lead for outcome in captured}
    done = None
    if is_intake and leads:
        new = [lead for pk, lead in leads.items() if pk in changes.stored]
        done = run_intake(lead_ids=leads.keys(), at=at, settings=settings, new=new, changes=changes)
    owed = enqueue_new_leads(
        lead_ids=sorted(changes.stored), at=at, reason="captured", settings=settings, changes=changes
    )
    changes.write()
    changed = {outcome.lead.pk for outcome in captured if outcome.is_changed or not outcome.is_repeat}
    if known := changed - changes.stored.keys():
        owed |= enqueue_captured(lead_ids=sorted(known), at=at, reason="captured", settings=settings)
    if done is None:
        return Received(outcomes, leads, is_queued=True, owed=owed)
    return Received(outcomes, done.leads, is_queued=False, stories=done.stories, shown=done.shown, owed=owed)
