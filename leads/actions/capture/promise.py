"""Promise to capture: keep what arrived, durably, and leave the rest to a worker. Nobody is looked up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from leads.actions.capture.capture import MAX_ITEMS
from leads.actions.insert_rows import insert_rows
from leads.models import Submission
from leads.pure.capture.captured import CapturedItem
from leads.pure.capture.stored import stored


def promise_items(*, items: Sequence[CapturedItem], source: str, at: datetime) -> list[Submission]:
    """Keep up to ``MAX_ITEMS`` items in one statement; the submissions are in the order of the items.

    ``leads.actions.capture.take_submissions`` takes them within seconds.
    """
    if len(items) > MAX_ITEMS:
        raise ValueError(f"A batch has at most {MAX_ITEMS} items.")
    rows = [
        Submission(
            received_at=at,
            source=source[:80],
            payload=item.payload,
            item=stored(item),
            state=Submission.State.QUEUED,
            due_at=at,
        )
        for item in items
    ]
    insert_rows(rows, are_keyed=False)
    return rows
