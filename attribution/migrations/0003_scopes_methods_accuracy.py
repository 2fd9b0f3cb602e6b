import uuid

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import attribution.models.rules


class Migration(migrations.Migration):

    dependencies = [
        ('attribution', '0002_rules'),
        ('leads', '0002_defaults'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AccuracyCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('kind', models.CharField(choices=[('capture', 'Capture'), ('agreement', 'Agreement'), ('causal', 'Causal')], max_length=9)),
                ('value', models.FloatField(null=True)),
                ('low', models.FloatField(help_text='95 % interval, or the worst scenario for causal', null=True)),
                ('high', models.FloatField(null=True)),
                ('sample', models.PositiveIntegerField()),
                ('seed', models.BigIntegerField(null=True)),
                ('results', models.JSONField(default=list)),
                ('measured_at', models.DateTimeField()),
                ('seconds', models.FloatField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='AttributionShard',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('opportunities', models.JSONField(help_text='ids')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('claimed', 'Being computed'), ('done', 'Done')], default='waiting', max_length=8)),
                ('fence', models.PositiveIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('recomputed', models.PositiveIntegerField(default=0)),
                ('credits_written', models.PositiveIntegerField(default=0)),
                ('summary', models.JSONField(default=dict, help_text="counts and cents that the run's difference is made of")),
                ('finished_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='CustomMethod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=24, unique=True)),
                ('name', models.CharField(max_length=60)),
                ('first_touch', models.DecimalField(decimal_places=2, default=0, max_digits=5)),
                ('lead_creation', models.DecimalField(decimal_places=2, default=0, max_digits=5)),
                ('opportunity_creation', models.DecimalField(decimal_places=2, default=0, max_digits=5)),
                ('closing', models.DecimalField(decimal_places=2, default=0, max_digits=5)),
                ('others', models.DecimalField(decimal_places=2, default=0, max_digits=5, verbose_name='all other touches')),
                ('excludes_self_initiated', models.BooleanField(default=False)),
                ('is_active', models.BooleanField(default=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('changed_at', models.DateTimeField(editable=False, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='LiftTest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField()),
                ('lift', models.FloatField(help_text='share of all conversions of the period that the channel caused, 0 to 1')),
                ('low', models.FloatField(help_text='lower end of the 95 % interval')),
                ('high', models.FloatField(help_text='upper end of the 95 % interval')),
                ('note', models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name='MethodFit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('method', models.CharField(max_length=32)),
                ('version', models.PositiveIntegerField()),
                ('is_current', models.BooleanField(default=True)),
                ('parameters', models.JSONField()),
                ('summary', models.JSONField(default=dict)),
                ('inputs_hash', models.CharField(max_length=64)),
                ('people', models.PositiveIntegerField(default=0)),
                ('conversions', models.PositiveIntegerField(default=0)),
                ('touches', models.PositiveIntegerField(default=0)),
                ('seconds', models.FloatField(default=0)),
                ('fitted_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='SourceCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.CharField(choices=[('sales', 'Checked by sales'), ('self_reported', "The customer's own answer")], max_length=14)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('answered_at', models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='credit',
            name='credit_once_per_touch',
        ),
        migrations.RemoveConstraint(
            model_name='credit',
            name='credit_one_unattributed',
        ),
        migrations.RemoveIndex(
            model_name='credit',
            name='credit_method_campaign',
        ),
        migrations.AddField(
            model_name='attributionrules',
            name='kept_scopes',
            field=models.JSONField(default=attribution.models.rules.default_scopes, help_text='scopes whose credits are computed and kept; the scope above is always among them'),
        ),
        migrations.AddField(
            model_name='attributionrules',
            name='milestone',
            field=models.CharField(choices=[('closed', 'Deal closed'), ('opportunity', 'Opportunity created'), ('lead', 'Lead created')], default='closed', max_length=12),
        ),
        migrations.AddField(
            model_name='attributionrules',
            name='sourced_locked_at',
            field=models.DateTimeField(blank=True, help_text='both owners agreed on the test; to change it, unlock it with a reason', null=True),
        ),
        migrations.AddField(
            model_name='attributionrules',
            name='sourced_test',
            field=models.CharField(choices=[('first_touch', "First touch is marketing's and precedes the first sales activity"), ('lead_creation', "The touch that made the first contact known is marketing's"), ('opportunity_creation', 'A marketing touch in the 90 days before the opportunity was created')], default='first_touch', max_length=20),
        ),
        migrations.AddField(
            model_name='attributionrules',
            name='suppressed_channels',
            field=models.ManyToManyField(blank=True, help_text='touches of these channels never count', related_name='+', to='leads.channel'),
        ),
        migrations.AddField(
            model_name='attributionrun',
            name='beat_at',
            field=models.DateTimeField(help_text='last sign of life', null=True),
        ),
        migrations.AddField(
            model_name='attributionrun',
            name='shards',
            field=models.PositiveIntegerField(default=0, help_text='parts that workers share; 0 before it is known'),
        ),
        migrations.AddField(
            model_name='attributionrun',
            name='shards_done',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='attributionrun',
            name='step',
            field=models.CharField(blank=True, help_text='what it is doing, while it is under way', max_length=80),
        ),
        migrations.AddField(
            model_name='credit',
            name='scope',
            field=models.CharField(choices=[('contacts', 'All contacts of the deal'), ('primary', 'The primary contact'), ('account', 'Everybody of the account')], default='contacts', max_length=8),
        ),
        # States hold nothing that a run does not compute anew, and their key changes.
        migrations.DeleteModel(name='JourneyState'),
        migrations.CreateModel(
            name='JourneyState',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('contacts', 'All contacts of the deal'), ('primary', 'The primary contact'), ('account', 'Everybody of the account')], default='contacts', max_length=8)),
                ('inputs_hash', models.BinaryField(max_length=32)),
                ('touches', models.PositiveIntegerField()),
                ('rejected_touches', models.PositiveIntegerField(default=0)),
                ('status', models.CharField(max_length=4)),
                ('amount_cents', models.BigIntegerField()),
                ('opened_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('opportunity', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='journey_states', to='leads.opportunity')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='attribution.attributionrun')),
            ],
        ),
        migrations.AddIndex(
            model_name='credit',
            index=models.Index(fields=['scope', 'method', 'campaign'], name='credit_scope_method_campaign'),
        ),
        migrations.AddConstraint(
            model_name='attributionrules',
            constraint=models.CheckConstraint(condition=models.Q(('milestone__in', ['closed', 'opportunity', 'lead'])), name='attribution_milestone_known'),
        ),
        migrations.AddConstraint(
            model_name='attributionrules',
            constraint=models.CheckConstraint(condition=models.Q(('sourced_test__in', ['first_touch', 'lead_creation', 'opportunity_creation'])), name='attribution_sourced_known'),
        ),
        migrations.AddConstraint(
            model_name='credit',
            constraint=models.UniqueConstraint(fields=('opportunity', 'scope', 'method', 'touchpoint'), name='credit_once_per_touch'),
        ),
        migrations.AddConstraint(
            model_name='credit',
            constraint=models.UniqueConstraint(condition=models.Q(('touchpoint__isnull', True)), fields=('opportunity', 'scope', 'method'), name='credit_one_unattributed'),
        ),
        migrations.AddConstraint(
            model_name='journeystate',
            constraint=models.UniqueConstraint(fields=('opportunity', 'scope'), name='journey_state_once_per_scope'),
        ),
        migrations.AddIndex(
            model_name='accuracycheck',
            index=models.Index(fields=['kind', 'measured_at'], name='accuracy_kind_time'),
        ),
        migrations.AddField(
            model_name='attributionshard',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='attribution.attributionrun'),
        ),
        migrations.AddConstraint(
            model_name='custommethod',
            constraint=models.CheckConstraint(condition=models.Q(('first_touch', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.Value(100), '-', models.F('lead_creation')), '-', models.F('opportunity_creation')), '-', models.F('closing')), '-', models.F('others')))), name='custom_method_sums_to_100'),
        ),
        migrations.AddConstraint(
            model_name='custommethod',
            constraint=models.CheckConstraint(condition=models.Q(('closing__gte', 0), ('first_touch__gte', 0), ('lead_creation__gte', 0), ('opportunity_creation__gte', 0), ('others__gte', 0)), name='custom_method_not_negative'),
        ),
        migrations.AddField(
            model_name='lifttest',
            name='channel',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lift_tests', to='leads.channel'),
        ),
        migrations.AddConstraint(
            model_name='methodfit',
            constraint=models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('method',), name='method_fit_one_current'),
        ),
        migrations.AddField(
            model_name='sourcecheck',
            name='answered_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='sourcecheck',
            name='campaign',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='leads.campaign'),
        ),
        migrations.AddField(
            model_name='sourcecheck',
            name='channel',
            field=models.ForeignKey(blank=True, help_text='empty: asked, but nobody knows', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='leads.channel'),
        ),
        migrations.AddField(
            model_name='sourcecheck',
            name='opportunity',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='source_checks', to='leads.opportunity'),
        ),
        migrations.AddConstraint(
            model_name='attributionshard',
            constraint=models.UniqueConstraint(fields=('run', 'number'), name='attribution_shard_once'),
        ),
        migrations.AddConstraint(
            model_name='lifttest',
            constraint=models.CheckConstraint(condition=models.Q(('ends_on__gt', models.F('starts_on'))), name='lift_test_dates'),
        ),
        migrations.AddConstraint(
            model_name='lifttest',
            constraint=models.CheckConstraint(condition=models.Q(('high__gte', models.F('lift')), ('high__lte', 1), ('low__gte', 0), ('low__lte', models.F('lift'))), name='lift_test_interval'),
        ),
        migrations.AddConstraint(
            model_name='sourcecheck',
            constraint=models.UniqueConstraint(fields=('opportunity', 'origin'), name='source_check_once'),
        ),
    ]
