"""Sign-in, pages and limits while the shared cache's server is away: a real server, stopped and started again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from structlog.testing import capture_logs

from config.dev import processes
from leads.models import JobRun, User
from leads.views import channel_rules
from tests import services

PASSWORD = "correct horse battery"


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="portal-cache-", dir="/tmp"))  # the path of a socket must be short
    yield made
    shutil.rmtree(made)


def try_to_sign_in(email: str, password: str) -> str:
    """Where it leads, or the errors of the form."""
    answer = Client().post(reverse("account_login"), {"login": email, "password": password})
    return answer["Location"] if answer.status_code == 302 else " ".join(answer.context["form"].non_field_errors())


@pytest.mark.django_db
def test_the_server_of_the_cache_goes_and_comes_back(
    folder: Path, settings: Settings, admin_user: User, now: datetime
) -> None:
    admin_user.set_password(PASSWORD)
    admin_user.save()
    server, address = services.start_broker(folder)
    settings.CACHES = {"default": {"BACKEND": "config.cache.SharedOrOwn", "LOCATION": address}}
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/5m/key"}
    client = Client()
    client.force_login(admin_user)
    JobRun.objects.create(kind=channel_rules.KIND, period="now", created_at=now)
    try:
        assert "not correct" in try_to_sign_in("somebody@example.com", "guess")
        assert client.get("/readyz").json()["broker"] == "ok"
        assert b"queue away" not in client.get(reverse("leads:channel-rules-progress")).content
    finally:
        processes.stop([server], seconds=5)

    with capture_logs() as logs:
        assert "not correct" in try_to_sign_in("somebody@example.com", "guess")
        answers = [try_to_sign_in("somebody@example.com", "guess") for _ in range(3)]
        assert "Too many failed login attempts" in answers[-1]
        assert try_to_sign_in(admin_user.email, PASSWORD) == reverse("home")
        assert client.get(reverse("leads:lead-list")).status_code == 200
        assert b"queue away" in client.get(reverse("leads:channel-rules-progress")).content
        ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["broker"]) == (503, "ConnectionError")
    assert [entry["log_level"] for entry in logs if entry["event"] == "shared_cache_away"] == ["warning"]

    caches["default"]._outage.ask_again_at = 0.0
    shutil.rmtree(folder / "valkey")
    server, _ = services.start_broker(folder)
    try:
        assert b"queue away" not in client.get(reverse("leads:channel-rules-progress")).content
        assert client.get("/readyz").json()["broker"] == "ok"
    finally:
        processes.stop([server], seconds=5)
