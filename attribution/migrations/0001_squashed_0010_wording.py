"""All of attribution at once: replaces 0001 to 0010 in a database where none of them ran, or all.

It depends on what these did, and by the old name: a database may have all of them and not yet the last of leads. The one
row of 0002 is written here as well; what others change in older rows is not.
"""

import uuid

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models

import attribution.models.credit
import attribution.models.rules
from attribution.migrations._defaults import make_row
from leads.migrations._models import CreateModels


class Migration(migrations.Migration):

    replaces = [
        ('attribution', '0001_initial'),
        ('attribution', '0002_rules'),
        ('attribution', '0003_scopes_methods_accuracy'),
        ('attribution', '0004_runs_in_parts'),
        ('attribution', '0005_sourced_decisions'),
        ('attribution', '0006_simulations'),
        ('attribution', '0007_credits_lost'),
        ('attribution', '0008_sourced_versions'),
        ('attribution', '0009_past_credits'),
        ('attribution', '0010_wording'),
    ]

    initial = True

    dependencies = [
        ('leads', '0017_wording'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='AttributionRun',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                    ('kind', models.CharField(choices=[('full', 'Full'), ('incremental', 'Incremental')], max_length=12)),
                    ('state', models.CharField(choices=[('waiting', 'Waiting for a worker'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='running', max_length=8)),
                    ('reason', models.CharField(max_length=200)),
                    ('methods', models.JSONField(help_text='{"key": version}', verbose_name='models')),
                    ('settings', models.JSONField(help_text='look-back, milestone, scope, self-initiated channels')),
                    ('inputs_hash', models.CharField(blank=True, max_length=64)),
                    ('opportunities_seen', models.PositiveIntegerField(default=0)),
                    ('opportunities_recomputed', models.PositiveIntegerField(default=0)),
                    ('credits_written', models.PositiveIntegerField(default=0)),
                    ('difference', models.JSONField(blank=True, default=dict, help_text='to the run before: opportunities and cents per model and cause')),
                    ('error', models.CharField(blank=True, max_length=500)),
                    ('started_at', models.DateTimeField()),
                    ('finished_at', models.DateTimeField(null=True)),
                    ('beat_at', models.DateTimeField(help_text='last sign of life', null=True)),
                    ('shards', models.PositiveIntegerField(default=0, help_text='parts that workers share; 0 before it is known')),
                    ('shards_done', models.PositiveIntegerField(default=0)),
                    ('step', models.CharField(blank=True, help_text='what it is doing, while it is under way', max_length=80)),
                    ('checked_at', models.DateTimeField(help_text='last look for changes since; none were found by then', null=True)),
                    ('compared_at', models.DateTimeField(help_text='last look at every opportunity, by this run or an earlier one', null=True)),
                    ('refits', models.BooleanField(default=False, help_text='data-driven models learn anew before it computes')),
                    ('requested_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(fields=['state', 'finished_at'], name='run_state_finished')],
                },
            ),
            migrations.CreateModel(
                name='Credit',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('method', models.CharField(max_length=32, verbose_name='model')),
                    ('touched_at', models.DateTimeField(null=True)),
                    ('weight', models.FloatField()),
                    ('cents', models.BigIntegerField()),
                    ('campaign', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='credits', to='leads.campaign')),
                    ('channel', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='credits', to='leads.channel')),
                    ('opportunity', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='credits', to='leads.opportunity')),
                    ('run', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='credits', to='attribution.attributionrun')),
                    ('touchpoint', models.ForeignKey(db_constraint=False, null=True, on_delete=attribution.models.credit.take_credits_along, related_name='credits', to='leads.touchpoint')),
                    ('scope', models.CharField(choices=[('contacts', 'All contacts of the deal'), ('primary', 'The primary contact'), ('account', 'Everybody of the account')], default='contacts', max_length=8)),
                ],
                options={
                    'indexes': [models.Index(fields=['scope', 'method', 'campaign'], name='credit_scope_method_campaign')],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('campaign__isnull', True), ('channel__isnull', True), ('touchpoint__isnull', True)), models.Q(('channel__isnull', False), ('touchpoint__isnull', False)), _connector='OR'), name='credit_touch_has_channel'), models.UniqueConstraint(fields=('opportunity', 'scope', 'method', 'touchpoint'), name='credit_once_per_touch'), models.UniqueConstraint(condition=models.Q(('touchpoint__isnull', True)), fields=('opportunity', 'scope', 'method'), name='credit_one_unattributed')],
                },
            ),
            migrations.CreateModel(
                name='AttributionRules',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('scope', models.CharField(choices=[('contacts', 'All contacts of the deal'), ('primary', 'The primary contact'), ('account', 'Everybody of the account')], default='contacts', max_length=8)),
                    ('half_life_days', models.FloatField(default=7.0, help_text='time decay: credit halves with every so many days')),
                    ('held_by', models.UUIDField(editable=False, null=True)),
                    ('held_until', models.DateTimeField(editable=False, null=True)),
                    ('kept_scopes', models.JSONField(default=attribution.models.rules.default_scopes, help_text='scopes whose credits are computed and kept; the scope above is always among them')),
                    ('milestone', models.CharField(choices=[('closed', 'Deal closed'), ('opportunity', 'Opportunity created'), ('lead', 'Lead created')], default='closed', max_length=12)),
                    ('sourced_locked_at', models.DateTimeField(blank=True, help_text='both owners agreed on the test; to change it, unlock it with a reason', null=True)),
                    ('sourced_test', models.CharField(choices=[('first_touch', "First touch is marketing's and precedes the first sales activity"), ('lead_creation', "The touchpoint that made the first contact known is marketing's"), ('opportunity_creation', 'A marketing touchpoint in the 90 days before the opportunity was created')], default='first_touch', max_length=20)),
                    ('suppressed_channels', models.ManyToManyField(blank=True, help_text='touchpoints of these channels never count', related_name='+', to='leads.channel')),
                ],
                options={
                    'verbose_name': 'attribution rules',
                    'verbose_name_plural': 'attribution rules',
                    'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='attribution_rules_single_row'), models.CheckConstraint(condition=models.Q(('half_life_days__gt', 0)), name='attribution_half_life_positive'), models.CheckConstraint(condition=models.Q(('scope__in', ['contacts', 'primary', 'account'])), name='attribution_scope_known'), models.CheckConstraint(condition=models.Q(('milestone__in', ['closed', 'opportunity', 'lead'])), name='attribution_milestone_known'), models.CheckConstraint(condition=models.Q(('sourced_test__in', ['first_touch', 'lead_creation', 'opportunity_creation'])), name='attribution_sourced_known')],
                },
            ),
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
                options={
                    'indexes': [models.Index(fields=['kind', 'measured_at'], name='accuracy_kind_time')],
                },
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
                    ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='attribution.attributionrun')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('run', 'number'), name='attribution_shard_once')],
                },
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
                    ('others', models.DecimalField(decimal_places=2, default=0, max_digits=5, verbose_name='all other touchpoints')),
                    ('excludes_self_initiated', models.BooleanField(default=False)),
                    ('is_active', models.BooleanField(default=True)),
                    ('version', models.PositiveIntegerField(default=1, editable=False)),
                    ('changed_at', models.DateTimeField(editable=False, null=True)),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('first_touch', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.Value(100), '-', models.F('lead_creation')), '-', models.F('opportunity_creation')), '-', models.F('closing')), '-', models.F('others')))), name='custom_method_sums_to_100'), models.CheckConstraint(condition=models.Q(('closing__gte', 0), ('first_touch__gte', 0), ('lead_creation__gte', 0), ('opportunity_creation__gte', 0), ('others__gte', 0)), name='custom_method_not_negative')],
                    'verbose_name': 'custom model',
                },
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
                    ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lift_tests', to='leads.channel')),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('ends_on__gt', models.F('starts_on'))), name='lift_test_dates'), models.CheckConstraint(condition=models.Q(('high__gte', models.F('lift')), ('high__lte', 1), ('low__gte', 0), ('low__lte', models.F('lift'))), name='lift_test_interval')],
                },
            ),
            migrations.CreateModel(
                name='MethodFit',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                    ('method', models.CharField(max_length=32, verbose_name='model')),
                    ('version', models.PositiveIntegerField()),
                    ('is_current', models.BooleanField(default=True)),
                    ('parameters', models.JSONField()),
                    ('summary', models.JSONField(default=dict)),
                    ('inputs_hash', models.CharField(max_length=64)),
                    ('people', models.PositiveIntegerField(default=0)),
                    ('conversions', models.PositiveIntegerField(default=0)),
                    ('touches', models.PositiveIntegerField(default=0, verbose_name='touchpoints')),
                    ('seconds', models.FloatField(default=0)),
                    ('fitted_at', models.DateTimeField()),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('method',), name='method_fit_one_current')],
                    'verbose_name': 'model fit',
                },
            ),
            migrations.CreateModel(
                name='SourceCheck',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('origin', models.CharField(choices=[('sales', 'Checked by sales'), ('self_reported', "The customer's own answer")], max_length=14)),
                    ('note', models.CharField(blank=True, max_length=200)),
                    ('answered_at', models.DateTimeField()),
                    ('answered_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('campaign', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='leads.campaign')),
                    ('channel', models.ForeignKey(blank=True, help_text='empty: asked, but nobody knows', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='leads.channel')),
                    ('opportunity', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='source_checks', to='leads.opportunity')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('opportunity', 'origin'), name='source_check_once')],
                },
            ),
            migrations.CreateModel(
                name='JourneyState',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('scope', models.CharField(choices=[('contacts', 'All contacts of the deal'), ('primary', 'The primary contact'), ('account', 'Everybody of the account')], default='contacts', max_length=8)),
                    ('touches', models.PositiveIntegerField(verbose_name='touchpoints')),
                    ('rejected_touches', models.PositiveIntegerField(default=0, verbose_name='rejected touchpoints')),
                    ('status', models.CharField(max_length=4)),
                    ('amount_cents', models.BigIntegerField()),
                    ('opened_at', models.DateTimeField()),
                    ('closed_at', models.DateTimeField(null=True)),
                    ('opportunity', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='journey_states', to='leads.opportunity')),
                    ('run', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='attribution.attributionrun')),
                    ('contacts_key', models.BigIntegerField(default=0)),
                    ('hash_high', models.BigIntegerField(default=0)),
                    ('hash_low', models.BigIntegerField(default=0)),
                    ('people_key', models.BigIntegerField(default=0)),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('hash_high', 0)), fields=['opportunity'], name='journey_state_lost')],
                    'constraints': [models.UniqueConstraint(fields=('opportunity', 'scope'), name='journey_state_once_per_scope')],
                },
            ),
            migrations.CreateModel(
                name='StagedCredit',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('run_id', models.BigIntegerField()),
                    ('opportunity_id', models.BigIntegerField()),
                    ('scope', models.CharField(max_length=8)),
                    ('method', models.CharField(max_length=32, verbose_name='model')),
                    ('touchpoint_id', models.BigIntegerField(null=True)),
                    ('campaign_id', models.BigIntegerField(null=True)),
                    ('channel_id', models.BigIntegerField(null=True)),
                    ('touched_at', models.DateTimeField(null=True)),
                    ('weight', models.FloatField()),
                    ('cents', models.BigIntegerField()),
                    ('shard', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='attribution.attributionshard')),
                ],
            ),
            migrations.CreateModel(
                name='StagedState',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('run_id', models.BigIntegerField()),
                    ('opportunity_id', models.BigIntegerField()),
                    ('scope', models.CharField(max_length=8)),
                    ('hash_high', models.BigIntegerField()),
                    ('hash_low', models.BigIntegerField()),
                    ('contacts_key', models.BigIntegerField()),
                    ('people_key', models.BigIntegerField()),
                    ('touches', models.PositiveIntegerField(verbose_name='touchpoints')),
                    ('rejected_touches', models.PositiveIntegerField(verbose_name='rejected touchpoints')),
                    ('status', models.CharField(max_length=4)),
                    ('amount_cents', models.BigIntegerField()),
                    ('opened_at', models.DateTimeField()),
                    ('closed_at', models.DateTimeField(null=True)),
                    ('shard', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='attribution.attributionshard')),
                ],
            ),
            migrations.CreateModel(
                name='SourcedDecision',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('locked', 'Locked'), ('unlocked', 'Unlocked'), ('changed', 'Changed')], max_length=8)),
                    ('test', models.CharField(choices=[('first_touch', "First touch is marketing's and precedes the first sales activity"), ('lead_creation', "The touchpoint that made the first contact known is marketing's"), ('opportunity_creation', 'A marketing touchpoint in the 90 days before the opportunity was created')], max_length=20)),
                    ('reason', models.CharField(max_length=300)),
                    ('at', models.DateTimeField()),
                    ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('test_before', models.CharField(blank=True, choices=[('first_touch', "First touch is marketing's and precedes the first sales activity"), ('lead_creation', "The touchpoint that made the first contact known is marketing's"), ('opportunity_creation', 'A marketing touchpoint in the 90 days before the opportunity was created')], help_text='the test that this one took the place of', max_length=20)),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='sourced_decision_reason_given'), models.CheckConstraint(condition=models.Q(('test_before', models.F('test')), _negated=True), name='sourced_decision_changes_or_not')],
                },
            ),
            migrations.CreateModel(
                name='Simulation',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                    ('scenario', models.CharField(max_length=40)),
                    ('seed', models.PositiveIntegerField()),
                    ('people', models.PositiveIntegerField()),
                    ('results', models.JSONField(null=True)),
                    ('made_at', models.DateTimeField()),
                    ('seconds', models.FloatField(default=0)),
                    ('asked_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('job', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='leads.jobrun')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('scenario', 'seed', 'people'), name='simulation_once')],
                },
            ),
            migrations.CreateModel(
                name='PastMoment',
                fields=[
                    ('moment', models.BigIntegerField(primary_key=True, serialize=False)),
                    ('used_on', models.DateField()),
                ],
            ),
            migrations.CreateModel(
                name='PastCredit',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('moment', models.BigIntegerField()),
                    ('opportunity_id', models.BigIntegerField()),
                    ('scope', models.CharField(max_length=8)),
                    ('method', models.CharField(max_length=32, verbose_name='model')),
                    ('touchpoint_id', models.BigIntegerField(null=True)),
                    ('campaign_id', models.BigIntegerField(null=True)),
                    ('channel_id', models.BigIntegerField(null=True)),
                    ('touched_at', models.DateTimeField(null=True)),
                    ('weight', models.FloatField()),
                    ('cents', models.BigIntegerField()),
                ],
                options={
                    'constraints': [models.UniqueConstraint(models.F('moment'), models.F('scope'), models.F('method'), models.F('opportunity_id'), django.db.models.functions.comparison.Coalesce('touchpoint_id', 0), name='past_credit_once')],
                },
            ),
        ]),
        migrations.RunPython(make_row, migrations.RunPython.noop),
    ]
