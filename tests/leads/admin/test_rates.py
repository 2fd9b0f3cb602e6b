"""Exchange rates in Django admin: what a rate touches is priced anew, and the rate is named as the cause."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import CampaignCost, Company, CostEntry, ExchangeRate, Opportunity, User
from tests.leads.factories import CampaignFactory, OpportunityFactory

pytestmark = pytest.mark.django_db
OPENED, CLOSED = datetime(2026, 11, 2, 12, tzinfo=UTC), datetime(2026, 11, 10, 12, tzinfo=UTC)


@pytest.fixture
def boss(client: Client, admin_user: User, company: Company) -> Client:
    client.force_login(admin_user)
    return client


@pytest.fixture
def deal() -> Opportunity:
    return OpportunityFactory(
        name="Dollars", status="won", amount_cents=100_000, currency="USD", reporting_cents=None,
        opened_at=OPENED, closed_at=CLOSED,
    )  # fmt: skip


def enter(boss: Client, rate: str, since: str = "2026-01-01", pk: int | None = None, currency: str = "USD") -> Any:
    page = reverse("admin:leads_exchangerate_change", args=[pk]) if pk else reverse("admin:leads_exchangerate_add")
    return boss.post(page, {"currency": currency, "valid_from": since, "rate": rate}, follow=True)


def test_a_rate_entered_later_prices_deals_and_costs(boss: Client, deal: Opportunity) -> None:
    cost = CampaignCost.objects.create(
        campaign=CampaignFactory(), spent_on=date(2026, 11, 3), amount_cents=20_000, currency="USD",
        source="feed", recorded_at=OPENED,
    )  # fmt: skip
    open_deal = OpportunityFactory(
        amount_cents=1, currency="USD", reporting_cents=None, opened_at=datetime(2025, 6, 1, tzinfo=UTC)
    )
    answer = enter(boss, "0.9")
    assert "Priced anew: 1 deal and 1 cost." in answer.content.decode()
    for row in (deal, cost, open_deal):
        row.refresh_from_db()
    assert deal.reporting_cents == 90_000
    assert cost.reporting_cents == 18_000
    assert open_deal.reporting_cents is None  # opened before any rate
    entry = CostEntry.objects.get()
    assert (entry.door, entry.source) == ("rate", "feed")
    assert entry.reason.startswith("1 USD = 0.9")
    change = entry.changes.get()
    assert (change.before_reporting_cents, change.after_reporting_cents) == (None, 18_000)


def test_a_corrected_rate_and_a_deleted_one(boss: Client, deal: Opportunity) -> None:
    enter(boss, "9")
    deal.refresh_from_db()
    assert deal.reporting_cents == 900_000
    before = deal.changed_at
    rate = ExchangeRate.objects.get()
    enter(boss, "0.9", pk=rate.pk)
    deal.refresh_from_db()
    assert deal.reporting_cents == 90_000
    assert deal.changed_at > before
    enter(boss, "0.8", since="2026-11-10")
    deal.refresh_from_db()
    assert deal.reporting_cents == 80_000
    boss.post(reverse("admin:leads_exchangerate_delete", args=[rate.pk]), {"post": "yes"})
    deal.refresh_from_db()
    assert deal.reporting_cents == 80_000
    boss.post(
        reverse("admin:leads_exchangerate_changelist"),
        {"action": "delete_selected", "_selected_action": [ExchangeRate.objects.get().pk], "post": "yes"},
    )
    deal.refresh_from_db()
    assert deal.reporting_cents is None


@pytest.mark.parametrize(("currency", "message"), [("EUR", "own currency"), ("U$", "three-letter")])
def test_rates_that_cannot_be(boss: Client, currency: str, message: str) -> None:
    assert message in enter(boss, "0.9", currency=currency).content.decode()
    assert not ExchangeRate.objects.exists()


def settings_form(boss: Client, **values: str) -> Any:
    page = reverse("admin:leads_company_change", args=[1])
    form = boss.get(page).context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    data = {name: "" if value is None else value for name, value in data.items()} | values
    data["holidays"] = data["internal_domains"] = ""
    data["business_weekdays"] = "0, 1, 2, 3, 4"
    return boss.post(page, data, follow=True)


def test_another_company_currency_prices_everything_anew(boss: Client, deal: Opportunity) -> None:
    euros = OpportunityFactory(amount_cents=500, currency="EUR")
    enter(boss, "0.9")
    answer = settings_form(boss, currency="USD")
    assert "The exchange rates on file are into EUR. Delete them first." in answer.content.decode()
    ExchangeRate.objects.all().delete()
    settings_form(boss, currency="USD")
    assert Company.current().currency == "USD"
    deal.refresh_from_db()
    euros.refresh_from_db()
    assert (deal.reporting_cents, euros.reporting_cents) == (100_000, None)
