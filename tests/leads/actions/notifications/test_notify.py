"""Who is told, by which channel, and that nobody is told twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core import mail

from leads.actions.notifications.choose import choose
from leads.actions.notifications.deliver import send_emails
from leads.actions.notifications.notify import notify
from leads.models import ChatDestination, Company, Notification, NotificationPreference, User
from tests.conftest import NOW
from tests.leads.factories import UserFactory

pytestmark = pytest.mark.django_db
State = Notification.State


def tell(*people: User, kind: str = "lead_assigned", key: str = "lead_assigned:1", at: datetime = NOW) -> int:
    return notify(kind=kind, key=key, title="New lead: Ada", text="Next in turn", link="/leads", to=people, at=at)


def channels(user: User) -> list[str]:
    return sorted(Notification.objects.filter(recipient=user).values_list("channel", flat=True))


def test_a_person_is_told_in_the_portal_and_by_email(rep: User) -> None:
    assert tell(rep) == 2
    assert channels(rep) == ["email", "portal"]


def test_nobody_is_told_the_same_twice(rep: User, sales_leader: User) -> None:
    tell(rep)
    assert tell(rep, at=NOW + timedelta(hours=1)) == 0
    assert tell(rep, sales_leader, at=NOW + timedelta(hours=1)) == 2
    assert channels(rep) == ["email", "portal"]
    assert tell(rep, key="lead_assigned:2") == 2


def test_what_a_person_switched_off_is_not_written(rep: User) -> None:
    choose(user=rep, choices={("lead_assigned", "email"): False, ("lead_assigned", "portal"): False}, at=NOW)
    assert tell(rep) == 0


def test_what_a_kind_does_not_mail_by_itself_is_mailed_on_request(rep: User) -> None:
    tell(rep, kind="follow_up_overdue", key="1")
    assert channels(rep) == ["portal"]
    choose(user=rep, choices={("follow_up_overdue", "email"): True}, at=NOW)
    tell(rep, kind="follow_up_overdue", key="2")
    assert channels(rep) == ["email", "portal", "portal"]


def test_a_kind_of_other_roles_reaches_nobody_unasked(rep: User) -> None:
    assert tell(rep, kind="connection_trouble", key="1") == 0


def test_people_who_left_are_told_nothing() -> None:
    assert tell(UserFactory(is_active=False)) == 0


def test_a_chat_channel_gets_the_kinds_it_asked_for(rep: User) -> None:
    wants = ChatDestination.objects.create(
        name="#sales", kind="slack", url="https://x", kinds=["lead_assigned"], created_at=NOW
    )
    ChatDestination.objects.create(name="#ops", kind="teams", url="https://x", kinds=["weekly_report"], created_at=NOW)
    ChatDestination.objects.create(
        name="#off", kind="slack", url="https://x", kinds=["lead_assigned"], is_active=False, created_at=NOW
    )
    tell(rep)
    tell(rep)
    posted = Notification.objects.get(destination__isnull=False)
    assert (posted.destination, posted.channel, posted.recipient) == (wants, "slack", None)


def test_choosing_again_replaces_the_choice(rep: User) -> None:
    choose(user=rep, choices={("lead_assigned", "email"): False}, at=NOW)
    choose(user=rep, choices={("lead_assigned", "email"): True}, at=NOW + timedelta(hours=1))
    row = NotificationPreference.objects.get()
    assert (row.is_on, row.changed_at) == (True, NOW + timedelta(hours=1))


def test_a_mail_goes_out_once_with_its_way_out(company: Company, rep: User) -> None:
    tell(rep)
    assert send_emails(at=NOW) == 1
    assert send_emails(at=NOW + timedelta(hours=1)) == 0
    message = mail.outbox[0]
    assert (message.to, message.subject) == ([rep.email], "New lead: Ada")
    assert "http://127.0.0.1:8000/leads" in message.body
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = message.extra_headers["List-Unsubscribe"].strip("<>")
    assert link in message.body
    assert link.startswith("http://127.0.0.1:8000/unsubscribe/")


def test_a_mail_server_that_is_down_is_tried_with_growing_pauses(
    company: Company, rep: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object) -> int:
        raise ConnectionRefusedError

    tell(rep)
    with monkeypatch.context() as down:
        down.setattr("leads.actions.notifications.deliver.EmailMultiAlternatives.send", refuse)
        at = NOW
        for tries, minutes in enumerate((0, 1, 5, 20, 60, 240, 720)):
            at += timedelta(minutes=minutes)
            assert send_emails(at=at - timedelta(seconds=1)) == 0
            row = Notification.objects.get(channel="email")
            assert row.attempts == tries
            send_emails(at=at)
    row = Notification.objects.get(channel="email")
    assert (row.state, row.attempts, row.last_error) == (State.FAILED, 7, "ConnectionRefusedError")
    assert send_emails(at=at + timedelta(days=1)) == 0
    assert mail.outbox == []


def test_a_worker_that_died_while_sending_is_taken_over(company: Company, rep: User) -> None:
    tell(rep)
    Notification.objects.filter(channel="email").update(not_before=NOW + timedelta(minutes=10), attempts=1)
    assert send_emails(at=NOW + timedelta(minutes=9)) == 0
    assert send_emails(at=NOW + timedelta(minutes=10)) == 1
