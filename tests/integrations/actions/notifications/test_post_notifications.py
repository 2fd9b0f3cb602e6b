"""Messages in Slack and Teams, posted to a real server: once, again after trouble, and never anywhere else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from integrations.actions.notifications.post_notifications import post_notifications
from integrations.actions.notifications.set_destination import DestinationRefused, set_destination
from integrations.actions.notifications.watch_connections import watch_connections
from leads.actions.notifications.notify import notify
from leads.models import ChatDestination, Company, Notification, User
from tests.conftest import NOW
from tests.leads.factories import UserFactory

pytestmark = pytest.mark.django_db
State = Notification.State


class Chat:
    """What Slack or Teams would be: answers in order (the last one stays), and what was posted."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = [(200, {})]
        self.posted: list[tuple[str, Any]] = []
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                chat.posted.append((self.path, json.loads(body)))
                status, headers = chat.answers.pop(0) if len(chat.answers) > 1 else chat.answers[0]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/B0/s3cret"


@pytest.fixture
def chat() -> Iterator[Chat]:
    made = Chat()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def destination(chat: Chat, admin: User, kind: str = "slack", **more: Any) -> ChatDestination:
    asked = {"name": "#revenue", "kinds": ["weekly_report"], "url": chat.url, **more}
    return set_destination(by=admin, at=NOW, kind=kind, **asked)


def tell(key: str = "weekly_report:2026-W46", title: str = "Weekly report: week 46") -> None:
    notify(
        kind="weekly_report", key=key, title=title, text="Pipeline rose by 4%.", link="/reports/2026-W46", at=NOW, to=[]
    )


def test_slack_gets_the_message_once(chat: Chat, admin_user: User) -> None:
    row = destination(chat, admin_user)
    tell()
    assert post_notifications(at=NOW) == 1
    assert post_notifications(at=NOW + timedelta(hours=1)) == 0
    tell()
    assert post_notifications(at=NOW + timedelta(hours=2)) == 0
    link = "<http://127.0.0.1:8000/reports/2026-W46|Weekly report: week 46>"
    assert chat.posted == [("/services/T0/B0/s3cret", {"text": f"*Weekly report*: {link}\nPipeline rose by 4%."})]
    row.refresh_from_db()
    assert (row.posted_at, row.last_error) == (NOW, "")


def test_teams_gets_an_adaptive_card(chat: Chat, admin_user: User) -> None:
    chat.answers = [(202, {})]
    destination(chat, admin_user, "teams")
    tell()
    assert post_notifications(at=NOW) == 1
    message = chat.posted[0][1]
    assert message["type"] == "message"
    attachment = message["attachments"][0]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert [block["text"] for block in attachment["content"]["body"]] == [
        "Weekly report",
        "Weekly report: week 46",
        "Pipeline rose by 4%.",
    ]
    assert attachment["content"]["actions"][0]["url"] == "http://127.0.0.1:8000/reports/2026-W46"


@pytest.mark.parametrize("status", [500, 502, 503, 408])
def test_an_outage_is_tried_again(chat: Chat, admin_user: User, status: int) -> None:
    chat.answers = [(status, {}), (200, {})]
    destination(chat, admin_user)
    tell()
    assert post_notifications(at=NOW) == 0
    assert post_notifications(at=NOW + timedelta(seconds=59)) == 0
    assert post_notifications(at=NOW + timedelta(minutes=1)) == 1
    assert len(chat.posted) == 2


def test_a_limit_is_waited_for_as_long_as_asked(chat: Chat, admin_user: User) -> None:
    chat.answers = [(429, {"Retry-After": "600"}), (200, {})]
    destination(chat, admin_user)
    tell()
    post_notifications(at=NOW)
    assert post_notifications(at=NOW + timedelta(seconds=599)) == 0
    assert post_notifications(at=NOW + timedelta(seconds=600)) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 410, 302])
def test_a_webhook_that_is_gone_is_given_up_and_said(chat: Chat, admin_user: User, status: int) -> None:
    chat.answers = [(status, {})]
    row = destination(chat, admin_user)
    tell()
    post_notifications(at=NOW)
    assert post_notifications(at=NOW + timedelta(days=1)) == 0
    assert len(chat.posted) == 1
    assert Notification.objects.get().state == State.FAILED
    row.refresh_from_db()
    assert row.last_error == f"Slack answered {status}."


def test_a_server_that_is_away_is_tried_again_without_naming_the_secret(chat: Chat, admin_user: User) -> None:
    row = destination(chat, admin_user)
    # A socket that a thread still waits on goes on taking connections until the wait ends.
    chat.server.shutdown()
    chat.server.server_close()
    tell()
    post_notifications(at=NOW)
    row.refresh_from_db()
    assert Notification.objects.get().state == State.WAITING
    assert row.last_error == "No answer (unreachable)."


def test_a_stranger_mentions_nobody(chat: Chat, admin_user: User) -> None:
    destination(chat, admin_user)
    tell(title="<!channel> Ada & Co|x")
    post_notifications(at=NOW)
    assert "<!channel>" not in chat.posted[0][1]["text"]
    assert "&lt;!channel&gt; Ada &amp; Co" in chat.posted[0][1]["text"]


def test_the_address_is_encrypted_at_rest(chat: Chat, admin_user: User) -> None:
    row = destination(chat, admin_user)
    with connection.cursor() as cursor:
        cursor.execute("SELECT url FROM leads_chatdestination WHERE id = %s", [row.pk])
        stored = cursor.fetchone()[0]
    assert "s3cret" not in stored
    assert row.url == chat.url


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("slack", "https://evil.example/services/x"),
        ("slack", "http://hooks.slack.com/services/x"),
        ("teams", "https://hooks.slack.com/services/x"),
        ("teams", "https://169.254.169.254/latest"),
        ("slack", ""),
    ],
)
def test_only_slack_and_teams_are_posted_to(admin_user: User, kind: str, url: str) -> None:
    with pytest.raises(DestinationRefused):
        set_destination(by=admin_user, at=NOW, name="x", kind=kind, url=url, kinds=[])


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("slack", "https://hooks.slack.com/services/T0/B0/x"),
        ("teams", "https://prod-12.westus.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?sig=x"),
        ("teams", "https://default0.1.environment.api.powerplatform.com/powerautomate/automations/direct/w?sig=x"),
    ],
)
def test_addresses_of_both_are_kept(admin_user: User, kind: str, url: str) -> None:
    assert set_destination(by=admin_user, at=NOW, name="x", kind=kind, url=url, kinds=[]).url == url


def test_an_admin_adds_tests_changes_and_removes_a_channel(client: Client, chat: Chat, admin_user: User) -> None:
    client.force_login(admin_user)
    form = {"name": "#revenue", "kind": "slack", "url": chat.url, "kinds": ["weekly_report"], "is_active": "on"}
    assert client.post(reverse("integrations:chat-destination-add"), form).status_code == 302
    row = ChatDestination.objects.get()
    answer = client.post(reverse("integrations:chat-destination-test", args=[row.public_id]), follow=True)
    assert "Posted to #revenue." in answer.content.decode()
    assert "Test message" in chat.posted[0][1]["text"]
    page = reverse("integrations:chat-destination", args=[row.public_id])
    assert "s3cret" not in client.get(page).content.decode()
    assert client.post(page, {**form, "url": "", "name": "#sales"}).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.url) == ("#sales", chat.url)
    chat.answers = [(404, {})]
    answer = client.post(reverse("integrations:chat-destination-test", args=[row.public_id]), follow=True)
    assert "Slack answered 404." in answer.content.decode()
    client.post(reverse("integrations:chat-destination-remove", args=[row.public_id]))
    assert not ChatDestination.objects.exists()


def test_others_set_up_nothing(client: Client, chat: Chat, admin_user: User, director: User) -> None:
    row = destination(chat, admin_user)
    client.force_login(director)
    for name in ("chat-destination-test", "chat-destination-remove"):
        assert client.post(reverse(f"integrations:{name}", args=[row.public_id])).status_code == 403
    assert client.get(reverse("integrations:chat-destination", args=[row.public_id])).status_code == 403


def test_a_connection_in_trouble_is_told_once_however_long_it_lasts(sales_leader: User, rep: User) -> None:
    from integrations.models import Connection

    Connection.objects.create(
        slug="crm", name="HubSpot", kind="hubspot", base_url="https://api.hubapi.com", created_at=NOW,
        health=Connection.Health.FAILING, health_note="The token is refused.", failures=3,
        failing_since=NOW - timedelta(hours=2),
        paused_until=NOW + timedelta(hours=6),
    )  # fmt: skip
    Connection.objects.create(
        slug="other", name="Other", kind="hubspot", base_url="https://api.hubapi.com", created_at=NOW,
        health=Connection.Health.FAILING, failures=1, paused_until=NOW + timedelta(minutes=1),
    )  # fmt: skip
    UserFactory(role="admin")
    watch_connections(at=NOW)
    watch_connections(at=NOW + timedelta(hours=1))
    watch_connections(at=NOW + timedelta(days=6))
    since = (NOW - timedelta(hours=2)).astimezone(Company.current().tz)
    text = f"It has not worked since {since:%b %-d, %H:%M}. The token is refused."
    told = Notification.objects.visible_to(sales_leader)
    assert list(told.values_list("title", "text")) == [("HubSpot needs attention", text)]
    # It worked in between: another time of trouble is told again.
    Connection.objects.filter(slug="crm").update(failing_since=NOW + timedelta(days=7))
    watch_connections(at=NOW + timedelta(days=7, hours=1))
    assert told.count() == 2
    assert not Notification.objects.filter(recipient=rep).exists()
