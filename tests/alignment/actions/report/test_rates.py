"""A published report whose amounts a corrected rate prices anew: the restatement names the rate and who entered it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from alignment.actions.report.restate import restate
from leads.models import Company, ExchangeRate, Opportunity, User
from leads.past.acting import backdated
from tests.alignment.factories import MONDAY, report
from tests.alignment.ledgers import check_sums, lines
from tests.leads.factories import OpportunityFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.mark.parametrize("first", ["", "9"])
def test_a_rate_entered_later_or_corrected_is_the_cause(
    client: Client, admin_user: User, company: Company, first: str
) -> None:
    client.force_login(admin_user)
    with backdated(MONDAY - DAY):
        rate = ExchangeRate.objects.create(currency="USD", valid_from="2026-01-01", rate=first) if first else None
        OpportunityFactory(
            name="Dollars", status="won", amount_cents=100_000, currency="USD",
            reporting_cents=900_000 if first else None, opened_at=MONDAY - 9 * DAY,
            closed_at=datetime(2026, 11, 12, 12, tzinfo=UTC),
        )  # fmt: skip
    report()
    with backdated(MONDAY + timedelta(hours=1)):
        page = reverse("admin:leads_exchangerate_change", args=[rate.pk]) if rate else ""
        client.post(
            page or reverse("admin:leads_exchangerate_add"),
            {"currency": "USD", "valid_from": "2026-01-01", "rate": "0.9"},
        )
    assert Opportunity.objects.get().reporting_cents == 90_000

    (row,) = [row for row in restate(at=MONDAY + 2 * DAY) if row.figure == "pipeline.won"]
    check_sums(row)
    assert row.current_value == 90_000
    assert row.published_value == (900_000 if first else None)
    (cause,) = row.ledger["causes"]
    assert (cause["words"], cause["is_correction"]) == ("Exchange rate changed", True)
    (line,) = lines(row)
    assert (line["row"], line["by"], line["door"]) == ("Dollars", str(admin_user), "administration")
    told = [(column["label"], column["before"], column["after"]) for column in line["columns"]]
    assert ("Amount in the company currency", "€9,000.00" if first else "–", "€900.00") in told
    assert (("Rate", "9", "0.9") if first else ("Recorded", "–", "USD, 0.9, 1 Jan 2026")) in told
