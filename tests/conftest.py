"""Fixtures every test may use. Facts come from factories; time is always given, never read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leads.models import Company, User
from tests.leads.factories import UserFactory

# A Saturday; the last whole ISO week before it is 2026-W46.
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def company(db: None) -> Company:
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
