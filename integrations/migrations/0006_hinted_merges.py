from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0005_undo_and_proposals"),
    ]

    operations = [
        migrations.AddField(
            model_name="synchint",
            name="merged_into",
            field=models.CharField(
                blank=True, default="", help_text="the record that is said to live on", max_length=120
            ),
        ),
    ]
