"""Throws away credits of past moments that nobody has asked for lately; asked for again, they are computed again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from attribution.models import PastCredit, PastMoment
from leads.past.snapshot import BeforeMemory, snapshot_at

UNUSED = timedelta(days=7)
DEALS_A_TURN = 500


def forget_past_credits(*, at: datetime, keep: Collection[datetime] = ()) -> int:
    """Forget moments that were last used a week before ``at``, but for those named; returns how many."""
    old = PastMoment.objects.filter(used_on__lt=(at - UNUSED).date())
    return sum(_forget(old, key) for key in set(old.values_list("pk", flat=True)) - _keys(keep))


def _forget(old: QuerySet[PastMoment], key: int) -> bool:
    """Forget one moment, some deals a transaction: writers of SQLite take turns. Whole deals: one of which some credits
    are left would be taken for computed. False where somebody has asked for the moment meanwhile."""
    while True:
        with transaction.atomic():
            # Locked: whoever asks for the moment just now has renewed it or waits here, and then looks what is left.
            if old.select_for_update().filter(pk=key).first() is None:
                return False
            credits = PastCredit.objects.filter(moment=key)
            deals = list(credits.order_by().values_list("opportunity_id", flat=True).distinct()[:DEALS_A_TURN])
            # _raw_delete: nothing points to either, so there is nothing to collect.
            if not deals:
                old.filter(pk=key)._raw_delete("default")
                return True
            credits.filter(opportunity_id__in=deals)._raw_delete("default")


def _keys(moments: Collection[datetime]) -> set[int]:
    found = set()
    for moment in moments:
        try:
            found.add(snapshot_at(moment).key)
        except BeforeMemory:
            continue
    return found
