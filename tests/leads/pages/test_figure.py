"""The drill-down: page, side panel, files; what is refused, and who sees what."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from leads.figures.base import definitions, figure, keys
from leads.figures.words import figure_url, filled_formula
from leads.models import Company, User
from leads.pure.week import Period
from tests.leads.factories import LeadFactory, OpportunityFactory, UserFactory
from tests.leads.figures import world
from tests.leads.figures.world import TZ, scope

PERIOD = {"from": "2026-10-01", "to": "2026-12-31"}
Q4 = Period.of_dates(date(2026, 10, 1), date(2027, 1, 1), TZ)


@pytest.fixture(autouse=True)
def at_ten(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """The clock is read at the door; here it stands at the tests' moment."""
    monkeypatch.setattr("leads.past.deemed.timezone.now", lambda: now)


@pytest.fixture
def made(company: Company):
    return world.build()


@pytest.fixture
def signed_in(client: Client, director: User) -> Client:
    client.force_login(director)
    return client


def rows_of(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_page_shows_definition_formula_scope_and_rows(made, signed_in: Client) -> None:
    page = signed_in.get(reverse("leads:figure", args=["pipeline.win_rate"]), PERIOD).content.decode()
    for text in ("Win rate", "version 3", "won ÷ (won + lost), by close date", "3 ÷ 4 = 75.0%", "Europe/Berlin"):
        assert text in page
    assert reverse("leads:opportunity-detail", args=[made.won.public_id]) in page
    assert "<html" in page


def test_panel_is_the_same_without_the_page_around_it(made, signed_in: Client) -> None:
    address = reverse("leads:figure", args=["pipeline.won"])
    panel = signed_in.get(address, PERIOD, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in panel
    assert "€4,000.00" in panel
    assert "No exchange rate into the company currency" in panel
    # Relative addresses would lead to the page around the panel.
    assert 'href="?' not in panel
    assert f'href="{address}?' in panel


def test_unknown_is_said_and_not_zero(company: Company, signed_in: Client) -> None:
    page = signed_in.get(reverse("leads:figure", args=["pipeline.win_rate"]), PERIOD).content.decode()
    assert "Unknown is not zero" in page


@pytest.mark.parametrize("key", keys())
def test_every_figure_opens_and_exports_its_rows(made, signed_in: Client, key: str) -> None:
    address = reverse("leads:figure", args=[key])
    assert signed_in.get(address, PERIOD).status_code == 200
    for name, part in figure(key, scope(Q4)).parts.items():
        listed = rows_of(signed_in.get(address, {**PERIOD, "part": name, "export": "csv"}))
        assert len(listed) == part.count(), name


def test_file_sums_to_the_header(made, signed_in: Client) -> None:
    address = reverse("leads:figure", args=["pipeline.won"])
    listed = rows_of(signed_in.get(address, {**PERIOD, "export": "csv"}))
    assert sum(float(row["Amount"]) for row in listed) == 4000.00
    assert {row["Amount, currency"] for row in listed} == {"EUR"}


def test_workbook_has_every_part_and_the_definition(made, signed_in: Client) -> None:
    response = signed_in.get(reverse("leads:figure", args=["pipeline.won"]), {**PERIOD, "export": "xlsx"})
    with zipfile.ZipFile(io.BytesIO(response.content)) as book:
        texts = book.read("xl/sharedStrings.xml").decode()
    book = openpyxl.load_workbook(io.BytesIO(response.content))
    labels = [part.label for part in figure("pipeline.won", scope(Q4)).parts.values()]
    assert book.sheetnames == ["Definition", *(label[:31].strip() for label in labels)]
    assert "pipeline.won, version 2" in texts
    assert "attachment" in response["Content-Disposition"]


def test_formulas_in_names_are_neutralised(company: Company, signed_in: Client) -> None:
    OpportunityFactory(name="=HYPERLINK(1)", opened_at=datetime(2026, 11, 3, tzinfo=UTC))
    address = reverse("leads:figure", args=["pipeline.created_count"])
    listed = rows_of(signed_in.get(address, {**PERIOD, "export": "csv"}))
    assert [row["Opportunity"] for row in listed] == ["'=HYPERLINK(1)"]
    response = signed_in.get(address, {**PERIOD, "export": "xlsx"})
    with zipfile.ZipFile(io.BytesIO(response.content)) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name]
    assert not any("<f>" in sheet for sheet in sheets)


def test_long_lists_have_pages_and_keep_their_filters(company: Company, signed_in: Client) -> None:
    for _ in range(26):
        LeadFactory(captured_at=datetime(2026, 11, 3, tzinfo=UTC))
    address = reverse("leads:figure", args=["leads.captured"])
    first = signed_in.get(address, {**PERIOD, "sort": "-captured_at"}).content.decode()
    assert "1–25 of 26 rows" in first
    assert "sort=-captured_at" in first.split("pager")[1]
    assert "26–26 of 26 rows" in signed_in.get(address, {**PERIOD, "page": 2}).content.decode()
    assert signed_in.get(address, {**PERIOD, "page": "x", "sort": "password"}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"from": "2026-11-10", "to": "2026-11-01"}, "to"),
        ({"from": "1200-01-01", "to": "2026-11-01"}, "from"),
        ({"from": "1991-01-01", "to": "2026-11-01"}, "to"),
        ({"week": "2025-W53"}, "week"),
        ({"week": "2026-W46", "from": "2026-11-01"}, "week"),
        ({"channel": "carrier-pigeon"}, "channel"),
        ({"campaign": "not-a-uuid"}, "campaign"),
        ({"campaign": "0e7a1a63-6a0c-4d3c-9d3e-5a1b1b1b1b1b"}, "campaign"),
        ({"territory": "99999999999999999999"}, "territory"),
        ({"territory": "north"}, "territory"),
        ({"method": "Magic!"}, "method"),
        ({"basis": "wishful"}, "basis"),
        ({"channel": "a\0b"}, "channel"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(company: Company, signed_in: Client, asked, field: str) -> None:
    response = signed_in.get(reverse("leads:figure", args=["leads.mqls"]), asked)
    assert response.status_code == 400
    assert set(response.context["form"].errors) == {field}
    assert f"<strong>{field}</strong>" in response.content.decode()


def test_week_and_its_days_are_the_same_question(made, signed_in: Client) -> None:
    address = reverse("leads:figure", args=["leads.mqls"])
    by_week = signed_in.get(address, {"week": "2026-W45"}).context["figure"]
    by_days = signed_in.get(address, {"from": "2026-11-02", "to": "2026-11-08"}).context["figure"]
    from_week = signed_in.get(address, {"from": "2026-W45", "to": "2026-W45"}).context["figure"]
    assert by_week.scope.period == by_days.scope.period == from_week.scope.period
    assert by_week.value == 4


def test_the_current_quarter_is_the_default(made, signed_in: Client) -> None:
    found = signed_in.get(reverse("leads:figure", args=["leads.mqls"])).context["figure"]
    assert found.scope.period == Q4
    assert found.scope.query() == {"from": "2026-10-01", "to": "2026-12-31", "method": "linear"}


def test_an_address_leads_back_to_its_scope(made, signed_in: Client) -> None:
    asked = scope(Q4, channel="events", territory=made.south.pk, campaign=str(made.expo.public_id))
    found = signed_in.get(figure_url("leads.captured", asked)).context["figure"]
    assert (found.scope.channel, found.scope.territory, found.scope.campaign) == (
        "events",
        made.south.pk,
        str(made.expo.public_id),
    )
    assert found.value == figure("leads.captured", asked).value == 1


def test_a_rep_sees_only_their_rows(made, client: Client) -> None:
    client.force_login(made.ann)
    address = reverse("leads:figure", args=["pipeline.won"])
    assert client.get(address, PERIOD).context["figure"].value == 300_000
    assert [row["Opportunity"] for row in rows_of(client.get(address, {**PERIOD, "export": "csv"}))] == ["Won"]


def test_company_wide_figures_are_not_for_reps(made, client: Client) -> None:
    client.force_login(made.ann)
    assert client.get(reverse("leads:figure", args=["spend.total"])).status_code == 403
    assert "spend.total" not in client.get(reverse("leads:figures")).content.decode()


def test_glossary_lists_every_definition(company: Company, signed_in: Client) -> None:
    page = signed_in.get(reverse("leads:figures")).content.decode()
    for meaning in definitions():
        assert f"<code>{meaning.key}</code>" in page


def test_unknown_keys_and_strangers(company: Company, signed_in: Client) -> None:
    assert signed_in.get(reverse("leads:figure", args=["leads.happiness"])).status_code == 404
    signed_in.logout()
    assert signed_in.get(reverse("leads:figures")).status_code == 302
    assert signed_in.post(reverse("leads:figures")).status_code in (302, 405)


def test_a_filter_that_does_not_apply_is_said(made, signed_in: Client) -> None:
    page = signed_in.get(reverse("leads:figure", args=["spend.total"]), {**PERIOD, "territory": made.south.pk})
    assert "does not apply to this figure" in page.content.decode()


def test_formula_with_its_values(made) -> None:
    assert filled_formula(figure("leads.acceptance_rate", scope())) == "2 ÷ 3 = 66.7%"
    assert filled_formula(figure("pipeline.velocity", scope())) == "4 × (3 ÷ 4) × €2,000.00 ÷ 34 days = €176 / day"
    assert filled_formula(figure("leads.lead_velocity", scope())) == "(1 − 0) ÷ 0 = unknown"
    assert filled_formula(figure("leads.mqls", scope())) == ""


# --- the opportunity's page ------------------------------------------------------------------------------------------


def test_opportunity_shows_people_history_and_touches(made, signed_in: Client) -> None:
    page = signed_in.get(made.won.get_absolute_url()).content.decode()
    for text in ("€3,000.00", "Negotiation", "Byron", "Form submission", "Search"):
        assert text in page


def test_opportunity_without_contacts_says_what_that_means(company: Company, signed_in: Client) -> None:
    deal = OpportunityFactory(amount_cents=None)
    page = signed_in.get(deal.get_absolute_url()).content.decode()
    assert "its revenue stays unattributed" in page
    assert "not known yet" in page


def test_opportunity_of_somebody_else_is_not_found(made, client: Client) -> None:
    client.force_login(made.ben)
    assert client.get(made.won.get_absolute_url()).status_code == 404
    client.force_login(made.ann)
    assert client.get(made.won.get_absolute_url()).status_code == 200


def test_opportunity_page_takes_few_queries(made, signed_in: Client, django_assert_max_num_queries) -> None:
    UserFactory()
    with django_assert_max_num_queries(14):
        signed_in.get(made.won.get_absolute_url())
