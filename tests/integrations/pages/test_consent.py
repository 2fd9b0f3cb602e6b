"""Connect by OAuth against each vendor's sandbox: asked, allowed, back with a state that is checked, tokens kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.actions.connections.check_connection import check_connection
from integrations.actions.connections.open_connector import open_connector
from integrations.models import Connection
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Company, User
from tests.integrations.sandbox_crm.running import TOKEN

pytestmark = pytest.mark.django_db
KINDS = ["hubspot", "pipedrive", "salesforce"]
BACK = "/connections/oauth"


@pytest.fixture
def admin_client(admin_user: User, crm: SandboxServer, company: Company, settings: Any) -> Client:
    settings.PORTAL_URL = "http://testserver"
    settings.SANDBOX_CRM_URL, settings.SANDBOX_CRM_TOKEN = crm.url, TOKEN
    client = Client()
    client.force_login(admin_user)
    return client


def made(client: Client, kind: str, crm: SandboxServer) -> Connection:
    ids = {"setting-client_id": "app", "secret-client_id": "app", "secret-client_secret": TOKEN}
    given = {"name": "Ours", "base_url": f"{crm.url}/{kind}", **ids}
    page = client.post(f"/connections/add?vendor={kind}&sign_in=oauth", given, follow=True)
    assert "not connected yet" in page.content.decode()
    connection = Connection.objects.get()
    assert connection.sign_in == "oauth"
    return connection


def asked(client: Client, connection: Connection) -> dict[str, str]:
    """What the portal sends a person to the CRM with."""
    answer = client.get(reverse("integrations:connection-consent", args=[connection.slug]))
    assert answer.status_code == 302
    query = {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}
    return query | {"url": answer["Location"]}


def allowed(url: str, which: str = "allow") -> str:
    """Where the CRM's page leads whoever presses Allow."""
    page = requests.get(url, timeout=5).text
    target = page.split(f'id="{which}" href="')[1].split('"')[0].replace("&amp;", "&")
    assert target.startswith(f"http://testserver{BACK}?")
    return target.removeprefix("http://testserver")


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_connects_it(admin_client: Client, crm: SandboxServer, kind: str) -> None:
    connection = made(admin_client, kind, crm)
    question = asked(admin_client, connection)
    assert (question["response_type"], question["client_id"]) == ("code", "app")
    assert question["redirect_uri"] == f"http://testserver{BACK}"
    assert ("code_challenge" in question) == (kind == "salesforce")

    page = admin_client.get(allowed(question["url"]), follow=True).content.decode()

    assert "Connected to" in page
    connection.refresh_from_db()
    assert connection.access_token
    assert connection.refresh_token
    assert connection.secrets.get("refresh_token") is None
    with database.cursor() as cursor:
        cursor.execute("SELECT access_token, refresh_token FROM integrations_connection")
        (row,) = cursor.fetchall()
    assert connection.access_token not in row
    assert connection.refresh_token not in row

    # The access token ends: it is renewed by the refresh token, under the row's lock.
    crm.dialect(kind).tokens.expire("access")
    first = connection.access_token
    assert check_connection(connection_id=connection.pk, at=timezone.now(), seed=1).is_ok
    connection.refresh_from_db()
    assert connection.access_token != first


@pytest.mark.parametrize("kind", KINDS)
def test_another_state_is_refused(admin_client: Client, crm: SandboxServer, kind: str) -> None:
    connection = made(admin_client, kind, crm)
    question = asked(admin_client, connection)
    back = allowed(question["url"])

    def kept() -> bool:
        connection.refresh_from_db()
        return bool(connection.access_token or connection.refresh_token)

    forged = back.replace(question["state"], "x" * len(question["state"]))
    assert "belongs to no question of yours" in admin_client.get(forged, follow=True).content.decode()
    # And the true one is void by then: each question may be answered once.
    assert "belongs to no question of yours" in admin_client.get(back, follow=True).content.decode()
    assert not kept()
    assert "belongs to no question of yours" in admin_client.get(BACK, follow=True).content.decode()

    # Somebody else's browser, with the answer of this one.
    other = Client()
    other.force_login(User.objects.get(pk=admin_client.session["_auth_user_id"]))
    back = allowed(asked(admin_client, connection)["url"])
    assert "belongs to no question of yours" in other.get(back, follow=True).content.decode()
    assert not kept()

    # Too late.
    back = allowed(asked(admin_client, connection)["url"])
    session = admin_client.session
    session["crm-consent"] = session["crm-consent"] | {"asked_at": (timezone.now() - timedelta(minutes=16)).isoformat()}
    session.save()
    assert "came too late" in admin_client.get(back, follow=True).content.decode()
    assert not kept()

    refused = allowed(asked(admin_client, connection)["url"], "deny")
    assert "Nobody has allowed it" in admin_client.get(refused, follow=True).content.decode()
    assert not kept()


def test_a_code_that_somebody_else_redeems_is_worth_nothing(admin_client: Client, crm: SandboxServer) -> None:
    """PKCE: without the verifier of the one who asked, Salesforce gives no tokens."""
    connection = made(admin_client, "salesforce", crm)
    back = allowed(asked(admin_client, connection)["url"])
    session = admin_client.session
    session["crm-consent"] = session["crm-consent"] | {"verifier": "another"}
    session.save()
    assert "Connected to" not in admin_client.get(back, follow=True).content.decode()
    connection.refresh_from_db()
    assert not connection.refresh_token


def test_without_consent_nothing_is_asked_of_the_crm(admin_client: Client, crm: SandboxServer) -> None:
    connection = made(admin_client, "hubspot", crm)
    before = crm.dialect("hubspot").calls.shown()
    checked = check_connection(connection_id=connection.pk, at=timezone.now(), seed=1)
    assert "Press Connect" in checked.words
    assert crm.dialect("hubspot").calls.shown() == before
    open_connector(connection=connection).close()


def test_only_who_edits_connections_comes_back(admin_client: Client, crm: SandboxServer, sales_leader: User) -> None:
    connection = made(admin_client, "hubspot", crm)
    leader = Client()
    leader.force_login(sales_leader)
    assert leader.get(reverse("integrations:connection-consent", args=[connection.slug])).status_code == 404
