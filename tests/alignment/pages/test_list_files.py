"""Every list of a page comes as CSV and XLSX: all its rows, filtered as on the page, with nothing that runs."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO

import openpyxl
import pytest
from django.test import Client

from alignment.models import IntegrationPoint
from leads.models import CampaignCost, User
from tests.alignment.factories import build_world, report
from tests.attribution.factories import run
from tests.leads.factories import CampaignFactory, LeadFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
EVIL = "=HYPERLINK(1)"


@pytest.fixture
def admin(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


def table(client: Client, url: str, **query: str) -> list[list[str]]:
    """The CSV; the XLSX of the same question must say the same in as many rows."""
    answer = client.get(url, {**query, "export": "csv"})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    lines = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))
    book = openpyxl.load_workbook(BytesIO(client.get(url, {**query, "export": "xlsx"}).content))
    rows = list(book.active.iter_rows(values_only=True))
    assert [list(rows[0]), len(rows)] == [lines[0], len(lines)]
    assert book.active.freeze_panes == "A2"
    return lines


def test_leads_are_those_filtered_in_their_order(admin: Client) -> None:
    captured = datetime(2026, 11, 3, 23, 30, tzinfo=UTC)
    for number in range(30):
        LeadFactory(first_name=f"N{number:02}", last_name="", stage="lead", captured_at=captured)
    LeadFactory(first_name=EVIL, last_name="", stage="mql", captured_at=captured)
    lines = table(admin, "/leads", sort="name", stage="lead")
    assert len(lines) == 31  # more than a page
    assert [line[0] for line in lines[1:4]] == ["N00", "N01", "N02"]
    assert lines[1][lines[0].index("Created")] == "2026-11-04 00:30:00+01:00"
    (row,) = table(admin, "/leads", stage="mql")[1:]
    assert row[0] == f"'{EVIL}"
    assert admin.get("/leads", {"stage": "nonsense", "export": "csv"}).status_code == 400


def test_a_rep_gets_only_their_own(client: Client, rep: User) -> None:
    LeadFactory(first_name="Mine", owner=rep)
    LeadFactory(first_name="Another")
    client.force_login(rep)
    assert [line[0].split()[0] for line in table(client, "/leads")[1:]] == ["Mine"]


def test_reports_and_restatements(admin: Client) -> None:
    build_world()
    made = report()
    (line,) = table(admin, "/reports/all")[1:]
    assert line[:2] == [made.week, made.content["days"]]
    assert table(admin, f"/reports/{made.week}/restatements")[0][0] == "Figure"


def test_definitions_costs_imports_and_points(admin: Client) -> None:
    assert len(table(admin, "/figures")) > 50
    campaign = CampaignFactory(name="Search")
    CampaignCost.objects.create(
        campaign=campaign, spent_on=date(2026, 11, 2), source="feed", amount_cents=12_345, currency="USD",
        reporting_cents=11_000, recorded_at=datetime(2026, 11, 3, tzinfo=UTC),
    )  # fmt: skip
    (line,) = table(admin, f"/campaigns/{campaign.public_id}/costs")[1:]
    assert line == ["2026-11-02", "feed", "123.45", "USD", "110.00", "EUR"]
    assert len(table(admin, "/imports")) == 1
    points = table(admin, "/integration-points")
    assert len(points) == 1 + sum(point.criteria.count() for point in IntegrationPoint.objects.all())


def test_runs_of_attribution_and_deals_to_answer(admin: Client) -> None:
    made = build_world()
    run()
    assert len(table(admin, "/attribution/runs", all="1")) >= 2
    period = {"from": "2026-01-01", "to": "2026-12-31", "method": "linear"}
    deals = table(admin, f"/attribution/campaigns/{made.search.public_id}", **period)
    assert deals[0][0] == "Opportunity"
    assert len(deals) > 1
    journey = table(admin, f"/attribution/journeys/{made.won.public_id}")
    credit = journey[0].index("Linear, credit")
    assert sum(Decimal(line[credit] or 0) for line in journey[1:]) == Decimal(made.won.reporting_cents) / 100
    assert table(admin, "/channels/rules")[0][1] == "Rule"
    assert table(admin, "/attribution/accuracy/agreement")[0] == ["Deal", "Account", "Owner", "Won"]
