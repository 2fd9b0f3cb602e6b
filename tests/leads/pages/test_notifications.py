"""The bell, the list, the preferences and the way out of e-mails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from leads.actions.notifications.notify import notify
from leads.actions.notifications.unsubscribe import unsubscribe_url
from leads.models import Notification, NotificationPreference, User
from leads.queries.notifications import preferences_of
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, rep: User) -> Client:
    client.force_login(rep)
    return client


def tell(user: User, number: int = 1, link: str = "/leads") -> Notification:
    at = NOW + timedelta(minutes=number)
    notify(kind="lead_assigned", key=f"k{number}", title=f"Lead {number}", link=link, to=[user], at=at)
    return Notification.objects.visible_to(user).get(key=f"k{number}")


def test_the_bell_counts_what_is_unread(signed_in: Client, rep: User, sales_leader: User) -> None:
    tell(rep, 1)
    tell(rep, 2)
    tell(sales_leader, 3)
    assert ">2<" in signed_in.get(reverse("leads:notification-count")).content.decode()
    Notification.objects.update(read_at=NOW)
    assert "badge" not in signed_in.get(reverse("leads:notification-count")).content.decode()


def test_the_list_is_the_newest_first_and_ones_own(signed_in: Client, rep: User, sales_leader: User) -> None:
    for number in (1, 2):
        tell(rep, number)
    tell(sales_leader, 3)
    page = signed_in.get(reverse("leads:notifications")).context["page"]
    assert [row.title for row in page] == ["Lead 2", "Lead 1"]


def test_opening_one_marks_it_read_and_leads_there(signed_in: Client, rep: User) -> None:
    row = tell(rep)
    answer = signed_in.post(reverse("leads:notification-open", args=[row.public_id]))
    assert answer.headers["Location"] == "/leads"
    row.refresh_from_db()
    assert row.read_at is not None
    assert not signed_in.get(reverse("leads:notifications") + "?show=unread").context["page"].object_list


def test_nobody_opens_what_is_told_to_others(signed_in: Client, sales_leader: User) -> None:
    row = tell(sales_leader)
    assert signed_in.post(reverse("leads:notification-open", args=[row.public_id])).status_code == 404


@pytest.mark.parametrize("link", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_a_notification_leads_nowhere_else(signed_in: Client, rep: User, link: str) -> None:
    row = tell(rep, link=link)
    assert signed_in.post(reverse("leads:notification-open", args=[row.public_id])).status_code == 404


def test_all_are_marked_read(signed_in: Client, rep: User) -> None:
    tell(rep, 1)
    tell(rep, 2)
    answer = signed_in.post(reverse("leads:notifications-read"), follow=True)
    assert "2 marked as read." in answer.content.decode()
    assert not Notification.objects.visible_to(rep).unread().exists()


def test_preferences_are_kept_by_kind_and_channel(signed_in: Client, rep: User) -> None:
    url = reverse("leads:notification-preferences")
    page = signed_in.get(url).content.decode()
    assert "Weekly report" not in page
    signed_in.post(url, {"lead_assigned:portal": "on", "follow_up_overdue:email": "on"})
    chosen = {kind.key: on for kind, on in preferences_of(rep)}
    assert chosen["lead_assigned"] == {"portal": True, "email": False}
    assert chosen["follow_up_overdue"] == {"portal": False, "email": True}


def token_of(user: User) -> str:
    return unsubscribe_url(user=user, kind="lead_assigned").rpartition("/")[2]


def test_one_click_ends_a_kind_without_signing_in(rep: User) -> None:
    """As mail programs do it: a POST without cookies, CSRF checked."""
    url = reverse("leads:unsubscribe", args=[token_of(rep)])
    program = Client(enforce_csrf_checks=True)
    assert program.get(url).status_code == 200
    assert not NotificationPreference.objects.exists()
    assert program.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    row = NotificationPreference.objects.get()
    assert (row.user, row.kind, row.channel, row.is_on) == (rep, "lead_assigned", "email", False)


@pytest.mark.parametrize("change", ["x", ":", "A"])
def test_a_link_that_was_tampered_with_does_nothing(rep: User, change: str) -> None:
    url = reverse("leads:unsubscribe", args=[token_of(rep) + change])
    assert Client().post(url).status_code == 404
    assert not NotificationPreference.objects.exists()
