"""Which run the present credits are from."""

from __future__ import annotations

from attribution.models import AttributionRun


def last_run() -> AttributionRun | None:
    """The newest run whose credits are in place; None before the first."""
    return AttributionRun.objects.filter(state=AttributionRun.State.DONE).order_by("-finished_at", "-pk").first()
