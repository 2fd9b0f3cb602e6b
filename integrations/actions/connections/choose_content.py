"""Choose content: which people of the CRM become leads here, and what of their dealings is a touchpoint."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from integrations.models import Connection, CrmPeople, RecordKind, Watermark

Activities = Mapping[str, Mapping[str, str]]


def choose_content(*, connection_id: int, takes_people: str, activities: Activities, at: datetime) -> bool:
    """Keep both choices; whether anything changed. What was passed over before is read with the next sync."""
    takes = CrmPeople(takes_people)
    with transaction.atomic():
        connection = Connection.objects.select_for_update(of=("self",)).get(pk=connection_id)
        wanted = {kind: dict(rule) for kind, rule in activities.items()}
        is_other_people, is_other_rule = takes != connection.takes_people, wanted != connection.activities
        if not (is_other_people or is_other_rule):
            return False
        if is_other_people:
            connection.takes_people, connection.takes_people_since = takes, at
        connection.activities = wanted
        connection.save(update_fields=["takes_people", "takes_people_since", "activities"])
        again = [RecordKind.PERSON] if is_other_people else []
        again += [RecordKind.TOUCH, RecordKind.CAMPAIGN] if is_other_rule else []
        Watermark.objects.filter(connection=connection, kind__in=again).update(
            read_to=None, window_ends_at=None, resume_token=""
        )
    return True
