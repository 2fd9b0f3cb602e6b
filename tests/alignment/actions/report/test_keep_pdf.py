"""A report's PDF is made once, kept beside it, served from there, and made anew when somebody is erased."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from time import process_time
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from alignment.actions.report import keep_pdf as keeping
from alignment.actions.report.erase_from_reports import erase_from_reports
from alignment.actions.report.keep_pdf import LEASE, keep_due_pdfs, keep_pdf, kept_pdf
from alignment.actions.report.render_pdf import PdfUnavailable, render_pdf
from alignment.actions.report.restate import restate
from alignment.models import ReportPdf, WeeklyReport
from alignment.tasks import publish_due_report
from leads.models import Company, User
from leads.past.acting import backdated
from leads.pure.week import Week
from tests.alignment.factories import MONDAY, build_world, report
from tests.leads.factories import LeadFactory
from tests.leads.figures import world

pytestmark = [pytest.mark.django_db, pytest.mark.pdf]
URL = "/reports/2026-W46/report.pdf"
A4 = (595, 842)


def pages(content: bytes) -> list[Any]:
    return list(PdfReader(BytesIO(content)).pages)


def text_of(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in pages(content)).split())


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The weeks whose PDFs were made, in order."""
    weeks: list[str] = []

    def counted(*, report: WeeklyReport, company_name: str) -> bytes:
        weeks.append(report.week)
        return render_pdf(report=report, company_name=company_name)

    monkeypatch.setattr(keeping, "render_pdf", counted)
    return weeks


def test_the_beat_that_publishes_makes_the_file_and_two_beats_make_one(company: Company, made: list[str]) -> None:
    LeadFactory(captured_at=MONDAY - timedelta(days=30))
    with time_machine.travel(MONDAY, tick=False), backdated(MONDAY):
        publish_due_report()
        publish_due_report()
    assert made == ["2026-W46"]
    kept = ReportPdf.objects.get()
    assert kept.made_at == MONDAY
    assert kept_pdf(week="2026-W46") == bytes(kept.content)


def test_one_that_another_worker_makes_is_left_to_it_until_its_claim_expires(company: Company, made: list[str]) -> None:
    ReportPdf.objects.create(report=report(), claimed_at=MONDAY)
    assert keep_due_pdfs(at=MONDAY + LEASE - timedelta(seconds=1)) == 0
    assert keep_due_pdfs(at=MONDAY + LEASE) == 1
    assert keep_due_pdfs(at=MONDAY + LEASE * 3) == 0
    assert made == ["2026-W46"]


def test_asked_before_it_is_there_it_is_made_and_kept(
    client: Client, company: Company, director: User, made: list[str]
) -> None:
    report()
    client.force_login(director)
    first, second = client.get(URL), client.get(URL)
    assert first.content == second.content
    assert first["Content-Type"] == "application/pdf"
    assert made == ["2026-W46"]
    assert keep_due_pdfs(at=MONDAY) == 0


def test_a_kept_file_is_served_by_few_queries_without_the_report(
    client: Client, company: Company, director: User
) -> None:
    build_world()
    keep_pdf(report=report(), at=MONDAY)
    client.force_login(director)
    client.get(URL)
    with CaptureQueriesContext(connection) as asked:
        began = process_time()
        answer = client.get(URL)
        took = process_time() - began
    assert answer.content.startswith(b"%PDF")
    assert sum("alignment_reportpdf" in query["sql"] for query in asked) == 1
    assert not any('alignment_weeklyreport"."content' in query["sql"] for query in asked)
    assert took < 0.05


def test_it_stays_what_was_published_and_says_where_restatements_stand(company: Company) -> None:
    made_up = build_world()
    published = report()
    with backdated(MONDAY + timedelta(hours=1)):
        type(made_up.won).objects.filter(pk=made_up.won.pk).update(amount_cents=1, reporting_cents=1)
    before = render_pdf(report=published, company_name="Acme")
    assert restate(at=MONDAY + timedelta(days=1))
    after = text_of(render_pdf(report=published, company_name="Acme"))
    assert after == text_of(before)
    assert "/reports/2026-W46/restatements" in after.replace(" ", "")


def test_an_erasure_makes_it_anew(company: Company, made: list[str]) -> None:
    ada = LeadFactory(first_name="Ada", captured_at=world.on(10))
    world.passage(ada, "mql", world.on(10))
    older, published = report(Week(2026, 45)), report()
    for each in (older, published):
        keep_pdf(report=each, at=MONDAY)
    erase_from_reports(lead=ada.public_id)
    assert kept_pdf(week=older.week) is not None
    assert kept_pdf(week=published.week) is None
    assert keep_due_pdfs(at=MONDAY + timedelta(days=1)) == 1
    assert made == ["2026-W45", "2026-W46", "2026-W46"]
    assert ReportPdf.objects.get(report=published).made_at == MONDAY + timedelta(days=1)
    assert erase_from_reports(lead=LeadFactory().public_id).cells == 0
    assert kept_pdf(week=published.week) is not None


def test_what_was_begun_before_an_erasure_is_not_kept(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = LeadFactory(first_name="Ada", captured_at=world.on(10))
    world.passage(ada, "mql", world.on(10))
    published = report()
    files = [b"%PDF of before", b"%PDF of after"]

    def slow(*, report: WeeklyReport, company_name: str) -> bytes:
        if len(files) == 2:
            erase_from_reports(lead=ada.public_id)
        return files.pop(0)

    monkeypatch.setattr(keeping, "render_pdf", slow)
    assert keep_pdf(report=published, at=MONDAY) == b"%PDF of after"
    assert kept_pdf(week=published.week) == b"%PDF of after"


def test_a_damaged_file_is_made_anew(company: Company, made: list[str]) -> None:
    published = report()
    keep_pdf(report=published, at=MONDAY)
    ReportPdf.objects.update(content=b"%PDF of somebody else")
    assert keep_pdf(report=published, at=MONDAY).startswith(b"%PDF-")
    assert len(made) == 2


def test_without_the_library_nothing_is_kept_and_the_claim_is_free(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = report()

    def missing(**_: object) -> bytes:
        raise PdfUnavailable("PDF files need the Pango library")

    monkeypatch.setattr(keeping, "render_pdf", missing)
    assert keep_due_pdfs(at=MONDAY) == 0
    monkeypatch.undo()
    assert ReportPdf.objects.get(report=published).claimed_at is None
    assert keep_due_pdfs(at=MONDAY) == 1


def long(content: dict[str, Any]) -> dict[str, Any]:
    """A report with as much in it as there can be."""
    restated = {
        "week": "2026-W45", "name": "Revenue " * 18, "published_text": "€1,000,000", "current_text": "€1,200,000",
        "cause": "Deal amount changed: Renewal of everything " * 6,
    }  # fmt: skip
    revision = {
        "entry": "pipeline.sourced", "name": "Sourced pipeline", "version": 3, "reason": "Both sides agreed. " * 15,
        "at": datetime(2026, 11, 12, tzinfo=UTC).isoformat(), "text": "Counts differently now. " * 15, "by": "Ada Berg",
    }  # fmt: skip
    rows = content["campaigns"]["best"] + content["campaigns"]["worst"]
    row = {**rows[0], "name": "Summer campaign for everybody " * 6, "channel": "Paid social of the North " * 3}
    return {
        **content,
        "headline": {**content["headline"], "sentence": content["headline"]["sentence"] * 4},
        "campaigns": {**content["campaigns"], "best": [row] * 5, "worst": [row] * 5},
        "restatements": [restated] * 40,
        "revisions": [revision] * 6,
    }


def test_two_full_a4_pages_with_little_and_with_much(company: Company) -> None:
    empty = report(Week(2026, 30))
    build_world()
    usual = report()
    much = report()
    for name, each in (("empty", empty), ("usual", usual), ("much", much)):
        if name == "much":
            each.content = long(each.content)
        found = pages(render_pdf(report=each, company_name="Acme & Sons"))
        assert len(found) == 2, name
        assert {(round(page.mediabox.width), round(page.mediabox.height)) for page in found} == {A4}
        assert all(len(page.extract_text()) > 200 for page in found), name
