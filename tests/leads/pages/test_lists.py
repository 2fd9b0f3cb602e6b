"""Lists of opportunities, accounts, campaigns and touchpoints: rows of a person, filters, order, views, files."""

from __future__ import annotations

import pytest
from django.test import Client

from leads.models import SavedView, User
from tests.leads.factories import (
    AccountFactory,
    CampaignFactory,
    LeadFactory,
    OpportunityFactory,
    TouchpointFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
LISTS = ("opportunities", "accounts", "campaigns", "touchpoints")


def lines(client: Client, path: str) -> list[str]:
    text = client.get(path).content.decode("utf-8-sig")
    return [line.split(",")[0] for line in text.splitlines()[1:]]


def test_opportunities_filter_sort_and_export(client: Client, director: User) -> None:
    client.force_login(director)
    OpportunityFactory(name="Small", amount_cents=100, reporting_cents=100, account=AccountFactory(name="Engines"))
    OpportunityFactory(name="Large", amount_cents=900, reporting_cents=900)
    OpportunityFactory(name="Unknown", amount_cents=None, reporting_cents=None)
    assert lines(client, "/opportunities?sort=-reporting_cents&export=csv") == ["Large", "Small", "Unknown"]
    assert lines(client, "/opportunities?sort=reporting_cents&export=csv") == ["Small", "Large", "Unknown"]
    assert lines(client, "/opportunities?q=engines&export=csv") == ["Small"]
    html = client.get("/opportunities?q=engines").content.decode()
    assert "€1.00" in html
    assert "Large" not in html
    assert client.get("/opportunities?status=sold").status_code == 400


def test_reps_see_their_own(client: Client, rep: User) -> None:
    client.force_login(rep)
    OpportunityFactory(name="Mine", owner=rep)
    OpportunityFactory(name="Other", owner=UserFactory())
    assert lines(client, "/opportunities?export=csv") == ["Mine"]
    owned, led = AccountFactory(name="Owned", owner=rep), AccountFactory(name="Led")
    AccountFactory(name="Foreign")
    LeadFactory.create_batch(2, owner=rep, account=led)
    assert lines(client, "/accounts?export=csv") == ["Led", "Owned"]
    assert owned.owner == rep
    for path in ("/campaigns", "/touchpoints"):
        assert client.get(path).status_code == 403


def test_campaigns_and_touchpoints(client: Client, director: User) -> None:
    client.force_login(director)
    campaign = CampaignFactory(name="Webinar", budget_cents=12345, currency="EUR")
    assert lines(client, "/campaigns?channel=paid-search&export=csv") == ["Webinar"]
    assert "€123.45" in client.get("/campaigns").content.decode()
    TouchpointFactory(campaign=campaign, name="Ordinary contact")
    TouchpointFactory(campaign=campaign, name="Machine", exclusion="scanner")
    html = client.get(f"/touchpoints?campaign={campaign.public_id}&counted=false").content.decode()
    assert "Machine" in html
    assert "No: scanner" in html
    assert "Ordinary contact" not in html


@pytest.mark.parametrize("key", LISTS)
def test_each_keeps_views_and_opens_the_first(client: Client, director: User, key: str) -> None:
    client.force_login(director)
    saved = client.post(f"/views/{key}", {"name": "Mine", "query": "q=a", "is_default": "on"})
    assert saved.headers["Location"].startswith(f"/{key}?")
    assert SavedView.objects.get().listing == key
    assert client.get(f"/{key}").headers["Location"] == f"/{key}?q=a"
    assert "Mine" in client.get(f"/{key}?view=all").content.decode()
