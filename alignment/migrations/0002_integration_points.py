"""The customer's six integration points with their criteria."""

from django.db import migrations

from alignment.migrations._defaults import fill


class Migration(migrations.Migration):
    dependencies = [("alignment", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
