from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0009_push_makes_new")]

    operations = [
        migrations.AddField(
            model_name="watermark",
            name="living",
            field=models.PositiveIntegerField(
                help_text="how many records there were, as far as the CRM counts", null=True
            ),
        ),
        migrations.AddField(
            model_name="watermark",
            name="living_at",
            field=models.DateTimeField(help_text="of those made until then", null=True),
        ),
    ]
