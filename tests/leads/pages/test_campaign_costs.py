"""Costs entered by hand."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import CampaignCost, User
from tests.leads.factories import CampaignFactory, channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def test_a_director_enters_replaces_and_takes_back(client: Client, director: User) -> None:
    campaign = CampaignFactory(name="Spring fair")
    url = f"/campaigns/{campaign.public_id}/costs"
    client.force_login(director)
    assert "No cost is known" in client.get(url).content.decode()
    given = {"first": "2026-10-01", "last": "2026-10-03", "amount": "100.00", "currency": "eur", "reason": "an invoice"}
    assert "3 days created" in client.post(url, given, follow=True).content.decode()
    assert sorted(CampaignCost.objects.values_list("amount_cents", flat=True)) == [3333, 3333, 3334]
    text = client.post(url, {**given, "last": "", "amount": "0"}, follow=True).content.decode()
    assert "1 day updated" in text
    assert "€66.66" in text
    text = client.post(f"{url}/forget", {"first": "2026-10-01"}, follow=True).content.decode()
    assert "The cost of 1 day is unknown again" in text
    assert CampaignCost.objects.count() == 2
    history = text.partition('id="history"')[2]
    assert "1–3 Oct 2026" in history
    assert "€33.34 → €0.00" in history
    assert "€0.00 → unknown" in history
    assert history.count(director.name) == 3
    assert history.count("an invoice") == 2


def test_pages_of_figures_name_what_restated_them(client: Client, director: User) -> None:
    campaign = CampaignFactory(name="Spring fair", channel=channel("events"))
    url = f"/campaigns/{campaign.public_id}/costs"
    client.force_login(director)
    given = {"first": "2026-10-01", "last": "2026-10-03", "amount": "1200", "currency": "EUR"}
    period = "from=2026-10-01&to=2026-10-31"
    pages = [f"/figures/{key}?{period}" for key in ("attribution.cost", "attribution.roi", "spend.total")]
    pages.append(f"{reverse('attribution:campaign', args=[campaign.public_id])}?{period}")
    client.post(url, given)
    assert not any("Restated" in client.get(page).content.decode() for page in pages)
    client.post(url, {**given, "amount": "1500", "reason": "the invoice"})
    for page in pages:
        text = client.get(page).content.decode()
        assert "Cost of Spring fair for 1–3 Oct 2026 changed on" in text, page
        assert f'"{url}#history"' in text, page
        assert "€1,200.00 → €1,500.00 by" in text
        assert "“the invoice”" in text
    assert "Restated" not in client.get("/figures/attribution.cost?from=2026-11-01&to=2026-11-30").content.decode()
    assert "Restated" not in client.get(f"/figures/attribution.roas?{period}").content.decode()  # no ad spend


def test_those_who_see_the_company_read_it(client: Client, sales_leader: User) -> None:
    client.force_login(sales_leader)
    url = f"/campaigns/{CampaignFactory().public_id}/costs"
    text = client.get(url).content.decode()
    assert "Nothing was said yet" in text
    assert "Record the cost" not in text
    assert client.post(url, {}).status_code == 403 == client.post(f"{url}/forget", {"first": "2026-10-01"}).status_code


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"amount": "12,50"}, "is not an amount"),
        ({"amount": "-1"}, "must not be negative"),
        ({"currency": "E1R"}, "currency code"),
        ({"last": "2026-09-01"}, "before the first"),
        ({"last": "2099-09-01"}, "At most"),
        ({"first": ""}, "required"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client: Client, director: User, change: dict[str, str], says: str) -> None:
    client.force_login(director)
    given = {"first": "2026-10-01", "last": "", "amount": "1.00", "currency": "EUR", **change}
    answer = client.post(f"/campaigns/{CampaignFactory().public_id}/costs", given)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not CampaignCost.objects.exists()


def test_others_may_not(client: Client, rep: User) -> None:
    client.force_login(rep)
    url = f"/campaigns/{CampaignFactory().public_id}/costs"
    assert client.get(url).status_code == 403 == client.post(f"{url}/forget", {"first": "2026-10-01"}).status_code
