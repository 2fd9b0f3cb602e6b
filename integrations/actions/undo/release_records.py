"""Release records that an undo holds: from then on they are synced again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from integrations.models import ExternalRecord, RecordKind, SyncHint, Watermark


def release_records(*, connection_id: int, at: datetime, record_ids: Collection[int] | None = None) -> int:
    """Let held records be synced again, these or all of the connection; returns how many.

    The CRM will not name them as changed, so each is hinted at: the next look fetches it. For a campaign or an activity
    the next sync reads all responses or activities again; those that are known are not recorded twice.
    """
    with transaction.atomic():
        rows = ExternalRecord.objects.select_for_update(of=("self",)).filter(
            connection=connection_id, held_at__isnull=False
        )
        if record_ids is not None:
            rows = rows.filter(pk__in=record_ids)
        held = list(rows.order_by("pk"))
        SyncHint.objects.bulk_create(
            [
                SyncHint(
                    connection_id=connection_id,
                    event_id=f"released {at.isoformat()}",
                    kind=RecordKind.PERSON if row.kind == RecordKind.CONTACT else row.kind,
                    remote_id=row.remote_id,
                    received_at=at,
                )
                for row in held
                if row.kind not in (RecordKind.CAMPAIGN, RecordKind.TOUCH)
            ],
            ignore_conflicts=True,
        )
        ExternalRecord.objects.filter(pk__in=[row.pk for row in held]).update(
            held_at=None, held_because="", content_hash=""
        )
        again = {row.kind for row in held} & {RecordKind.CAMPAIGN, RecordKind.TOUCH}
        Watermark.objects.filter(connection=connection_id, kind__in=again).update(read_to=None)
    return len(held)
