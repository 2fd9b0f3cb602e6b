"""The journey page: positions, credits by method, and the touches left out with their reasons."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from leads.models import Opportunity, User
from tests.attribution.factories import company_with_deals, run, touched

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


@pytest.fixture
def made() -> dict[str, Any]:
    made = company_with_deals()
    touched(made["ada"], made["mail"], 41)
    touched(made["ada"], made["mail"], -200)
    run()
    return made


def text(client: Client, deal: Opportunity, more: str = "") -> str:
    answer = client.get(f"/attribution/journeys/{deal.public_id}{more}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_a_journey_shows_positions_credits_and_reasons(client: Client, director: User, made: dict[str, Any]) -> None:
    client.force_login(director)
    shown = text(client, made["won"])
    for badge in ("FT", "LC", "OC", "CW"):
        assert f">{badge}<" in shown
    assert "€250.01" in shown
    assert "€250.00" in shown
    assert "25.0%" in shown
    assert "it came after the close" in shown
    assert "older than the look-back" in shown
    assert "a machine made it" in text(client, made["dollars"])
    assert "First touch" in text(client, made["won"], "?method=first_touch")
    assert text(client, made["won"], "?method=no_such_method")


def test_what_no_touch_earned_is_shown(client: Client, director: User, made: dict[str, Any]) -> None:
    client.force_login(director)
    shown = text(client, made["untouched"])
    assert "No touchpoints" in shown
    assert "Unattributed" in shown
    assert "Amount not known in the company currency" in text(client, made["unknown"])


def test_the_fragment_has_no_page_around_it(client: Client, director: User, made: dict[str, Any]) -> None:
    client.force_login(director)
    shown = text(client, made["won"], "/fragment")
    assert 'id="journey"' in shown
    assert "<html" not in shown


def test_news_since_the_last_run_is_admitted(client: Client, director: User, made: dict[str, Any]) -> None:
    client.force_login(director)
    assert "after the last run" not in text(client, made["won"])
    touched(made["ada"], made["social"], 7)
    assert "after the last run" in text(client, made["won"])


def test_reps_see_the_journeys_of_their_own_deals_only(client: Client, rep: User, made: dict[str, Any]) -> None:
    client.force_login(rep)
    Opportunity.objects.filter(pk=made["won"].pk).update(owner=rep)
    assert text(client, made["won"])
    assert text(client, made["won"], "/fragment")
    for more in ("", "/fragment"):
        assert client.get(f"/attribution/journeys/{made['repeat'].public_id}{more}").status_code == 404
