"""The rules there are become version 1, with their conditions in the shared grammar: they decide as before."""

import uuid

from django.db import migrations
from django.utils import timezone


def conditions_of(row):
    """The columns of a rule as conditions, in the order in which its sentence had them."""
    items = []
    for column, key in (("countries", "country"), ("regions", "region"), ("industries", "industry")):
        if values := getattr(row, column):
            items.append({"property": key, "operator": "is", "values": list(values)})
    if row.postal_from and row.postal_to:
        limits = {"low": row.postal_from, "high": row.postal_to}
        items.append({"property": "postal_code", "operator": "postcodes", **limits})
    low, high = row.size_min, row.size_max
    if low is not None and high is not None:
        items.append({"property": "company_size", "operator": "between", "low": low, "high": high})
    elif low is not None:
        items.append({"property": "company_size", "operator": "at_least", "low": low})
    elif high is not None:
        items.append({"property": "company_size", "operator": "at_most", "high": high})
    if row.domains:
        items.append({"property": "account", "operator": "in_domain", "values": list(row.domains)})
    return {"schema": 1, "match": "all", "items": items}


def convert(apps, schema_editor):
    version_model, rule_model = apps.get_model("leads", "RoutingVersion"), apps.get_model("leads", "TerritoryRule")
    now = timezone.now()
    version = version_model.objects.create(
        number=1, state="active", note="The rules there were before versions", created_at=now, activated_at=now
    )
    for row in rule_model.objects.order_by("pk"):
        row.version, row.key, row.conditions = version, uuid.uuid4(), conditions_of(row)
        row.save(update_fields=["version", "key", "conditions"])


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0024_routing_versions'),
    ]

    operations = [
        migrations.RunPython(convert, migrations.RunPython.noop),
    ]
