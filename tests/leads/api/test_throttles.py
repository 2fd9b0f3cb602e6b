"""The rate limit must never cost a lead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from leads.api.throttles import KeyThrottle
from tests.conftest import NOW
from tests.leads.api.keys import make_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def test_requests_are_counted(client: Client) -> None:
    assert "RateLimit-Remaining" in client.get("/api/v1/leads", headers=make_key("leads:read")[1])


def test_requests_are_counted_by_the_process_while_the_broker_is_away(client: Client, settings: Any) -> None:
    key = make_key("leads:read")[1]
    settings.CACHES = {"default": {"BACKEND": "config.cache.SharedOrOwn", "LOCATION": "redis://127.0.0.1:1"}}
    left = []
    for _ in range(2):
        response = client.get("/api/v1/leads", headers=key)
        assert response.status_code == 200
        left.append(int(response["RateLimit-Remaining"]))
    assert left[1] == left[0] - 1


def test_the_rate_of_a_key_ends_with_its_span(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyThrottle, "get_rate", lambda self: "3/min")
    key, other = make_key("leads:read")[1], make_key("leads:read")[1]
    with time_machine.travel(NOW, tick=False):
        answers = [client.get("/api/v1/leads", headers=key) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert int(answers[3].headers["Retry-After"]) >= 60
        assert client.get("/api/v1/leads", headers=other).status_code == 200
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        assert client.get("/api/v1/leads", headers=key).status_code == 200


def test_a_process_takes_a_hundredth_of_the_rate_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyThrottle, "get_rate", lambda self: "500/min")
    key = make_key("leads:read")[1]
    asked: list[int] = []
    take = KeyThrottle._take

    def counted(self: KeyThrottle, name: str, size: int) -> int:
        asked.append(size)
        return take(self, name, size)

    monkeypatch.setattr(KeyThrottle, "_take", counted)
    with time_machine.travel(NOW, tick=False):
        left = [int(client.get("/api/v1/leads", headers=key).headers["RateLimit-Remaining"]) for _ in range(6)]
    assert left == [499, 498, 497, 496, 495, 494]
    assert asked == [5, 5]
