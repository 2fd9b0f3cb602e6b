"""Conditions alone decide: the columns they replace go."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0025_convert_territory_rules'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='territoryrule', name='rule_size_range_valid'),
        migrations.RemoveConstraint(model_name='territoryrule', name='rule_postal_range_complete'),
        *(
            migrations.RemoveField(model_name='territoryrule', name=name)
            for name in ('countries', 'regions', 'postal_from', 'postal_to', 'industries', 'size_min', 'size_max', 'domains')
        ),
        migrations.DeleteModel(name='HistoricalTerritoryRule'),
        migrations.AlterField(
            model_name='territoryrule',
            name='position',
            field=models.PositiveIntegerField(),
        ),
        migrations.AlterField(
            model_name='territoryrule',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='leads.routingversion'),
        ),
        migrations.AlterField(
            model_name='territoryrule',
            name='key',
            field=models.UUIDField(default=uuid.uuid4, help_text='the same for a rule and its copies in later versions'),
        ),
        migrations.AlterField(
            model_name='territoryrule',
            name='territory',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rules', to='leads.territory'),
        ),
        migrations.AddConstraint(
            model_name='territoryrule',
            constraint=models.UniqueConstraint(fields=('version', 'position'), name='rule_position_once_per_version'),
        ),
        migrations.AddConstraint(
            model_name='territoryrule',
            constraint=models.UniqueConstraint(fields=('version', 'key'), name='rule_key_once_per_version'),
        ),
    ]
