"""Read the CRM's stages and owners, and match them with ours where that is no guess."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Lower

from integrations.actions.runs.hold_connection import Held
from integrations.connectors.base import Owner, Reference, Stage
from integrations.models import ExternalRecord, RecordKind, StageMap
from leads.actions.routing.mark_left_crm import mark_left_crm
from leads.models import PipelineStage, User


def record_reference(*, held: Held, reference: Reference) -> None:
    """Keep stages and owners. What an admin chose stays; an unknown stage stays open until somebody chooses."""
    with transaction.atomic():
        at = held.keep()
        _record_stages(held, reference.stages)
        _record_owners(held, reference.owners, at)


def _record_stages(held: Held, stages: Sequence[Stage]) -> None:
    """Nothing is guessed but equal keys of equal status; what else is likely the stages' page proposes."""
    known = {row.remote_key: row for row in StageMap.objects.filter(connection=held.connection)}
    changed, missing = [], []
    for position, stage in enumerate(stages):
        row = known.get(stage.key)
        told = {
            "remote_name": stage.name[:120],
            "remote_status": stage.status,
            "remote_position": position,
            "remote_probability": stage.probability,
        }
        if row is None:
            missing.append(StageMap(connection=held.connection, remote_key=stage.key[:120], **told))
        elif any(getattr(row, name) != value for name, value in told.items()):
            for name, value in told.items():
                setattr(row, name, value)
            changed.append(row)
    columns = ["remote_name", "remote_status", "remote_position", "remote_probability"]
    StageMap.objects.bulk_update(changed, columns, batch_size=200)
    if missing:
        ours = {(row.key, row.status): row for row in PipelineStage.objects.all()}
        for row in missing:
            row.stage = ours.get((row.remote_key, row.remote_status))
        StageMap.objects.bulk_create(missing, batch_size=200)


def _record_owners(held: Held, owners: Sequence[Owner], at: datetime) -> None:
    known = {
        row.remote_id: row for row in ExternalRecord.objects.filter(connection=held.connection, kind=RecordKind.OWNER)
    }
    emails = {owner.email.strip().lower() for owner in owners} - {""}
    found = User.objects.annotate(lower=Lower("email")).filter(lower__in=emails)
    people = {user.email.lower(): user.pk for user in found}
    new, changed = [], []
    for owner in owners:
        user_id = people.get(owner.email.strip().lower())
        row = known.get(owner.remote_id)
        if row is None:
            new.append(
                ExternalRecord(
                    connection=held.connection,
                    kind=RecordKind.OWNER,
                    remote_id=owner.remote_id,
                    owner_id=user_id,
                    remote_name=owner.name[:200],
                    remote_email=owner.email[:254],
                    is_active_there=owner.is_active,
                    synced_at=at,
                )
            )
            continue
        # A match is only ever replaced, never dropped: people leave a CRM while their deals stay.
        matched = row.owner_id if row.is_chosen or user_id is None else user_id
        said = (matched, owner.name[:200], owner.email[:254], owner.is_active)
        if (row.owner_id, row.remote_name, row.remote_email, row.is_active_there) != said:
            row.owner_id, row.remote_name, row.remote_email, row.is_active_there = said
            row.synced_at = at
            changed.append(row)
    ExternalRecord.objects.bulk_create(new, batch_size=200)
    ExternalRecord.objects.bulk_update(
        changed, ["owner_id", "remote_name", "remote_email", "is_active_there", "synced_at"], batch_size=200
    )
    _mark_who_left(held, at)


def _mark_who_left(held: Held, at: datetime) -> None:
    """Tell routing which people no CRM that knows them lets own records any more."""
    ours = ExternalRecord.objects.filter(connection=held.connection, kind=RecordKind.OWNER, owner__isnull=False)
    known = ExternalRecord.objects.filter(
        connection__is_active=True, kind=RecordKind.OWNER, owner__in=ours.values("owner")
    )
    may_own: dict[int, bool] = {}
    for user_id, is_active in known.values_list("owner_id", "is_active_there"):
        if user_id is not None:
            may_own[user_id] = may_own.get(user_id, False) or is_active
    mark_left_crm(may_own=may_own, at=at)
