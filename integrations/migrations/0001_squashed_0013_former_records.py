"""All of integrations at once: replaces 0001 to 0013 in a database where none of them ran, or all.

It depends on what these did, and by the old name: a database may have all of them and not yet the last of leads. What
0003 and 0012 fill in is left out: it is about older connections.
"""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import leads.models.secret
from leads.migrations._models import CreateModels


class Migration(migrations.Migration):

    replaces = [
        ('integrations', '0001_initial'),
        ('integrations', '0002_mapping_tokens_hints'),
        ('integrations', '0003_setup'),
        ('integrations', '0004_merges_people'),
        ('integrations', '0005_undo_and_proposals'),
        ('integrations', '0006_hinted_merges'),
        ('integrations', '0007_crm_values_codes'),
        ('integrations', '0008_crm_people'),
        ('integrations', '0009_push_makes_new'),
        ('integrations', '0010_watermark_living'),
        ('integrations', '0011_wording'),
        ('integrations', '0012_failing_since'),
        ('integrations', '0013_former_records'),
    ]

    initial = True

    dependencies = [
        ('leads', '0020_suppressed_addresses'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='Connection',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                    ('slug', models.SlugField(max_length=60, unique=True)),
                    ('name', models.CharField(max_length=80)),
                    ('kind', models.CharField(help_text='key of the connector', max_length=20)),
                    ('base_url', models.URLField(max_length=300)),
                    ('secret', leads.models.secret.SecretTextField(blank=True, editable=False)),
                    ('secret_set_at', models.DateTimeField(blank=True, editable=False, null=True)),
                    ('is_active', models.BooleanField(default=True)),
                    ('health', models.CharField(choices=[('untried', 'Not tried yet'), ('ok', 'Working'), ('paused', 'Paused'), ('failing', 'Failing')], default='untried', max_length=8)),
                    ('health_note', models.CharField(blank=True, max_length=300)),
                    ('health_at', models.DateTimeField(blank=True, null=True)),
                    ('paused_until', models.DateTimeField(blank=True, null=True)),
                    ('failures', models.PositiveIntegerField(default=0, help_text='in a row; opens the breaker')),
                    ('quota_left', models.IntegerField(blank=True, null=True)),
                    ('lease_until', models.DateTimeField(blank=True, editable=False, null=True)),
                    ('fence', models.PositiveBigIntegerField(default=0, editable=False)),
                    ('created_at', models.DateTimeField()),
                    ('access_base_url', models.CharField(blank=True, editable=False, max_length=300)),
                    ('access_expires_at', models.DateTimeField(blank=True, editable=False, null=True)),
                    ('access_token', leads.models.secret.SecretTextField(blank=True, editable=False)),
                    ('currency', models.CharField(blank=True, help_text='of amounts that name none', max_length=3)),
                    ('quota_limit', models.IntegerField(blank=True, null=True)),
                    ('quota_resets_at', models.DateTimeField(blank=True, null=True)),
                    ('refresh_token', leads.models.secret.SecretTextField(blank=True, editable=False)),
                    ('secrets', leads.models.secret.SecretJSONField(blank=True, default=dict, editable=False)),
                    ('settings', models.JSONField(blank=True, default=dict, help_text="the vendor's plain settings")),
                    ('sign_in', models.CharField(blank=True, help_text='key of the way of signing in', max_length=40)),
                    ('token_lease_until', models.DateTimeField(blank=True, editable=False, null=True)),
                    ('webhook_key', models.CharField(blank=True, editable=False, max_length=64, null=True, unique=True)),
                    ('webhook_secret', leads.models.secret.SecretTextField(blank=True, editable=False)),
                    ('account', models.JSONField(blank=True, default=dict, help_text='what the last test learned of the account')),
                    ('switched_on_at', models.DateTimeField(blank=True, help_text='empty while it is being set up', null=True)),
                    ('merges_people', models.BooleanField(default=True, help_text='where both of its people are leads of ours', verbose_name='merge here whom the CRM merged')),
                    ('activities', models.JSONField(blank=True, default=dict, help_text='what is read as touchpoints: {"call": {"rule": …, "channel": …}}')),
                    ('confirmed_steps', models.JSONField(blank=True, default=list, help_text='steps of the setup that somebody saved')),
                    ('takes_people', models.CharField(blank=True, choices=[('', 'Nobody: only whom we have sent there'), ('new', 'Whoever is added there from now on'), ('all', 'Everybody')], default='', max_length=3, verbose_name='people of the CRM')),
                    ('takes_people_since', models.DateTimeField(blank=True, help_text='when that was chosen', null=True)),
                    ('failing_since', models.DateTimeField(blank=True, editable=False, help_text='the first failure since all went well', null=True)),
                    ('source_key', models.CharField(blank=True, editable=False, help_text='of a deleted connection to the same account', max_length=60)),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('base_url', ''), _negated=True), name='connection_has_url')],
                },
            ),
            migrations.CreateModel(
                name='SyncRun',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                    ('direction', models.CharField(choices=[('push', 'Push'), ('pull', 'Pull'), ('reconcile', 'Comparison'), ('dry_run', 'Dry run'), ('undo', 'Undo')], max_length=9)),
                    ('state', models.CharField(choices=[('running', 'Running'), ('done', 'Done'), ('stopped', 'Stopped early'), ('failed', 'Failed')], default='running', max_length=8)),
                    ('reason', models.CharField(max_length=80)),
                    ('created', models.PositiveIntegerField(default=0)),
                    ('updated', models.PositiveIntegerField(default=0)),
                    ('unchanged', models.PositiveIntegerField(default=0)),
                    ('rejected', models.PositiveIntegerField(default=0)),
                    ('unclear', models.PositiveIntegerField(default=0)),
                    ('calls', models.PositiveIntegerField(default=0)),
                    ('note', models.CharField(blank=True, max_length=400)),
                    ('started_at', models.DateTimeField()),
                    ('finished_at', models.DateTimeField(null=True)),
                    ('beat_at', models.DateTimeField(null=True)),
                    ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='integrations.connection')),
                    ('drifted', models.PositiveIntegerField(default=0, help_text='records that a comparison found unequal')),
                    ('expected', models.PositiveIntegerField(help_text='how many records it will see; empty is unknown', null=True)),
                    ('is_dry_run', models.BooleanField(default=False)),
                    ('seen', models.PositiveIntegerField(default=0)),
                    ('undoes', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='undo_runs', to='integrations.syncrun')),
                    ('undone_at', models.DateTimeField(null=True)),
                    ('undone_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(fields=['connection', 'started_at'], name='sync_run_connection_time')],
                },
            ),
            migrations.CreateModel(
                name='SyncRecord',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('remote_id', models.CharField(blank=True, max_length=120)),
                    ('outcome', models.CharField(choices=[('created', 'Created'), ('updated', 'Updated'), ('rejected', 'Rejected'), ('unclear', 'Unclear'), ('skipped', 'Skipped'), ('would_create', 'Would create'), ('would_update', 'Would update'), ('missing_there', 'Missing in the CRM'), ('missing_here', 'Missing here'), ('differs', 'Differs'), ('merged', 'Merged in the CRM'), ('archived', 'Archived in the CRM'), ('restored', 'Restored'), ('removed', 'Removed'), ('kept', 'Left as it is')], max_length=13)),
                    ('changes', models.JSONField(blank=True, default=dict, help_text='{"field": [before, after]}')),
                    ('note', models.CharField(blank=True, max_length=400)),
                    ('at', models.DateTimeField()),
                    ('lead', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sync_records', to='leads.lead')),
                    ('opportunity', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='sync_records', to='leads.opportunity')),
                    ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='records', to='integrations.syncrun')),
                    ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='sync_records', to='leads.account')),
                    ('campaign', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='sync_records', to='leads.campaign')),
                    ('kind', models.CharField(blank=True, choices=[('person', 'Person'), ('contact', 'Contact'), ('inquiry', 'Inquiry'), ('account', 'Account'), ('deal', 'Deal'), ('owner', 'Owner'), ('campaign', 'Campaign'), ('touch', 'Response')], max_length=12)),
                    ('undone_at', models.DateTimeField(null=True)),
                    ('way', models.CharField(blank=True, choices=[('out', 'To the CRM'), ('in', 'From the CRM')], max_length=3)),
                    ('written', models.JSONField(blank=True, default=dict, help_text='{"column": [before, after]}, raw')),
                    ('is_conflict', models.BooleanField(default=False, help_text='both sides had changed it; the policy decided')),
                    ('title', models.CharField(blank=True, help_text='its name, where no row of ours has one', max_length=200)),
                    ('code', models.CharField(blank=True, help_text="the CRM's own word for a refusal", max_length=80)),
                ],
                options={
                    'indexes': [models.Index(fields=['at'], name='sync_record_time')],
                },
            ),
            migrations.CreateModel(
                name='Watermark',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('person', 'Person'), ('contact', 'Contact'), ('inquiry', 'Inquiry'), ('account', 'Account'), ('deal', 'Deal'), ('owner', 'Owner'), ('campaign', 'Campaign'), ('touch', 'Response')], max_length=12)),
                    ('read_to', models.DateTimeField(null=True)),
                    ('window_ends_at', models.DateTimeField(help_text='ceiling of a run under way', null=True)),
                    ('resume_token', models.CharField(blank=True, help_text='valid only inside the run under way', max_length=500)),
                    ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='watermarks', to='integrations.connection')),
                    ('gone_to', models.DateTimeField(help_text='how far deleted, archived and merged records were read', null=True)),
                    ('living', models.PositiveIntegerField(help_text='how many records there were, as far as the CRM counts', null=True)),
                    ('living_at', models.DateTimeField(help_text='of those made until then', null=True)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('connection', 'kind'), name='watermark_once_per_kind')],
                },
            ),
            migrations.CreateModel(
                name='ExternalRecord',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('person', 'Person'), ('contact', 'Contact'), ('inquiry', 'Inquiry'), ('account', 'Account'), ('deal', 'Deal'), ('owner', 'Owner'), ('campaign', 'Campaign'), ('touch', 'Response')], max_length=12)),
                    ('remote_id', models.CharField(max_length=120)),
                    ('content_hash', models.CharField(blank=True, help_text='of what we last sent or read', max_length=64)),
                    ('remote_changed_at', models.DateTimeField(blank=True, null=True)),
                    ('archived_at', models.DateTimeField(blank=True, null=True)),
                    ('synced_at', models.DateTimeField(blank=True, null=True)),
                    ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='records', to='integrations.connection')),
                    ('lead', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='external_records', to='leads.lead')),
                    ('opportunity', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='external_records', to='leads.opportunity')),
                    ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='external_records', to=settings.AUTH_USER_MODEL)),
                    ('account', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='external_records', to='leads.account')),
                    ('campaign', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='external_records', to='leads.campaign')),
                    ('held_at', models.DateTimeField(blank=True, null=True)),
                    ('held_because', models.CharField(blank=True, max_length=200)),
                    ('is_chosen', models.BooleanField(default=False, help_text='matched by a person; never matched anew')),
                    ('merged_into', models.CharField(blank=True, help_text='remote id of the record that lives on', max_length=120)),
                    ('remote_email', models.CharField(blank=True, help_text='of an owner', max_length=254)),
                    ('remote_name', models.CharField(blank=True, help_text='of an owner, account or campaign', max_length=200)),
                    ('snapshot', models.JSONField(blank=True, default=dict)),
                    ('is_active_there', models.BooleanField(default=True, help_text='whether an owner may still own records in the CRM')),
                    ('is_born_there', models.BooleanField(default=False, help_text='a person the CRM had first: who owns them is said in the CRM')),
                    ('lacks_key', models.BooleanField(default=False, help_text='it does not carry our id yet: found by its own id')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('connection', 'kind', 'remote_id'), name='external_record_once'), models.UniqueConstraint(fields=('connection', 'kind', 'lead'), name='external_record_one_per_lead'), models.UniqueConstraint(fields=('connection', 'kind', 'opportunity'), name='external_record_one_per_opportunity'), models.UniqueConstraint(fields=('connection', 'kind', 'campaign'), name='external_record_one_per_campaign')],
                },
            ),
            migrations.CreateModel(
                name='PendingPush',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('state', models.CharField(choices=[('pending', 'Waiting'), ('leased', 'Being sent'), ('done', 'Sent'), ('rejected', 'Refused by the CRM'), ('dead', 'Given up')], default='pending', max_length=8)),
                    ('version', models.PositiveIntegerField(default=1)),
                    ('reason', models.CharField(blank=True, max_length=80)),
                    ('not_before', models.DateTimeField()),
                    ('attempts', models.PositiveIntegerField(default=0)),
                    ('fence', models.PositiveBigIntegerField(default=0)),
                    ('lease_until', models.DateTimeField(null=True)),
                    ('is_unclear', models.BooleanField(default=False, help_text='sent, answer lost: look before sending again')),
                    ('quiet_until', models.DateTimeField(null=True)),
                    ('last_error', models.CharField(blank=True, max_length=400)),
                    ('error_field', models.CharField(blank=True, max_length=80)),
                    ('changed_at', models.DateTimeField()),
                    ('settled_at', models.DateTimeField(null=True)),
                    ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pending_pushes', to='integrations.connection')),
                    ('lead', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pending_pushes', to='leads.lead')),
                    ('candidates', models.JSONField(blank=True, default=list, help_text='records in the CRM it may be: [{"id", "name"}]; a person chooses')),
                    ('error_code', models.CharField(blank=True, help_text="the CRM's own word for the refusal", max_length=80)),
                    ('makes_new', models.BooleanField(default=False, help_text='a person said that none of the candidates is the one')),
                ],
                options={
                    'verbose_name_plural': 'pending pushes',
                    'indexes': [models.Index(fields=['connection', 'state', 'not_before'], name='push_due')],
                    'constraints': [models.UniqueConstraint(fields=('connection', 'lead'), name='push_one_per_lead')],
                },
            ),
            migrations.CreateModel(
                name='StageMap',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('remote_key', models.CharField(max_length=120)),
                    ('remote_name', models.CharField(blank=True, max_length=120)),
                    ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='stage_maps', to='integrations.connection')),
                    ('stage', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='leads.pipelinestage')),
                    ('is_chosen', models.BooleanField(default=False, help_text='by a person; never guessed again')),
                    ('pipeline', models.CharField(blank=True, help_text='where the CRM has several', max_length=120)),
                    ('remote_status', models.CharField(blank=True, help_text='open, won or lost in the CRM', max_length=4)),
                    ('remote_position', models.PositiveSmallIntegerField(default=0, help_text="its place in the CRM's own order")),
                    ('remote_probability', models.FloatField(blank=True, help_text='0 to 1; empty is not told', null=True)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('connection', 'remote_key'), name='stage_map_once')],
                },
            ),
            migrations.CreateModel(
                name='FieldMap',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('person', 'Person'), ('contact', 'Contact'), ('inquiry', 'Inquiry'), ('account', 'Account'), ('deal', 'Deal'), ('owner', 'Owner'), ('campaign', 'Campaign'), ('touch', 'Response')], max_length=12)),
                    ('local', models.CharField(help_text='our name; "attributes.…" for further columns', max_length=120)),
                    ('remote', models.CharField(help_text="the CRM's name, perhaps dotted", max_length=160)),
                    ('direction', models.CharField(choices=[('push', 'To the CRM'), ('pull', 'From the CRM'), ('both', 'Both ways')], default='push', max_length=4)),
                    ('policy', models.CharField(choices=[('ours', 'What we hold'), ('theirs', 'What the CRM holds'), ('newest', 'Whoever changed last'), ('fill_empty', 'Only fills what is empty')], default='ours', max_length=10)),
                    ('position', models.PositiveSmallIntegerField(default=0)),
                    ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='field_maps', to='integrations.connection')),
                    ('values', models.JSONField(blank=True, default=dict, help_text='what our values are called in the CRM')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('connection', 'kind', 'local'), name='field_map_once_per_local'), models.UniqueConstraint(fields=('connection', 'kind', 'remote'), name='field_map_once_per_remote'), models.CheckConstraint(condition=models.Q(models.Q(('local', ''), _negated=True), models.Q(('remote', ''), _negated=True)), name='field_map_names_both')],
                },
            ),
            migrations.CreateModel(
                name='SyncHint',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('event_id', models.CharField(max_length=160)),
                    ('kind', models.CharField(choices=[('person', 'Person'), ('contact', 'Contact'), ('inquiry', 'Inquiry'), ('account', 'Account'), ('deal', 'Deal'), ('owner', 'Owner'), ('campaign', 'Campaign'), ('touch', 'Response')], max_length=12)),
                    ('remote_id', models.CharField(max_length=120)),
                    ('is_gone', models.BooleanField(default=False)),
                    ('received_at', models.DateTimeField(db_index=True)),
                    ('looked_at', models.DateTimeField(help_text='when we went and looked', null=True)),
                    ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='hints', to='integrations.connection')),
                    ('merged_into', models.CharField(blank=True, default='', help_text='the record that is said to live on', max_length=120)),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('looked_at__isnull', True)), fields=['connection'], name='sync_hint_open')],
                    'constraints': [models.UniqueConstraint(fields=('connection', 'event_id', 'kind', 'remote_id'), name='sync_hint_once')],
                },
            ),
            migrations.CreateModel(
                name='RemoteSchema',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('person', 'Person'), ('contact', 'Contact'), ('inquiry', 'Inquiry'), ('account', 'Account'), ('deal', 'Deal'), ('owner', 'Owner'), ('campaign', 'Campaign'), ('touch', 'Response')], max_length=12)),
                    ('fields', models.JSONField(default=list)),
                    ('read_at', models.DateTimeField()),
                    ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='schemas', to='integrations.connection')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('connection', 'kind'), name='remote_schema_once_per_kind')],
                },
            ),
            migrations.CreateModel(
                name='FormerRecord',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('vendor', models.CharField(max_length=20)),
                    ('account_key', models.CharField(help_text="the CRM's id of the account", max_length=200)),
                    ('source', models.CharField(max_length=60)),
                    ('kind', models.CharField(choices=[('person', 'Person'), ('contact', 'Contact'), ('inquiry', 'Inquiry'), ('account', 'Account'), ('deal', 'Deal'), ('owner', 'Owner'), ('campaign', 'Campaign'), ('touch', 'Response')], max_length=12)),
                    ('remote_id', models.CharField(max_length=120)),
                    ('is_born_there', models.BooleanField(default=False)),
                    ('lacks_key', models.BooleanField(default=False)),
                    ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='leads.account')),
                    ('campaign', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='leads.campaign')),
                    ('lead', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='leads.lead')),
                    ('opportunity', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='leads.opportunity')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('vendor', 'account_key', 'kind', 'remote_id'), name='former_record_once')],
                },
            ),
        ]),
    ]
