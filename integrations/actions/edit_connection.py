"""Edit connections: add one, replace its secret, choose what its stages mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from integrations.actions.enqueue import enqueue_leads
from integrations.models import Connection, RecordKind, StageMap, Watermark
from leads.models import Lead

# Words that stand where a slug would stand in an address.
RESERVED = {"add", "try"}


def add_connection(*, name: str, kind: str, base_url: str, secret: str, at: datetime) -> Connection:
    """A new active connection that owes the CRM every lead we have."""
    with transaction.atomic():
        connection = Connection.objects.create(
            slug=_free_slug(name),
            name=name,
            kind=kind,
            base_url=base_url,
            secret=secret,
            secret_set_at=at,
            created_at=at,
        )
        leads = Lead.objects.live().values_list("pk", flat=True)
        enqueue_leads(lead_ids=set(leads), at=at, reason="new connection")
    return connection


def replace_secret(*, connection_id: int, secret: str, at: datetime) -> None:
    """Use another secret from now on; a pause that the old one caused is over."""
    Connection.objects.filter(pk=connection_id).update(
        secret=secret, secret_set_at=at, failures=0, paused_until=None, health=Connection.Health.UNTRIED, health_note=""
    )


def map_stages(*, connection_id: int, choices: Mapping[int, int | None]) -> int:
    """Choose our stage for rows of the stage mapping; returns how many changed.

    Deals were read under the old mapping, so the next pull reads all of them again; equal ones write nothing.
    """
    with transaction.atomic():
        rows = StageMap.objects.select_for_update(of=("self",)).filter(connection=connection_id, pk__in=choices)
        changed = [row for row in rows if row.stage_id != choices[row.pk]]
        for row in changed:
            row.stage_id = choices[row.pk]
        StageMap.objects.bulk_update(changed, ["stage"])
        if changed:
            Watermark.objects.filter(connection=connection_id, kind=RecordKind.DEAL).update(
                read_to=None, window_ends_at=None, resume_token=""
            )
    return len(changed)


def _free_slug(name: str) -> str:
    stem = slugify(name)[:50] or "crm"
    taken = set(Connection.objects.filter(slug__startswith=stem).values_list("slug", flat=True)) | RESERVED
    return next(slug for number in range(1, len(taken) + 2) if (slug := _numbered(stem, number)) not in taken)


def _numbered(stem: str, number: int) -> str:
    return stem if number == 1 else f"{stem}-{number}"
