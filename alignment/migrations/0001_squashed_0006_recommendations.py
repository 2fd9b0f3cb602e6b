"""All of alignment at once: replaces 0001 to 0006 in a database where none of them ran, or all.

The integration points of 0002 are written here as well.
"""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from alignment.migrations._defaults import fill
from leads.migrations._models import CreateModels


class Migration(migrations.Migration):

    replaces = [
        ('alignment', '0001_initial'),
        ('alignment', '0002_integration_points'),
        ('alignment', '0003_criterion_events'),
        ('alignment', '0004_restatement_ledgers'),
        ('alignment', '0005_report_pdf'),
        ('alignment', '0006_recommendations'),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='WeeklyReport',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                    ('week', models.CharField(help_text='such as 2026-W46', max_length=8, unique=True)),
                    ('starts_on', models.DateField(unique=True)),
                    ('published_at', models.DateTimeField()),
                    ('as_of', models.DateTimeField(help_text='data recorded up to this moment is inside')),
                    ('time_zone', models.CharField(max_length=64)),
                    ('currency', models.CharField(max_length=3)),
                    ('definitions', models.JSONField(help_text='{"figure key": version}')),
                    ('content', models.JSONField(help_text='everything the page shows, ready to render')),
                    ('digest', models.CharField(help_text='SHA-256 of the content', max_length=64)),
                ],
            ),
            migrations.CreateModel(
                name='IntegrationPoint',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('code', models.CharField(max_length=12, unique=True)),
                    ('title', models.CharField(max_length=120)),
                    ('group', models.CharField(max_length=80)),
                    ('flow_from', models.CharField(max_length=80)),
                    ('flow_to', models.CharField(max_length=80)),
                    ('protocol', models.TextField()),
                    ('frameworks', models.JSONField(default=list, help_text='list of {"title", "url"}')),
                    ('position', models.PositiveSmallIntegerField()),
                    ('due_on', models.DateField(blank=True, null=True)),
                    ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
            ),
            migrations.CreateModel(
                name='AcceptanceCriterion',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('position', models.PositiveSmallIntegerField()),
                    ('text', models.CharField(max_length=300)),
                    ('version', models.PositiveIntegerField(default=1)),
                    ('state', models.CharField(choices=[('not_ready', 'Not ready'), ('ready', 'Ready for sign-off'), ('signed_off', 'Signed off'), ('flagged', 'Flagged'), ('not_applicable', 'Not applicable')], default='not_ready', max_length=16)),
                    ('state_note', models.CharField(blank=True, help_text='why flagged or not applicable', max_length=300)),
                    ('due_on', models.DateField(blank=True, null=True)),
                    ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('point', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='criteria', to='alignment.integrationpoint')),
                ],
                options={
                    'verbose_name_plural': 'acceptance criteria',
                    'constraints': [models.UniqueConstraint(fields=('point', 'position'), name='criterion_once_per_position'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('flagged', 'not_applicable')), _negated=True), models.Q(('state_note', ''), _negated=True), _connector='OR'), name='criterion_exception_has_reason')],
                },
            ),
            migrations.CreateModel(
                name='Evidence',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('note', models.TextField()),
                    ('url', models.URLField(blank=True, max_length=500)),
                    ('added_by_name', models.CharField(max_length=120)),
                    ('added_at', models.DateTimeField()),
                    ('added_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('criterion', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='evidence', to='alignment.acceptancecriterion')),
                ],
                options={
                    'verbose_name_plural': 'evidence',
                },
            ),
            migrations.CreateModel(
                name='SignOff',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('criterion_version', models.PositiveIntegerField()),
                    ('criterion_text', models.CharField(max_length=300)),
                    ('signed_by_name', models.CharField(max_length=120)),
                    ('signed_at', models.DateTimeField()),
                    ('evidence', models.JSONField(help_text='frozen copy of the evidence at that moment')),
                    ('note', models.CharField(blank=True, max_length=300)),
                    ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                    ('withdrawn_by_name', models.CharField(blank=True, max_length=120)),
                    ('withdrawn_because', models.CharField(blank=True, max_length=300)),
                    ('criterion', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sign_offs', to='alignment.acceptancecriterion')),
                    ('signed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('withdrawn_at__isnull', True)), fields=('criterion',), name='sign_off_one_standing'), models.CheckConstraint(condition=models.Q(('withdrawn_at__isnull', True), models.Q(('withdrawn_because', ''), _negated=True), _connector='OR'), name='withdrawal_has_reason')],
                },
            ),
            migrations.CreateModel(
                name='Target',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('figure', models.CharField(max_length=80)),
                    ('starts_on', models.DateField()),
                    ('ends_on', models.DateField()),
                    ('weekly_value', models.FloatField()),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('figure', 'starts_on'), name='target_once_per_start'), models.CheckConstraint(condition=models.Q(('ends_on__gte', models.F('starts_on'))), name='target_ends_after_start')],
                },
            ),
            migrations.CreateModel(
                name='Restatement',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('figure', models.CharField(help_text='entry of the report', max_length=80)),
                    ('published_value', models.FloatField(null=True)),
                    ('current_value', models.FloatField(null=True)),
                    ('cause', models.CharField(max_length=300)),
                    ('noticed_at', models.DateTimeField()),
                    ('report', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='restatements', to='alignment.weeklyreport')),
                    ('is_correction', models.BooleanField(default=True, help_text='something was corrected; otherwise only time has passed')),
                    ('item', models.CharField(blank=True, default='', help_text="a campaign's public id or a part of the split; empty: all", max_length=40)),
                    ('ledger', models.JSONField(default=dict)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('report', 'figure', 'item', 'noticed_at'), name='restatement_once_per_look')],
                },
            ),
            migrations.CreateModel(
                name='ReportRows',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('figure', models.CharField(max_length=80)),
                    ('part', models.CharField(max_length=40)),
                    ('columns', models.JSONField()),
                    ('rows', models.JSONField()),
                    ('count', models.PositiveIntegerField()),
                    ('total', models.BigIntegerField(help_text='sum of the amount column in its unit, where it has one', null=True)),
                    ('report', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='row_sets', to='alignment.weeklyreport')),
                    ('seals', models.JSONField(help_text='a salt per row, or what is left of it; rows of before have none', null=True)),
                ],
                options={
                    'verbose_name_plural': 'report rows',
                    'constraints': [models.UniqueConstraint(fields=('report', 'figure', 'part'), name='report_rows_once_per_part')],
                },
            ),
            migrations.CreateModel(
                name='ReportDelivery',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('recipient', models.EmailField(max_length=254)),
                    ('claimed_at', models.DateTimeField()),
                    ('sent_at', models.DateTimeField(null=True)),
                    ('report', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='alignment.weeklyreport')),
                ],
                options={
                    'verbose_name_plural': 'report deliveries',
                    'constraints': [models.UniqueConstraint(fields=('report', 'recipient'), name='report_once_per_recipient')],
                },
            ),
            migrations.CreateModel(
                name='CriterionEvent',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('not_applicable', 'Marked not applicable'), ('reopened', 'Reopened'), ('planned', 'Owner or due date changed')], max_length=16)),
                    ('because', models.CharField(blank=True, max_length=300)),
                    ('by_name', models.CharField(max_length=120)),
                    ('happened_at', models.DateTimeField()),
                    ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('criterion', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='alignment.acceptancecriterion')),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'not_applicable'), _negated=True), models.Q(('because', ''), _negated=True), _connector='OR'), name='criterion_event_has_reason')],
                },
            ),
            migrations.CreateModel(
                name='ReportPdf',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('content', models.BinaryField(help_text='the file; empty until it is made', null=True)),
                    ('digest', models.CharField(blank=True, default='', help_text='SHA-256 of the file', max_length=64)),
                    ('made_at', models.DateTimeField(null=True)),
                    ('claimed_at', models.DateTimeField(help_text='when a worker began to make it', null=True)),
                    ('edition', models.PositiveIntegerField(default=0)),
                    ('report', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='pdf', to='alignment.weeklyreport')),
                ],
                options={
                    'verbose_name': 'report PDF',
                },
            ),
            migrations.CreateModel(
                name='Recommendation',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                    ('week', models.CharField(help_text='of the report that asked first', max_length=8)),
                    ('made_at', models.DateTimeField()),
                    ('position', models.PositiveSmallIntegerField(default=0)),
                    ('kind', models.CharField(choices=[('move_budget', 'Move budget'), ('review_budget', 'Review budget'), ('raise_budget', 'Raise budget'), ('find_cause', 'Find the cause')], max_length=20)),
                    ('subject', models.CharField(help_text="a campaign's public id, or a figure", max_length=80)),
                    ('receiver', models.CharField(blank=True, default='', help_text='public id of a campaign', max_length=40)),
                    ('question', models.TextField()),
                    ('grounds', models.TextField()),
                    ('caution', models.TextField(blank=True, default='')),
                    ('capacity', models.TextField(blank=True, default='')),
                    ('changed', models.TextField(blank=True, default='', help_text='why it is asked again')),
                    ('evidence', models.JSONField(help_text="values with the report's entries that hold their rows")),
                    ('values', models.JSONField(help_text='what a later report compares with')),
                    ('amount_cents', models.BigIntegerField(help_text='the most that it is about', null=True)),
                    ('currency', models.CharField(max_length=3)),
                    ('state', models.CharField(choices=[('open', 'Open'), ('decided', 'Decided'), ('dismissed', 'Dismissed'), ('replaced', 'Replaced')], default='open', max_length=10)),
                    ('closed_at', models.DateTimeField(null=True)),
                    ('closed_by_name', models.CharField(blank=True, default='', max_length=150)),
                    ('reason', models.CharField(blank=True, default='', max_length=500)),
                    ('closed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('report', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recommendations', to='alignment.weeklyreport')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('subject',), name='recommendation_open_once_per_subject'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='recommendation_closed_or_open')],
                },
            ),
        ]),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
