"""Versions of the territory rules, and conditions in the shared grammar beside the columns they replace."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0023_merged_leads_index'),
    ]

    operations = [
        migrations.CreateModel(
            name='RoutingVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(unique=True)),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('scheduled', 'Scheduled'), ('active', 'Active'), ('retired', 'Retired')], default='draft', max_length=9)),
                ('note', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('created_at', models.DateTimeField()),
                ('activates_at', models.DateTimeField(blank=True, help_text='when it is to become active', null=True)),
                ('moves_leads', models.BooleanField(default=False, help_text='open leads of the last 13 weeks move with it')),
                ('activated_at', models.DateTimeField(blank=True, null=True)),
                ('activated_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('based_on', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='leads.routingversion')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('state', 'active')), fields=('state',), name='routing_one_active_version'),
                    models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'scheduled', 'active', 'retired'])), name='routing_version_state_known'),
                    models.CheckConstraint(condition=models.Q(models.Q(('state', 'scheduled'), _negated=True), ('activates_at__isnull', False), _connector='OR'), name='routing_scheduled_has_date'),
                ],
            },
        ),
        migrations.AddField(
            model_name='territoryrule',
            name='version',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='leads.routingversion'),
        ),
        migrations.AddField(
            model_name='territoryrule',
            name='key',
            field=models.UUIDField(default=None, null=True),
        ),
        migrations.AddField(
            model_name='territoryrule',
            name='conditions',
            field=models.JSONField(default=dict, help_text='in the condition grammar'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='version',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='assignments', to='leads.routingversion'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='rotation',
            field=models.JSONField(blank=True, help_text='weights, by id, of the reps whose turn it could be; empty where no turn was taken', null=True),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(fields=['territory', 'assigned_at'], name='assignment_territory_time'),
        ),
        migrations.CreateModel(
            name='RoutingSimulation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('fingerprint', models.CharField(help_text='of the rules that were tried', max_length=64)),
                ('result', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField()),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('job', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='routing_simulation', to='leads.jobrun')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='simulations', to='leads.routingversion')),
            ],
        ),
        migrations.CreateModel(
            name='SimulatedLead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_open', models.BooleanField()),
                ('moves', models.BooleanField()),
                ('because', models.CharField(max_length=400)),
                ('passed_over', models.JSONField(blank=True, default=list)),
                ('from_owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('from_territory', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='leads.territory')),
                ('lead', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='leads.lead')),
                ('rule', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='leads.territoryrule')),
                ('simulation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='leads', to='leads.routingsimulation')),
                ('to_owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('to_territory', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='leads.territory')),
            ],
            options={
                'indexes': [models.Index(fields=['simulation', 'moves'], name='simulated_lead_moves')],
                'constraints': [models.UniqueConstraint(fields=('simulation', 'lead'), name='simulated_lead_once')],
            },
        ),
    ]
