"""The rate limit must never cost a lead."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.leads.api.keys import make_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def test_requests_are_counted(client: Client) -> None:
    assert "RateLimit-Remaining" in client.get("/api/v1/leads", headers=make_key("leads:read")[1])


def test_requests_pass_uncounted_while_the_broker_is_away(client: Client, settings: Any) -> None:
    key = make_key("leads:read")[1]
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    response = client.get("/api/v1/leads", headers=key)
    assert response.status_code == 200
    assert "RateLimit-Remaining" not in response
