"""Deals that the sync once closed as lost because the CRM had archived them are deleted deals: no figure counts those."""

from typing import Any

from django.db import migrations

ARCHIVED = "Archived in the CRM"
LINE = "archived:"


def restore(apps: Any, schema_editor: Any) -> None:
    """Give each the stage it had, and the day on which the CRM let it go."""
    deals, lines = apps.get_model("leads", "Opportunity"), apps.get_model("leads", "OpportunityChange")
    stages = apps.get_model("leads", "PipelineStage")
    first = stages.objects.filter(status="open").order_by("position", "pk").first()
    for deal in deals.objects.filter(status="lost", lost_reason=ARCHIVED).order_by("pk").iterator(chunk_size=500):
        past = lines.objects.filter(opportunity=deal.pk)
        closing = past.filter(source_key__startswith=LINE).order_by("-changed_at", "-pk").first()
        if closing is None or past.filter(changed_at__gt=closing.changed_at).exists():
            continue  # sales has moved it since
        before = past.exclude(pk=closing.pk).filter(status="open").order_by("-changed_at", "-pk").first()
        stage = before.stage if before else first
        if stage is None:
            continue
        deals.objects.filter(pk=deal.pk).update(
            stage=stage,
            status="open",
            closed_at=None,
            lost_reason="",
            stage_changed_at=before.changed_at if before else deal.opened_at,
            deleted_at=closing.changed_at,
        )
        closing.delete()


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0020_suppressed_addresses"),
    ]

    operations = [
        migrations.RunPython(restore, migrations.RunPython.noop),
    ]
