"""The rate limit must never cost a lead."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

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
