"""Receive: what one API request does with leads — capture, intake, and what is owed to the CRMs, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction

from integrations.actions.enqueue import enqueue_leads
from leads.actions.capture import Captured, Refused, RejectedItem, capture_batch, keep_rejected
from leads.actions.intake import run_intake
from leads.pure.captured import CapturedItem

log = structlog.get_logger(__name__)

# More than this would keep a caller, and on SQLite every other writer, waiting.
MAX_IMMEDIATE = 50


@dataclass(frozen=True, slots=True)
class Received:
    """The outcomes, in the order of the items; ``is_queued`` when intake was left to the sweeper."""

    outcomes: Sequence[Captured | Refused]
    is_queued: bool


def receive(*, items: Sequence[CapturedItem], rejected: Sequence[RejectedItem], source: str, at: datetime) -> Received:
    """Capture the items, keep the rejected ones, do the intake of small requests at once, enqueue the pushes."""
    with transaction.atomic():
        keep_rejected(items=rejected, source=source, at=at)
        outcomes = capture_batch(items=items, source=source, at=at) if items else []
        captured = [outcome for outcome in outcomes if isinstance(outcome, Captured)]
        lead_ids = {outcome.lead.pk for outcome in captured if not outcome.is_repeat}
        is_queued = len(items) > MAX_IMMEDIATE or not _intake({outcome.lead.pk for outcome in captured}, at)
        enqueue_leads(lead_ids=lead_ids, at=at, reason="captured")
    return Received(outcomes, is_queued)


def _intake(lead_ids: set[int], at: datetime) -> bool:
    """Try the intake in a savepoint: a mistake in a rule must not cost the lead. False leaves it to the sweeper."""
    try:
        with transaction.atomic():
            run_intake(lead_ids=lead_ids, at=at)
    except Exception:
        log.exception("intake_left_to_sweep", leads=len(lead_ids))
        return False
    return True
