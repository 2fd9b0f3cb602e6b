"""What every installation starts with."""

from django.db import migrations

from leads.migrations._defaults import fill


class Migration(migrations.Migration):
    dependencies = [("leads", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
