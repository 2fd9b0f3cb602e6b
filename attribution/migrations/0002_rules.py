from django.db import migrations, models
from django.db.models import Q

from attribution.migrations._defaults import make_row


class Migration(migrations.Migration):
    dependencies = [("attribution", "0001_initial")]
    operations = [
        # States hold nothing that a run does not compute anew.
        migrations.RunSQL("DELETE FROM attribution_journeystate", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="AttributionRules",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("contacts", "All contacts of the deal"),
                            ("primary", "The primary contact"),
                            ("account", "Everybody of the account"),
                        ],
                        default="contacts",
                        max_length=8,
                    ),
                ),
                (
                    "half_life_days",
                    models.FloatField(default=7.0, help_text="time decay: credit halves with every so many days"),
                ),
                ("held_by", models.UUIDField(editable=False, null=True)),
                ("held_until", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "verbose_name": "attribution rules",
                "verbose_name_plural": "attribution rules",
                "constraints": [
                    models.CheckConstraint(condition=Q(id=1), name="attribution_rules_single_row"),
                    models.CheckConstraint(condition=Q(half_life_days__gt=0), name="attribution_half_life_positive"),
                    models.CheckConstraint(
                        condition=Q(scope__in=["contacts", "primary", "account"]), name="attribution_scope_known"
                    ),
                ],
            },
        ),
        migrations.AddField(
            "journeystate", "status", models.CharField(default="open", max_length=4), preserve_default=False),
        migrations.AddField("journeystate", "amount_cents", models.BigIntegerField(default=0), preserve_default=False),
        migrations.AddField(
            "journeystate",
            "opened_at",
            models.DateTimeField(default="2000-01-01T00:00:00+00:00"),
            preserve_default=False,
        ),
        migrations.AddField("journeystate", "closed_at", models.DateTimeField(null=True)),
        migrations.RunPython(make_row, migrations.RunPython.noop),
    ]
