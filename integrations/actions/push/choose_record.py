"""Choose which record of the CRM a refused lead is, or that it is none of those found."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from integrations.actions.push.requeue import requeue_pushes
from integrations.models import ExternalRecord, PendingPush, RecordKind
from leads.pure.refused import Refused


class ChoiceRefused(Refused):
    """The choice is not open; the message says why."""


def choose_record(*, connection_id: int, push_id: int, remote_id: str, at: datetime) -> PendingPush:
    """Link the lead with one of its candidates, or with none (``remote_id`` empty), and send it again. Raises
    `ChoiceRefused`."""
    with transaction.atomic():
        rows = PendingPush.objects.failed().select_for_update(of=("self",)).select_related("lead")
        push = rows.filter(connection=connection_id, pk=push_id).first()
        if push is None:
            raise ChoiceRefused("This record is not waiting for a choice any more.")
        if remote_id and remote_id not in {str(each.get("id")) for each in push.candidates}:
            raise ChoiceRefused("This is none of the records that were found.")
        links = ExternalRecord.objects.filter(connection=connection_id, kind=RecordKind.PERSON)
        if remote_id and links.filter(remote_id=remote_id).exclude(lead=push.lead).exists():
            raise ChoiceRefused("This record belongs to another lead already.")
        if remote_id:
            links.update_or_create(
                connection_id=connection_id,
                kind=RecordKind.PERSON,
                lead=push.lead,
                defaults={"remote_id": remote_id, "lacks_key": True, "content_hash": "", "archived_at": None},
            )
        requeue_pushes(connection_id=connection_id, at=at, push_ids=[push.pk])
        PendingPush.objects.filter(pk=push.pk).update(makes_new=not remote_id)
    return push
