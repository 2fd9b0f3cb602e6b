"""Which decisions gave the company another test of sourced deals: each is a version of the figures by it."""

from typing import Any

from django.db import migrations, models
from django.utils import timezone

TESTS = [
    ("first_touch", "First touch is marketing's and precedes the first sales activity"),
    ("lead_creation", "The touch that made the first contact known is marketing's"),
    ("opportunity_creation", "A marketing touch in the 90 days before the opportunity was created"),
]


def find_changes(apps: Any, schema_editor: Any) -> None:
    """Decisions in order tell when the test became another; a change that none tells of is written down now."""
    decisions = apps.get_model("attribution", "SourcedDecision").objects
    test = "first_touch"
    for row in decisions.order_by("pk"):
        if row.test != test:
            decisions.filter(pk=row.pk).update(test_before=test)
            test = row.test
    now = apps.get_model("attribution", "AttributionRules").objects.values_list("sourced_test", flat=True).first()
    if now and now != test:
        decisions.create(
            kind="changed", test=now, test_before=test, reason="Changed before changes were kept", at=timezone.now()
        )


class Migration(migrations.Migration):
    dependencies = [("attribution", "0007_credits_lost")]

    operations = [
        migrations.AlterField(
            model_name="sourceddecision",
            name="kind",
            field=models.CharField(
                choices=[("locked", "Locked"), ("unlocked", "Unlocked"), ("changed", "Changed")], max_length=8
            ),
        ),
        migrations.AddField(
            model_name="sourceddecision",
            name="test_before",
            field=models.CharField(
                blank=True, choices=TESTS, default="", help_text="the test that this one took the place of", max_length=20
            ),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="sourceddecision",
            constraint=models.CheckConstraint(
                condition=models.Q(("test_before", models.F("test")), _negated=True),
                name="sourced_decision_changes_or_not",
            ),
        ),
        migrations.RunPython(find_changes, migrations.RunPython.noop),
    ]
