"""One campaign's page, and the list of runs."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from leads.models import Company, Opportunity, User
from tests.attribution.factories import company_with_deals, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
PERIOD = "method=linear&basis=simple&from=2026-09-01&to=2026-11-15"


def test_a_campaign_shows_weeks_deals_and_leads(client: Client, director: User) -> None:
    made = company_with_deals()
    run()
    client.force_login(director)
    text = client.get(f"/attribution/campaigns/{made['social'].public_id}?{PERIOD}").content.decode()
    assert "Attributed revenue and cost by week" in text
    assert made["won"].name in text
    assert made["open"].name in text
    assert made["lost"].name not in text
    assert f"/attribution/journeys/{made['won'].public_id}" in text
    programme = client.get(f"/attribution/campaigns/{made['programme'].public_id}?{PERIOD}").content.decode()
    assert "Its campaigns" in programme
    assert made["won"].name in programme
    assert client.get(f"/attribution/campaigns/{uuid4()}").status_code == 404
    assert client.get(f"/attribution/campaigns/{made['social'].public_id}?method=magic").status_code == 400


def test_runs_tell_what_moved(client: Client, director: User) -> None:
    client.force_login(director)
    assert "No runs yet" in client.get("/attribution/runs").content.decode()
    made = company_with_deals()
    run(reason="first of all")
    Opportunity.objects.filter(pk=made["won"].pk).update(reporting_cents=200_001)
    run(reason="a larger deal")
    run(reason="nothing new")
    Company.objects.update(look_back_days=10)
    run(reason="shorter look-back")
    text = " ".join(client.get("/attribution/runs").content.decode().split())
    assert "first of all" in text
    assert "1 amounts" in text
    assert "8 other rules" in text
    assert "nothing new" not in text
    assert "nothing new" in client.get("/attribution/runs?all=1").content.decode()
