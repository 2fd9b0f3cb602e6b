"""Plan a run that any worker takes up."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.db import transaction

from attribution.models import AttributionRules, AttributionRun
from attribution.queries.rules import rules_in_force
from leads.models import User


def request_run(
    *, kind: Literal["incremental", "full", "refit"], at: datetime, by: User | None, reason: str
) -> AttributionRun:
    """A run that waits for workers; "refit" lets data-driven methods learn anew first, and computes in full.

    One that waits already for the same is returned instead of a second.
    """
    force = rules_in_force()
    is_refit = kind == "refit"
    wanted = AttributionRun.Kind.INCREMENTAL if kind == "incremental" else AttributionRun.Kind.FULL
    with transaction.atomic():
        # Two clicks wait for each other here, so that the second finds the first one's run.
        AttributionRules.objects.select_for_update().get(pk=1)
        waiting = AttributionRun.objects.filter(state=AttributionRun.State.WAITING, kind=wanted, refits=is_refit)
        return waiting.order_by("pk").first() or AttributionRun.objects.create(
            kind=wanted,
            state=AttributionRun.State.WAITING,
            refits=is_refit,
            requested_by=by,
            reason=reason[:200],
            methods=force.methods,
            settings=force.settings,
            step="Waiting for a worker",
            started_at=at,
        )
