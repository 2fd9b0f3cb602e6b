"""The CRM state of a lead, as its page loads it."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Connection, ExternalRecord, PendingPush
from leads.models import User
from tests.leads.factories import LeadFactory, UserFactory


@pytest.fixture
def connection(db: None, now: datetime) -> Connection:
    return Connection.objects.create(
        slug="main", name="Main CRM", kind="sandbox", base_url="http://127.0.0.1:1", created_at=now
    )


@pytest.mark.parametrize(
    ("state", "said"),
    [("pending", "waiting"), ("leased", "waiting"), ("rejected", "no such owner"), ("dead", "no such owner")],
)
def test_a_pending_push_is_told(
    client: Client, rep: User, connection: Connection, now: datetime, state: str, said: str
) -> None:
    lead = LeadFactory(owner=rep)
    PendingPush.objects.create(
        connection=connection, lead=lead, state=state, not_before=now, changed_at=now, last_error="no such owner"
    )
    client.force_login(rep)
    assert said in client.get(reverse("integrations:lead-crm", args=[lead.public_id])).content.decode()


def test_a_link_is_told_and_a_fragment_has_no_page_around(
    client: Client, rep: User, connection: Connection, now: datetime
) -> None:
    lead = LeadFactory(owner=rep)
    url = reverse("integrations:lead-crm", args=[lead.public_id])
    client.force_login(rep)
    assert "not sent" in client.get(url).content.decode()
    ExternalRecord.objects.create(connection=connection, kind="person", remote_id="P-7", lead=lead, synced_at=now)
    fragment = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert 'href="http://127.0.0.1:1/people/P-7"' in fragment
    assert "<html" not in fragment
    assert "<html" in client.get(url).content.decode()


def test_a_foreign_lead_is_not_found(client: Client, rep: User) -> None:
    lead = LeadFactory(owner=UserFactory())
    client.force_login(rep)
    assert client.get(reverse("integrations:lead-crm", args=[lead.public_id])).status_code == 404
