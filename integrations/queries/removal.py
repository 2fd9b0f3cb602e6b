"""What goes with a connection that is deleted, and what stays, counted."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from integrations.models import Connection, ExternalRecord, FieldMap, PendingPush, StageMap, SyncHint, SyncRun


@dataclass(frozen=True, slots=True)
class Removal:
    """``goes`` and ``stays`` are (number, words) for people."""

    goes: list[tuple[int, str]]
    stays: list[tuple[int, str]]


def removal_of(connection: Connection) -> Removal:
    """Six queries."""
    State = PendingPush.State
    links = ExternalRecord.objects.filter(connection=connection).aggregate(
        all=Count("pk"), leads=Count("lead", distinct=True), deals=Count("opportunity", distinct=True),
        born=Count("pk", filter=Q(is_born_there=True, lead__isnull=False)),
    )  # fmt: skip
    waiting = PendingPush.objects.filter(connection=connection, state__in=(State.PENDING, State.LEASED)).count()
    goes = [
        (links["all"], "links between records here and there"),
        (FieldMap.objects.filter(connection=connection).count(), "rows of the field mapping"),
        (StageMap.objects.filter(connection=connection).count(), "stages"),
        (
            SyncRun.objects.filter(connection=connection).count(),
            "runs, which cannot be undone afterwards",
        ),
        (waiting, "changes that wait to be sent"),
        (SyncHint.objects.filter(connection=connection).count(), "webhooks heard"),
    ]
    stays = [
        (links["leads"], "leads that are known there"),
        (links["born"], "of them taken over from there"),
        (links["deals"], "opportunities that came from there"),
    ]
    return Removal([each for each in goes if each[0]], [each for each in stays if each[0]])
