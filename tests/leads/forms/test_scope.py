"""What a figure may be asked for, at the ends of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leads.forms.scope import ScopeForm
from leads.models import Company

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("from", "0001-W01"),
        ("to", "9999-W52"),
        ("week", "9999-W52"),
        ("week", "2026-W60"),
        ("from", "0001-01-01"),
        ("to", "9999-12-31"),
    ],
)
def test_days_without_neighbors_are_refused_by_name(company: Company, name: str, text: str) -> None:
    form = ScopeForm({name: text}, company=company, at=AT)
    assert not form.is_valid()
    assert list(form.errors) == [name]
