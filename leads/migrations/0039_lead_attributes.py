from django.db import migrations

from leads.migrations._attributes import make, remove


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0038_workflow_schedule'),
    ]

    operations = [
        migrations.RunPython(make, remove),
    ]
