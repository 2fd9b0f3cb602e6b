"""Requeue what failed, and bring forward what waits for the night."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from integrations.actions.push.settle_push import MAX_TRIES
from integrations.models import PendingPush

_State = PendingPush.State


def requeue_pushes(*, connection_id: int, at: datetime, push_ids: Collection[int] | None = None) -> int:
    """Give refused and given-up pushes a fresh start, these or all of the connection; returns how many."""
    rows = PendingPush.objects.failed().filter(connection=connection_id)
    if push_ids is not None:
        rows = rows.filter(pk__in=push_ids)
    return rows.update(
        state=_State.PENDING, not_before=at, attempts=0, last_error="", error_field="", error_code="", candidates=[],
        settled_at=None,
    )  # fmt: skip


def bring_forward(*, connection_id: int, at: datetime) -> int:
    """Make what is queued for the next daily sync due now; pauses after failed tries stay. Returns how many.

    What was given up for want of an answer is tried once more: the CRM may have been away for days.
    """
    dead = PendingPush.objects.filter(connection=connection_id, state=_State.DEAD)
    dead.update(state=_State.PENDING, attempts=MAX_TRIES - 1, not_before=at, settled_at=None)
    waiting = PendingPush.objects.filter(connection=connection_id, state=_State.PENDING, attempts=0)
    return waiting.filter(not_before__gt=at).update(not_before=at)
