"""Forget what a log is kept for a while only: records of old runs, hints that were looked at."""

from __future__ import annotations

from datetime import datetime, timedelta

from integrations.models import SyncHint, SyncRecord

# Undo reaches as far back as the records do.
KEEP_RECORDS, KEEP_HINTS = timedelta(days=90), timedelta(days=14)
BATCH = 5000


def forget_old(*, at: datetime) -> int:
    """Delete in batches, so that no transaction is long; returns the rows deleted. Runs and their counts stay."""
    forgotten = 0
    while ids := list(SyncRecord.objects.filter(at__lt=at - KEEP_RECORDS).values_list("pk", flat=True)[:BATCH]):
        forgotten += SyncRecord.objects.filter(pk__in=ids).delete()[0]
    old = SyncHint.objects.filter(received_at__lt=at - KEEP_HINTS, looked_at__isnull=False)
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        forgotten += SyncHint.objects.filter(pk__in=ids).delete()[0]
    return forgotten
