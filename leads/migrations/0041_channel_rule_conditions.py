import json

from django.db import migrations, models

import leads.models.workflow
from leads.pure.channels.globs import Globs
from leads.pure.conditions.grammar import to_json

NAMES = ("source", "medium", "campaign", "referrer")
PAST = "leads_channelrule_past"


def _conditions(*globs):
    return to_json(Globs(0, "", *(each or "" for each in globs)).conditions)


def convert(apps, schema_editor):
    """Patterns become conditions of the shared grammar: in the rules, their history, and the versions of the past."""
    for name in ("ChannelRule", "HistoricalChannelRule"):
        for row in apps.get_model("leads", name).objects.all():
            row.conditions = _conditions(*(getattr(row, each) for each in NAMES))
            row.save(update_fields=["conditions"])
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        if PAST not in connection.introspection.table_names(cursor):
            return  # made after the migrations of an empty installation
        kind = "jsonb" if connection.vendor == "postgresql" else "text"
        cursor.execute(f"ALTER TABLE {PAST} ADD COLUMN conditions {kind}")
        cursor.execute(f"SELECT DISTINCT {', '.join(NAMES)} FROM {PAST}")  # noqa: S608  # names of this file alone
        is_same = "IS NOT DISTINCT FROM" if kind == "jsonb" else "IS"
        alike = " AND ".join(f"{each} {is_same} %s" for each in NAMES)
        write = f"UPDATE {PAST} SET conditions = %s WHERE {alike}"  # noqa: S608
        cursor.executemany(write, [[json.dumps(_conditions(*found)), *found] for found in cursor.fetchall()])


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0040_job_progress'),
    ]

    operations = [
        *(
            migrations.AddField(
                model_name=name,
                name='conditions',
                field=models.JSONField(default=leads.models.workflow.no_conditions, help_text='on visits, in the condition grammar'),
            )
            for name in ('channelrule', 'historicalchannelrule')
        ),
        migrations.RunPython(convert, migrations.RunPython.noop),
        *(
            migrations.RemoveField(model_name=model, name=name)
            for model in ('channelrule', 'historicalchannelrule')
            for name in NAMES
        ),
    ]
