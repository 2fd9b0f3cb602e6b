"""Which channels' cost is ad spend; the shipped ones that are bought media are marked."""

from typing import Any

from django.db import migrations, models

ADVERTISING = ("paid-search", "brand-search", "paid-social", "display", "retargeting")


def mark(apps: Any, schema_editor: Any) -> None:
    apps.get_model("leads", "Channel").objects.filter(key__in=ADVERTISING).update(is_advertising=True)


class Migration(migrations.Migration):
    dependencies = [("leads", "0002_defaults")]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="is_advertising",
            field=models.BooleanField(
                default=False, help_text="bought media: what its campaigns cost is ad spend, the base of ROAS"
            ),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
