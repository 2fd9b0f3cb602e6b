"""Pages of a connection, and runs to show there."""

from __future__ import annotations

from datetime import UTC, datetime

from django.test import Client
from django.urls import reverse

from integrations.models import Connection, SyncRecord, SyncRun
from leads.models import User
from tests.leads.factories import LeadFactory


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def detail(connection: Connection, name: str = "connection-detail", *more: object) -> str:
    return reverse(f"integrations:{name}", args=[connection.slug, *more])


def some_run(connection: Connection, records: int = 0) -> SyncRun:
    run = SyncRun.objects.create(
        connection=connection, direction="push", reason="daily", state="done", started_at=datetime.now(UTC)
    )
    SyncRecord.objects.bulk_create(
        SyncRecord(run=run, lead=LeadFactory(), outcome="created" if n % 2 else "rejected", at=run.started_at)
        for n in range(records)
    )
    return run
