"""The weekly report's pages and files: who sees them, what they say, that nothing breaks out of them."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import quote

import openpyxl
import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from alignment.actions.report import render_report
from alignment.actions.report.render_pdf import PdfUnavailable
from alignment.actions.report.render_report import render_email
from alignment.models import ReportRows, Restatement, WeeklyReport
from attribution.actions.lock_sourced import lock_sourced_test
from leads.forms.as_of import exact
from leads.models import Company, Opportunity, User
from leads.past.acting import backdated
from leads.pure.week import Week
from tests.alignment.factories import MONDAY, build_world, named, report
from tests.leads.factories import LeadFactory, UserFactory
from tests.leads.figures import world

pytestmark = pytest.mark.django_db
URL = "/reports/2026-W46"
EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'


@pytest.fixture(autouse=True)
def today() -> object:
    with time_machine.travel(MONDAY + timedelta(days=2), tick=False):
        yield


@pytest.fixture
def reader(client: Client, director: User) -> Client:
    client.force_login(director)
    return client


def text_of(response: object) -> str:
    html = response.content.decode()
    return " ".join(unescape(re.sub(r"<(svg|script|style).*?</\1>|<[^>]+>", " ", html, flags=re.S)).split())


@pytest.mark.parametrize(
    ("role", "status"), [("marketing_director", 200), ("sales_leader", 200), ("admin", 200), ("sales_rep", 403)]
)
def test_who_reads_reports(client: Client, company: Company, role: str, status: int) -> None:
    report()
    client.force_login(UserFactory(role=role))
    for path in (URL, f"{URL}/figures/leads.mqls", f"{URL}/report.pdf", "/reports/all", f"{URL}?export=xlsx"):
        assert client.get(path).status_code == status, path
    assert client.get("/reports").status_code == (302 if status == 200 else 403)
    client.logout()
    assert client.get(URL).status_code == 302
    assert client.post("/reports/publish").status_code == 302


def test_the_page_shows_everything_in_order(reader: Client, company: Company) -> None:
    build_world()
    made = report()
    response = reader.get(URL)
    shown = text_of(response)
    order = [
        made.content["headline"]["sentence"],
        made.content["headline"]["decision"],
        *(tile["name"] for tile in made.content["tiles"]),
        "Why won revenue changed",
        "What changed in the key figures",
        "Campaigns: most revenue",
        "Sales SLA",
        "Marketing SLA",
        "Data quality",
        "Restatements",
        "Sealed",
    ]
    shown = shown[shown.index(" ".join(order[0].split())) :]
    at = 0
    for text in order:
        at = shown.index(" ".join(text.split()), at) + 1
    for entry in (tile["entry"] for tile in made.content["tiles"]):
        assert f'href="{URL}/figures/{entry}"' in response.content.decode()


def test_every_number_opens_its_frozen_rows(reader: Client, company: Company) -> None:
    build_world()
    made = report()
    for entry, about in made.content["figures"].items():
        shown = text_of(reader.get(f"{URL}/figures/{entry}"))
        assert (about["exact"] if about["value"] is not None else "Unknown") in shown, entry
        assert f"version {about['version']}" in shown
        assert "Current value:" in shown
    fragment = reader.get(f"{URL}/figures/pipeline.won", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "Won" in fragment


def test_links_on_the_page_all_lead_somewhere(reader: Client, company: Company) -> None:
    build_world()
    report()
    links = set(re.findall(r'href="(/reports/[^"]+)"', reader.get(URL).content.decode()))
    assert len(links) > 15
    for link in links:
        assert reader.get(unescape(link)).status_code == 200, link


def test_a_campaign_opens_only_its_own_rows(reader: Client, company: Company) -> None:
    build_world()
    made = report()
    row = made.content["campaigns"]["best"][0]
    response = reader.get(f"{URL}/figures/attribution.revenue?only={row['id']}")
    assert 0 < response.context["only_count"] < response.context["chosen"]["count"]
    assert response.context["only_total"].replace(",", "") == f"€{row['week_revenue'] / 100:.2f}"
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", response.content.decode(), re.DOTALL)
    assert heading is not None
    assert " ".join(heading[1].split()) == f"{row['name']} · {response.context['only_total']}"
    assert response.context["today"]["is_same"]
    assert response.context["today"]["text"] == response.context["only_total"]
    panel = reader.get(f"{URL}/figures/attribution.revenue?only={row['id']}", headers={"HX-Request": "true"})
    assert f"{row['name']} · {response.context['only_total']}" in panel.content.decode()


def test_frozen_rows_sort_and_come_as_files_like_the_live_ones(reader: Client, company: Company) -> None:
    build_world()
    for day in (12, 10, 14):
        world.passage(LeadFactory(captured_at=world.on(day)), "mql", world.on(day))
    made = report()
    rows = made.row_sets.get(figure="pipeline.won", part="included")
    place = next(n for n, column in enumerate(rows.columns) if column["path"] == "reporting_cents")
    amounts = sorted(row[place] for row in rows.rows)
    url = f"{URL}/figures/pipeline.won"
    mqls = f"{URL}/figures/leads.mqls"
    assert 'aria-sort="descending"' in reader.get(f"{mqls}?sort=-passed_at").content.decode()
    files = [reader.get(f"{mqls}?sort={sort}&export=csv") for sort in ("passed_at", "-passed_at")]
    tables = [list(csv.DictReader(StringIO(file.content.decode("utf-8-sig")))) for file in files]
    first, last = ([line["When"] for line in lines] for lines in tables)
    assert len(set(first)) > 1
    assert first == sorted(first)
    assert last == first[::-1]
    lines = list(csv.reader(StringIO(reader.get(f"{url}?sort=reporting_cents&export=csv").content.decode("utf-8-sig"))))
    live = reader.get("/figures/pipeline.won?export=csv").content.decode("utf-8-sig")
    assert lines[0] == next(csv.reader(StringIO(live)))
    column = lines[0].index("Amount")
    assert [Decimal(line[column]) for line in lines[1:]] == [Decimal(cents) / 100 for cents in amounts]
    assert {line[lines[0].index("Amount, currency")] for line in lines[1:]} == {"EUR"}
    book = openpyxl.load_workbook(BytesIO(reader.get(f"{url}?sort=reporting_cents&export=xlsx").content))
    assert book.sheetnames[0] == "Definition"
    assert len(book.sheetnames) == 2
    values = [row[column] for row in book.worksheets[1].iter_rows(min_row=2, values_only=True)]
    assert values == [cents / 100 for cents in amounts]
    nonsense = reader.get(f"{url}?sort=nonsense")
    assert nonsense.status_code == 200


def test_today_reads_differently_and_says_so(reader: Client, company: Company) -> None:
    made = build_world()
    report()
    Opportunity.objects.filter(pk=made.won.pk).update(amount_cents=310_000, reporting_cents=310_000)
    shown = text_of(reader.get(f"{URL}/figures/pipeline.won"))
    assert "€3,000.00" in shown
    assert "Current value: €3,100.00" in shown


def test_another_sourced_test_is_told_in_reports_that_span_it(reader: Client, company: Company) -> None:
    build_world()
    before = report()
    ada = named(UserFactory(), "Ada Berg")
    with backdated(MONDAY + timedelta(days=2)):
        lock_sourced_test(test="lead_creation", reason="Both agreed", by=ada, at=MONDAY + timedelta(days=2))
    after = report(Week(2026, 47), MONDAY + timedelta(weeks=1))
    assert not before.content["revisions"]
    assert before.definitions["pipeline.sourced"] == 2
    (told,) = after.content["revisions"]
    assert (told["version"], told["by"], told["reason"]) == (3, "Ada Berg", "Both agreed")
    assert after.definitions["pipeline.sourced"] == 3
    assert "made the first contact known" in told["text"]
    page = text_of(reader.get("/reports/2026-W47"))
    assert "is version 3 since 18 Nov 2026, by Ada Berg: “Both agreed”" in page
    assert "all weeks by definition version 3" in page
    _, text, html = render_email(report=after, company_name="")
    assert "is version 3 since 18 Nov 2026" in text
    assert "is version 3 since 18 Nov 2026" in html
    old = text_of(reader.get(f"{URL}/figures/pipeline.sourced"))
    assert "cannot be compared. Version 3 since 18 Nov 2026, by Ada Berg" in old
    assert not Restatement.objects.filter(figure="pipeline.sourced").exists()
    live = text_of(reader.get("/figures/pipeline.sourced"))
    assert "Versions of this definition Version 3 since 18 Nov 2026" in live
    assert "Both agreed" in live
    assert "pipeline.sourced v3 since 18 Nov 2026" in text_of(reader.get("/figures"))


def test_a_broken_seal_is_seen(reader: Client, company: Company) -> None:
    build_world()
    made = report()
    assert "The seal is broken" not in text_of(reader.get(URL))
    WeeklyReport.objects.filter(pk=made.pk).update(content={**made.content, "days": "never"})
    ReportRows.objects.filter(report=made, figure="pipeline.won", part="included").update(rows=[])
    assert "The seal is broken" in text_of(reader.get(URL))
    assert "seal broken" in text_of(reader.get(f"{URL}/figures/pipeline.won"))


def test_without_a_report_it_says_why_and_lets_one_be_published(reader: Client, company: Company) -> None:
    response = reader.get("/reports")
    assert response.status_code == 200
    assert "No report has been published yet" in text_of(response)
    assert "Publish Week 46" in text_of(response)
    assert reader.get("/reports/publish").status_code in (404, 405)
    with backdated(MONDAY + timedelta(days=2)):
        answer = reader.post("/reports/publish", follow=True)
    assert answer.redirect_chain == [(URL, 302)]
    assert "never changes from here on" in text_of(answer)
    with backdated(MONDAY + timedelta(days=2)):
        assert reader.post("/reports/publish").url == URL
    assert WeeklyReport.objects.count() == 1
    assert "Publish Week" not in text_of(reader.get("/reports/all"))


def test_a_rep_cannot_publish(client: Client, company: Company, rep: User) -> None:
    client.force_login(rep)
    assert client.post("/reports/publish").status_code == 403
    assert not WeeklyReport.objects.exists()


@pytest.mark.parametrize("path", ["2026-W54", "2026-46", "x", "2026-W45", "2026-W46/figures/leads.none"])
def test_unknown_weeks_and_figures_are_not_found(reader: Client, company: Company, path: str) -> None:
    report()
    assert reader.get(f"/reports/{path}").status_code == 404


def test_pdf_has_the_numbers_on_two_pages(reader: Client, company: Company) -> None:
    build_world()
    made = report()
    response = reader.get(f"{URL}/report.pdf")
    assert response["Content-Type"] == "application/pdf"
    pages = PdfReader(BytesIO(response.content)).pages
    assert len(pages) <= 2
    shown = " ".join(" ".join(page.extract_text() for page in pages).split())
    for tile in made.content["tiles"]:
        assert tile["text"] in shown, tile["name"]
    assert made.digest[:12] in shown
    assert reader.get(f"{URL}?export=pdf").content[:5] == b"%PDF-"


def test_missing_pdf_library_is_a_clear_message(
    reader: Client, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    report()

    def missing(*_: object, **__: object) -> bytes:
        raise PdfUnavailable("PDF files need the Pango library, which is missing on this server.")

    monkeypatch.setattr("alignment.actions.report.keep_pdf.render_pdf", missing)
    response = reader.get(f"{URL}/report.pdf")
    assert response.status_code == 503
    assert "Pango" in text_of(response)


def test_xlsx_is_named_formatted_and_runs_nothing(reader: Client, company: Company) -> None:
    made_up = build_world()
    type(made_up.search).objects.filter(pk=made_up.search.pk).update(name="=HYPERLINK(1)")
    made = report()
    book = openpyxl.load_workbook(BytesIO(reader.get(f"{URL}?export=xlsx").content))
    assert book.sheetnames[:2] == ["Summary", "Contents"]
    listed = list(book["Contents"].iter_rows(min_row=2))
    assert [row[0].value for row in listed] == book.sheetnames[2:]
    assert {row[5].value for row in listed} == {entry["figure"] for entry in made.content["figures"].values()}
    assert all("." not in name for name in book.sheetnames), "sheets have the names of figures, not their keys"
    won = next(row for row in listed if row[5].value == "pipeline.won")
    assert won[4].value == 3_000
    assert won[4].number_format == "#,##0.00"
    assert {sheet.freeze_panes for sheet in book.worksheets[2:]} == {"B2"}
    summary: dict[str, Any] = {}
    for row in book["Summary"].iter_rows():
        summary.setdefault(row[0].value, row[1].value)  # the tile first, then what changed
    assert summary["Won revenue"] == 3_000
    assert summary["Seal (SHA-256)"] == made.digest
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert all(cell.data_type != "f" for cell in cells)
    assert any(cell.value == "'=HYPERLINK(1)" for cell in cells)


def test_csv_has_every_row(reader: Client, company: Company) -> None:
    build_world()
    made = report()
    lines = list(csv.reader(StringIO(reader.get(f"{URL}?export=csv").content.decode("utf-8-sig"))))
    rows = [line for line in lines if line[0] != "figure"]
    assert len(rows) == sum(made.row_sets.values_list("count", flat=True))


def test_payloads_in_names_stay_words(reader: Client, company: Company, director: User) -> None:
    made = build_world()
    type(made.search).objects.filter(pk=made.search.pk).update(name=EVIL)
    Opportunity.objects.filter(pk=made.won.pk).update(name=EVIL)
    type(made.north).objects.filter(pk=made.north.pk).update(name=EVIL[:80])
    lead = LeadFactory(first_name=EVIL[:100], company=EVIL, captured_at=world.on(12))
    world.passage(lead, "mql", world.on(12))
    published = report()
    for path in (URL, f"{URL}/figures/pipeline.won", f"{URL}/figures/leads.mqls", f"{URL}/figures/attribution.revenue"):
        html = reader.get(path).content.decode()
        assert "<script>alert" not in html, path
        assert "<img src=x" not in html, path
    _, _, mail = render_report.render_email(report=published, company_name=EVIL)
    assert "<script>" not in mail
    assert "<img" not in mail
    shown = " ".join(page.extract_text() for page in PdfReader(BytesIO(reader.get(f"{URL}/report.pdf").content)).pages)
    assert "<script>" in shown.replace("\n", "").replace(" ", "")  # as words, since it is escaped in the HTML


def test_a_figure_leads_to_the_live_one_as_of_its_publication(reader: Client, company: Company) -> None:
    with backdated(MONDAY - timedelta(days=30)):
        build_world()
        made = report()
    with backdated(MONDAY + timedelta(days=1)):
        Opportunity.objects.won().update(amount_cents=1, reporting_cents=1)
    page = reader.get(f"{URL}/figures/pipeline.won").content.decode()
    (address,) = re.findall(r'href="([^"]*)">The live figure as of publication', page)
    assert f"as_of={quote(exact(made.as_of))}" in unescape(address)
    found = reader.get(unescape(address)).context["figure"]
    frozen = made.content["figures"]["pipeline.won"]["value"]
    assert found.value == frozen
    (today,) = re.findall(r'Current value:.*?href="([^"]*)"', page)
    assert "as_of" not in today
    assert reader.get(unescape(today)).context["figure"].value != frozen


def test_names_of_routes() -> None:
    assert reverse("alignment:weekly-report", args=["2026-W46"]) == URL
    assert reverse("alignment:report-figure", args=["2026-W46", "leads.mqls"]) == f"{URL}/figures/leads.mqls"


def test_in_the_side_panel_links_lead_to_the_figure_s_own_page(reader: Client, company: Company) -> None:
    for number in range(60):
        world.passage(LeadFactory(captured_at=world.on(12)), "mql", world.on(12, hour=9 + number % 8))
    report()
    url = f"{URL}/figures/leads.mqls"
    panel = reader.get(url, headers={"HX-Request": "true"}).content.decode()
    # A bare "?page=2" would be read from the page under the panel.
    assert f'href="{url}"' in panel
    assert 'href="?' not in panel
    assert 'href="?page=2"' in reader.get(url).content.decode()
