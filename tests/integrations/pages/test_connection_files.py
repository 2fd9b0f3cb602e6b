"""What the connection pages list, as files."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Connection, ExternalRecord
from leads.models import User
from tests.integrations.pages.connections import detail, signed_in, some_run
from tests.integrations.world import owe
from tests.leads.factories import LeadFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin_client(admin_user: User) -> Client:
    return signed_in(admin_user)


def lines(client: Client, url: str, **query: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(client.get(url, query).content.decode("utf-8-sig"))))


def test_every_list_of_a_connection_comes_as_a_file(connected: Connection, admin_client: Client) -> None:
    at = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
    for number in range(25):  # more than the page lists
        owe(
            connected,
            LeadFactory(first_name=f"No. {number:02}", last_name=""),
            state="rejected",
            error_code="INVALID_EMAIL",
            last_error="no such address",
            settled_at=at + timedelta(minutes=number),
        )
    owe(connected, LeadFactory(first_name="Later", last_name=""), state="rejected", error_code="LIMIT", settled_at=at)
    owe(connected, LeadFactory(first_name="Waits", last_name=""), reason="changed")
    held = LeadFactory(first_name="Held", last_name="")
    ExternalRecord.objects.create(
        connection=connected, kind="lead", remote_id="7", lead=held, held_at=at, held_because="undone"
    )
    failed = lines(admin_client, detail(connected), failed="csv", code="INVALID_EMAIL")
    assert [row["Lead"] for row in failed] == [f"No. {number:02}" for number in reversed(range(25))]
    assert failed[0]["What the CRM said"] == "no such address"
    assert failed[0]["When"] == "2026-11-16 10:54:00+01:00"
    assert len(lines(admin_client, detail(connected), failed="csv")) == 26
    (row,) = lines(admin_client, detail(connected), waiting="csv")
    assert (row["Lead"], row["Because"]) == ("Waits", "changed")
    (row,) = lines(admin_client, detail(connected), held="csv")
    assert (row["Record"], row["ID in the CRM"], row["Why it is held"]) == ("Held", "7", "undone")
    (row,) = lines(admin_client, reverse("integrations:connections"), export="csv")
    assert row["Connection"] == connected.name
    assert (row["Failed"], row["Waiting"]) == ("26", "1")
    for param in ("failed", "held", "waiting"):
        assert admin_client.get(detail(connected), {param: "xlsx"}).content[:2] == b"PK"


def test_records_and_runs_come_as_files(connected: Connection, admin_client: Client) -> None:
    run = some_run(connected, records=3)
    page = detail(connected, "sync-run", run.public_id)

    def lines(url: str, **query: str) -> list[list[str]]:
        answer = admin_client.get(url, {**query, "export": "csv"})
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        return list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))

    assert [line[3] for line in lines(page)] == ["Outcome", "Rejected", "Created", "Rejected"]
    assert [line[3] for line in lines(page, outcome="created")] == ["Outcome", "Created"]
    assert lines(detail(connected))[1][2:4] == [run.get_direction_display(), run.get_state_display()]
    assert admin_client.get(page, {"export": "xlsx"}).content[:2] == b"PK"
