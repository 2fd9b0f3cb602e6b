"""Receive: what one API request does with leads — capture, intake, and what is owed to the CRMs, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction

from integrations.actions.push.enqueue import enqueue_leads
from leads.actions.capture.capture import Captured, CaptureRefused, RejectedItem, capture_batch, keep_rejected
from leads.actions.intake import run_intake
from leads.models import Lead
from leads.pure.capture.captured import CapturedItem

log = structlog.get_logger(__name__)

# More than this would keep a caller, and on SQLite every other writer, waiting.
MAX_IMMEDIATE = 50


@dataclass(frozen=True, slots=True)
class Received:
    """The outcomes, in the order of the items, and their leads by key, as they are after intake.

    ``is_queued`` when intake was left to the sweeper.
    """

    outcomes: Sequence[Captured | CaptureRefused]
    leads: Mapping[int, Lead]
    is_queued: bool


def receive(*, items: Sequence[CapturedItem], rejected: Sequence[RejectedItem], source: str, at: datetime) -> Received:
    """Capture the items, keep the rejected ones, do the intake of small requests at once, enqueue the pushes."""
    with transaction.atomic(savepoint=False):
        keep_rejected(items=rejected, source=source, at=at)
        outcomes = capture_batch(items=items, source=source, at=at) if items else []
        captured = [outcome for outcome in outcomes if isinstance(outcome, Captured)]
        leads = {outcome.lead.pk: outcome.lead for outcome in captured}
        done = _intake(leads, at) if len(items) <= MAX_IMMEDIATE else None
        fresh = {outcome.lead.pk for outcome in captured if outcome.is_changed or not outcome.is_repeat}
        enqueue_leads(lead_ids=fresh, at=at, reason="captured")
    if done is None:
        return Received(outcomes, leads, is_queued=True)
    return Received(outcomes, done, is_queued=False)


def _intake(leads: Mapping[int, Lead], at: datetime) -> dict[int, Lead] | None:
    """Try the intake in a savepoint: a mistake in a rule must not cost the lead. None leaves it to the sweeper."""
    try:
        with transaction.atomic():
            return {lead.pk: lead for lead in run_intake(lead_ids=leads.keys(), at=at)}
    except Exception:
        log.exception("intake_left_to_sweep", leads=len(leads))
        return None
