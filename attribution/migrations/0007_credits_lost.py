import django.db.models.deletion
from django.db import migrations, models

import attribution.models.credit


class Migration(migrations.Migration):

    dependencies = [
        ('attribution', '0006_simulations'),
        ('leads', '0005_lead_merges'),
    ]

    operations = [
        migrations.AlterField(
            model_name='credit',
            name='touchpoint',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=attribution.models.credit.take_credits_along, related_name='credits', to='leads.touchpoint'),
        ),
        migrations.AlterField(
            model_name='journeystate',
            name='opportunity',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='journey_states', to='leads.opportunity'),
        ),
        migrations.AlterField(
            model_name='stagedcredit',
            name='shard',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='attribution.attributionshard'),
        ),
        migrations.AlterField(
            model_name='stagedstate',
            name='shard',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='attribution.attributionshard'),
        ),
        migrations.AddIndex(
            model_name='journeystate',
            index=models.Index(condition=models.Q(('hash_high', 0)), fields=['opportunity'], name='journey_state_lost'),
        ),
    ]
