from django.db import migrations, models
from django.db.models import F


def since_known(apps, schema_editor):
    """Of connections in trouble now, the last failure is the earliest that is known."""
    rows = apps.get_model("integrations", "Connection").objects.filter(health="failing")
    rows.update(failing_since=F("health_at"))


class Migration(migrations.Migration):
    dependencies = [("integrations", "0011_wording")]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="failing_since",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="the first failure since all went well", null=True
            ),
        ),
        migrations.RunPython(since_known, migrations.RunPython.noop),
    ]
