"""Costs from before their history was kept: an opening entry for what was recorded at one moment."""

from itertools import groupby, islice
from typing import Any

from django.db import migrations

BATCH = 1000


def open_history(apps: Any, schema_editor: Any) -> None:
    """Who said it and what stood before is not known; the moment is the one at which the row was recorded."""
    entries, changes = apps.get_model("leads", "CostEntry"), apps.get_model("leads", "CostChange")
    if entries.objects.exists():
        return  # migrated back and forth: the history is there already
    fields = ("campaign_id", "source", "recorded_at", "spent_on", "amount_cents", "currency", "reporting_cents")
    rows = apps.get_model("leads", "CampaignCost").objects.order_by("recorded_at", "campaign_id", "source", "spent_on")
    said = groupby(rows.values_list(*fields).iterator(chunk_size=BATCH), key=lambda row: row[:3])
    while batch := [(key, list(days)) for key, days in islice(said, BATCH)]:
        made = entries.objects.bulk_create(
            entries(
                campaign_id=campaign,
                source=source,
                door="opening",
                reason="As it stood when the history began",
                said_at=recorded_at,
            )
            for (campaign, source, recorded_at), _ in batch
        )
        changes.objects.bulk_create(
            [
                changes(
                    entry_id=entry.pk,
                    spent_on=spent_on,
                    after_cents=cents,
                    after_currency=currency,
                    after_reporting_cents=reporting,
                )
                for entry, (_, days) in zip(made, batch, strict=True)
                for _, _, _, spent_on, cents, currency, reporting in days
            ],
            batch_size=BATCH,
        )


class Migration(migrations.Migration):
    dependencies = [("leads", "0006_cost_history")]

    operations = [migrations.RunPython(open_history, migrations.RunPython.noop)]
