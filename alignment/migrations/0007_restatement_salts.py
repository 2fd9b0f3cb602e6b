from secrets import token_hex

from django.db import migrations, models


def draw(apps, schema_editor):
    """Looks of before have causes that no report has told of yet: those are frozen as hashes, too."""
    model = apps.get_model("alignment", "Restatement")
    rows = [model(pk=pk, salt=token_hex(16)) for pk in model.objects.values_list("pk", flat=True)]
    model.objects.bulk_update(rows, ["salt"], batch_size=500)


class Migration(migrations.Migration):

    dependencies = [
        ('alignment', '0006_recommendations'),
    ]

    operations = [
        migrations.AddField(
            model_name='restatement',
            name='salt',
            field=models.CharField(blank=True, default='', help_text='of the hash of the cause in later reports; empty once erased', max_length=32),
        ),
        migrations.RunPython(draw, migrations.RunPython.noop),
    ]
