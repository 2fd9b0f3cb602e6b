"""Throws away credits of past moments that nobody has asked for lately; asked for again, they are computed again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from attribution.models import PastCredit, PastMoment
from leads.past.snapshot import BeforeMemory, snapshot_at

UNUSED = timedelta(days=7)


def forget_past_credits(*, at: datetime, keep: Collection[datetime] = ()) -> int:
    """Forget moments that were last used a week before ``at``, but for those named; returns how many."""
    old = PastMoment.objects.filter(used_on__lt=(at - UNUSED).date())
    forgotten = 0
    for key in set(old.values_list("pk", flat=True)) - _keys(keep):
        with transaction.atomic():
            # The note of its use first: whoever asks for the moment just now has renewed it or waits here, and then
            # looks what is left. _raw_delete: nothing points to either, so there is nothing to collect.
            if old.filter(pk=key)._raw_delete("default"):
                PastCredit.objects.filter(moment=key)._raw_delete("default")
                forgotten += 1
    return forgotten


def _keys(moments: Collection[datetime]) -> set[int]:
    found = set()
    for moment in moments:
        try:
            found.add(snapshot_at(moment).key)
        except BeforeMemory:
            continue
    return found
