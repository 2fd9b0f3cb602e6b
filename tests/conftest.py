"""Fixtures every test may use. Facts come from factories; time is always given, never read."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from hypothesis import HealthCheck, settings
from pytest_django.plugin import blocking_manager_key

from leads.models import Company, User
from leads.past.acting import backdated
from tests.leads.factories import UserFactory

# How long an example takes is said by the machine, and by who else is at work on it, not by the code under test.
settings.register_profile("portal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("portal")

# A Saturday; the last whole ISO week before it is 2026-W46.
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """A test with real transactions ends with a flush, which also takes what the migrations wrote: put it back.

    Otherwise whatever runs next in the same process finds no company, channels or stages. A fixture would come too
    early: the flush is the last thing the database fixture does. After the last test the database itself is gone.
    """
    yield
    marker = item.get_closest_marker("django_db")
    if nextitem and marker and marker.kwargs.get("transaction"):
        # Backdated: it was there before anything that tests write, whatever clock they go by.
        with item.config.stash[blocking_manager_key].unblock(), backdated(datetime.fromtimestamp(0, UTC)):
            # The flush ends like a migration: with content types and permissions, but under ids of their own.
            Permission.objects.all().delete()
            ContentType.objects.all().delete()
            ContentType.objects.clear_cache()
            connection.creation.deserialize_db_from_string(connection._test_serialized_contents)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def company(db: None) -> Company:
    # Always so: pages of the past read the company as it was, too.
    with backdated(datetime(2026, 1, 1, tzinfo=UTC)):
        Company.objects.filter(pk=1).update(name="Test company", time_zone="Europe/Berlin", currency="EUR")
    return Company.current()


@pytest.fixture
def admin_user(db: None) -> User:
    return UserFactory(role="admin", is_staff=True, is_superuser=True)


@pytest.fixture
def director(db: None) -> User:
    return UserFactory(role="marketing_director")


@pytest.fixture
def sales_leader(db: None) -> User:
    return UserFactory(role="sales_leader")


@pytest.fixture
def rep(db: None) -> User:
    return UserFactory(role="sales_rep")
