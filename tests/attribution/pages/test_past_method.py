"""A method whose code has changed since a moment is refused in words, not computed by other code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from attribution.queries.past_credits import OtherMethod
from leads.models import Company, User

pytestmark = pytest.mark.django_db
WHY = "Linear was computed by version 1 of the model then."


@pytest.fixture(autouse=True)
def other_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any, **named: Any) -> None:
        raise OtherMethod(WHY)

    monkeypatch.setattr("attribution.figures.rows.ensure_credits", refuse)


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def test_a_page_says_so(company: Company, director: User, client: Client) -> None:
    client.force_login(director)
    answer = client.get("/attribution", {"as_of": today()}, follow=True)
    assert answer.status_code == 400
    assert WHY in answer.content.decode()
