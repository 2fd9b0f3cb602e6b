"""What the capture endpoint takes and tidies: invisible signs, and what only says that there is nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from leads.models import Account, Campaign, Lead, Touchpoint
from tests.integrations.api.capture import body, post

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


@pytest.mark.parametrize(
    ("member", "given", "kept"),
    [
        ("first_name", "Ada\u202eByron", "AdaByron"),
        ("last_name", "\u200bByron\ufeff", "Byron"),
        ("company", "Analytical\nEngines\t Ltd", "Analytical Engines Ltd"),
        ("company", "-", ""),
        ("company", "N/A", ""),
        ("job_title", "NULL", ""),
        ("industry", "—", ""),
        ("postal_code", "n/a", ""),
        ("region", "(none)", ""),
        ("phone", "-", ""),
        ("phone", "+49 30 123\u202c45", "+49 30 12345"),
        ("country", "Germany", "DE"),
        ("country", "-", ""),
        ("last_name", "Null", "Null"),
    ],
)
def test_a_text_is_kept_as_people_meant_it(
    client: Client, key: dict[str, str], member: str, given: Any, kept: str
) -> None:
    response = post(client, key, body(**{member: given}))
    assert response.status_code == 201
    assert getattr(Lead.objects.get(), member) == kept


def test_no_account_is_made_of_a_dash(client: Client, key: dict[str, str]) -> None:
    response = post(client, key, body(email="ada@gmail.com", company="-"))
    assert response.status_code == 201
    assert not Account.objects.exists()


def test_the_campaign_of_a_tag_has_no_invisible_signs(client: Client, key: dict[str, str]) -> None:
    event = {**body()["event"], "utm": {"source": "google", "medium": "cpc", "campaign": "q4\u202e\u200b"}}
    response = post(client, key, body(event=event))
    assert response.status_code == 201
    assert Campaign.objects.get().name == "q4"
    assert Touchpoint.objects.get().utm_campaign == "q4"


def test_two_people_without_an_id_of_their_own_stay_two(client: Client, key: dict[str, str]) -> None:
    for email in ("ada@engines.example", "bob@engines.example"):
        assert post(client, key, body(email=email, external_id="-")).status_code == 201
    assert Lead.objects.count() == 2
