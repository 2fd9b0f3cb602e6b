"""Which channels' cost is ad spend; the shipped ones that are bought media are marked."""

from django.db import migrations, models

from leads.migrations._defaults import mark


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
