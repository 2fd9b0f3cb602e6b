"""Deliveries to a real server: signed, tried again under the same id, given up in the end, and never sent inside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection

from integrations.actions.outgoing.deliver_webhooks import LEASE, deliver_now, deliver_webhooks
from integrations.actions.outgoing.set_endpoint import set_endpoint
from integrations.actions.outgoing.watch_endpoints import watch_endpoints
from leads.actions.webhooks.record_events import News, record_event
from leads.actions.webhooks.replay_deliveries import replay_delivery
from leads.actions.webhooks.save_endpoint import EndpointRefused, rotate_secret, send_test, switch_endpoint
from leads.models import Notification, User, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from leads.pure.webhooks import EVENTS, PATIENCE, PAUSES, TROUBLE
from tests.conftest import NOW
from tests.integrations.actions.outgoing.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db
State = WebhookDelivery.State
RANDOM = b"canary-of-a-secret-5d1a9"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def endpoint(url: str, by: User, name: str = "Warehouse") -> WebhookEndpoint:
    return set_endpoint(name=name, url=url, events=[*EVENTS], random=RANDOM, by=by, at=NOW)


def tell(key: str = "1") -> None:
    news = News(kind="lead.captured", key=key, occurred_at=NOW, data={"lead": {"first_name": "Änne"}})
    record_event(news=news, at=NOW)


def deliver(at: datetime = NOW) -> int:
    return deliver_webhooks(clock=lambda: at, chance=lambda: 1.0)


def states() -> list[str]:
    return list(WebhookDelivery.objects.order_by("pk").values_list("state", flat=True))


def test_an_event_arrives_signed_and_once(receiver: Receiver, admin_user: User) -> None:
    row = endpoint(receiver.url, admin_user)
    tell()
    assert [deliver(), deliver()] == [1, 0]
    assert receiver.verified(row.secret) == [True]
    (headers, _), (body,) = receiver.posted[0], receiver.bodies
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert headers["content-type"] == "application/json"
    assert body["data"] == {"lead": {"first_name": "Änne"}}
    attempt = WebhookAttempt.objects.get()
    assert (attempt.status, attempt.answer) == (200, "thanks")
    assert states() == [State.DELIVERED]


def test_both_secrets_sign_while_a_rotation_lasts(receiver: Receiver, admin_user: User) -> None:
    row = endpoint(receiver.url, admin_user)
    before = row.secret
    after = rotate_secret(endpoint=row, random=b"n" * 32, by=admin_user, at=NOW).secret
    tell("1")
    deliver()
    tell("2")
    deliver(NOW + timedelta(hours=25))
    assert receiver.verified(after) == [True, True]
    assert receiver.verified(before) == [True, False]


def test_what_failed_is_tried_again_under_its_id_until_it_is_given_up(admin_user: User) -> None:
    with receiving((500, {})) as receiver:
        endpoint(receiver.url, admin_user)
        tell()
        at = NOW
        for pause in PAUSES[:3]:
            assert deliver(at) == 0
            assert deliver(at + pause - timedelta(milliseconds=1)) == 0
            at += pause
        assert len(receiver.posted) == 3
        assert len(set(receiver.ids)) == 1
        WebhookDelivery.objects.update(tries=len(PAUSES))
        deliver(at)
    assert states() == [State.FAILED]
    assert WebhookAttempt.objects.filter(status=500).count() == 4


def test_a_receiver_may_ask_for_a_longer_pause(admin_user: User) -> None:
    with receiving((429, {"Retry-After": "3600"}), (200, {})) as receiver:
        endpoint(receiver.url, admin_user)
        tell()
        deliver()
        assert deliver(NOW + timedelta(minutes=59)) == 0
        assert deliver(NOW + timedelta(minutes=60)) == 1
        assert len(receiver.posted) == 2


def test_one_that_fails_keeps_no_other_waiting(receiver: Receiver, admin_user: User) -> None:
    with receiving((503, {})) as broken:
        endpoint(broken.url, admin_user, "Broken")
        endpoint(receiver.url, admin_user)
        for key in "123":
            tell(key)
        assert deliver() == 3
        assert len(broken.posted) == 1
        assert len(receiver.posted) == 3


def test_a_worker_that_dies_after_the_post_loses_nothing(receiver: Receiver, admin_user: User) -> None:
    """The control: the answer is never noted, as after kill -9; the claim ends, and the event comes again as itself."""
    row = endpoint(receiver.url, admin_user)
    tell()

    class Killed(BaseException):
        pass

    def die() -> float:
        raise Killed

    with pytest.raises(Killed):
        deliver_webhooks(clock=lambda: NOW, chance=die)
    assert states() == [State.WAITING]
    assert deliver(NOW + LEASE - timedelta(seconds=1)) == 0
    assert deliver(NOW + LEASE) == 1
    assert len(receiver.posted) == 2
    assert len(set(receiver.ids)) == 1
    assert receiver.verified(row.secret) == [True, True]


def test_a_replay_has_the_same_id_and_text(receiver: Receiver, admin_user: User) -> None:
    endpoint(receiver.url, admin_user)
    tell()
    deliver()
    replay_delivery(delivery=WebhookDelivery.objects.get(), by=admin_user, at=NOW + timedelta(days=1))
    assert deliver(NOW + timedelta(days=1)) == 1
    assert receiver.ids[0] == receiver.ids[1]
    assert receiver.posted[0][1] == receiver.posted[1][1]


def test_gone_switches_an_endpoint_off_and_admins_are_told(admin_user: User) -> None:
    with receiving((410, {})) as receiver:
        row = endpoint(receiver.url, admin_user)
        tell()
        deliver()
    row.refresh_from_db()
    assert not row.is_active
    assert [watch_endpoints(at=NOW), watch_endpoints(at=NOW + timedelta(days=1))] == [2, 0]
    assert Notification.objects.filter(channel="portal").get().title == "Webhook Warehouse was switched off"


def test_one_that_fails_for_days_is_switched_off_and_may_come_back(admin_user: User) -> None:
    with receiving((500, {})) as receiver:
        row = endpoint(receiver.url, admin_user)
        tell()
        deliver()
        assert watch_endpoints(at=NOW + TROUBLE - timedelta(seconds=1)) == 0
        assert watch_endpoints(at=NOW + TROUBLE) == 2
        deliver(NOW + PATIENCE)
        row.refresh_from_db()
        assert row.disabled_because == "Nothing was taken for three days."
        receiver.answers = [(200, {})]
        at = NOW + PATIENCE + timedelta(hours=1)
        assert deliver(at) == 0
        switch_endpoint(endpoint=row, is_active=True, by=admin_user, at=at)
        assert deliver(at) == 1
    row.refresh_from_db()
    assert row.failing_since is None


def test_a_test_event_is_answered_at_once(receiver: Receiver, admin_user: User) -> None:
    delivery = send_test(endpoint=endpoint(receiver.url, admin_user), key="k", by=admin_user, at=NOW)
    posted = deliver_now(delivery=delivery, clock=lambda: NOW, chance=0.5)
    assert posted is not None
    assert posted.status == 200
    assert receiver.bodies[0]["type"] == "test"
    assert states() == [State.DELIVERED]


def test_redirects_are_not_followed(receiver: Receiver, admin_user: User) -> None:
    with receiving((307, {"Location": receiver.url})) as elsewhere:
        endpoint(elsewhere.url, admin_user)
        tell()
        assert deliver() == 0
    assert receiver.posted == []
    assert WebhookAttempt.objects.get().status == 307


@pytest.mark.parametrize(
    "url",
    [
        "http://warehouse.example/hooks", "https://10.0.0.1/", "https://[fd00::1]/", "https://169.254.169.254/latest",
        "https://router.local/",
        "https://2130706433/", "https://0x7f000001/", "https://user:x@warehouse.example/", "https://warehouse.example:22/",
        "file:///etc/passwd",
        "https://warehouse", "https://db.internal/", "//warehouse.example", "", "https://127.0.0.1.0x1/",
    ],
)  # fmt: skip
def test_no_address_inside_is_kept(admin_user: User, url: str) -> None:
    with pytest.raises(EndpointRefused) as caught:
        endpoint(url, admin_user)
    assert caught.value.field == "url"
    assert WebhookEndpoint.objects.count() == 0


def test_no_secret_is_stored_in_clear_or_logged(
    receiver: Receiver, admin_user: User, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.answers = [(500, {})]
    row = endpoint(receiver.url, admin_user)
    tell()
    deliver()
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM leads_webhookendpoint")
        stored = cursor.fetchone()[0]
    attempt = WebhookAttempt.objects.get()
    captured = capsys.readouterr()
    for text in (stored, str(attempt.headers), attempt.answer, captured.out, captured.err):
        assert row.secret not in text
        assert "v1," not in text
