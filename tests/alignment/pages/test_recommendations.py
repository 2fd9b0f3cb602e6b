"""The page of recommendations and its door: who reads, who decides, what stands in the report beside it."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from html import unescape
from io import BytesIO, StringIO

import openpyxl
import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from alignment.actions.report.decide_recommendation import decide_recommendation
from alignment.actions.report.render_pdf import render_pdf
from alignment.actions.report.render_report import render_email
from alignment.models import Recommendation, WeeklyReport
from leads.forms.as_of import exact
from leads.models import CampaignCost, Company, Scope, User
from leads.past.acting import backdated
from leads.pure.week import Week
from tests.alignment.factories import MONDAY, named, report
from tests.leads.api.keys import make_key
from tests.leads.factories import CampaignFactory, UserFactory
from tests.leads.figures import world

pytestmark = pytest.mark.django_db
URL = "/recommendations"
REPORT = "/reports/2026-W46"
TOLD = ("question", "changed", "grounds", "caution", "capacity")
EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)> =HYPERLINK(1)'
NEXT = MONDAY + timedelta(weeks=1)


@pytest.fixture(autouse=True)
def today() -> object:
    with time_machine.travel(MONDAY + timedelta(days=2), tick=False):
        yield


@pytest.fixture
def asked(company: Company) -> Recommendation:
    campaign = CampaignFactory(name="Banner")
    CampaignCost.objects.create(
        campaign=campaign, spent_on=world.on(10).date(), amount_cents=7_485_100, currency="EUR",
        reporting_cents=7_485_100, recorded_at=world.on(10),
    )  # fmt: skip
    report()
    return Recommendation.objects.get()


@pytest.fixture
def reader(client: Client, director: User) -> Client:
    client.force_login(named(director, "Dana Moor"))
    return client


def shown(html: str) -> str:
    return " ".join(unescape(re.sub(r"<(svg|script|style).*?</\1>|<[^>]+>", " ", html, flags=re.S)).split())


def text_of(response: object) -> str:
    return shown(response.content.decode())  # type: ignore[attr-defined]


def decide(client: Client, row: Recommendation, **given: str) -> object:
    data = {"outcome": "decided", "reason": "Halved from December on.", **given}
    return client.post(reverse("alignment:recommendation-decide", args=[row.public_id]), data, follow=True)


def test_the_report_lists_its_question_with_evidence_that_opens(reader: Client, asked: Recommendation) -> None:
    page = reader.get(REPORT)
    for text in ("Should Banner keep its budget?", asked.grounds, asked.caution, "€74,851", "New in this report"):
        assert text in text_of(page)
    links = re.findall(r'href="(/reports/2026-W46/figures/spend\.total-13-weeks\?only=[^"]+)"', page.content.decode())
    assert links
    assert reader.get(unescape(links[0])).context["only_count"] == 1


def test_deciding_leads_back_and_stands_beside_the_frozen_report(reader: Client, asked: Recommendation) -> None:
    answer = decide(reader, asked, next=REPORT)
    assert answer.redirect_chain[0][0].startswith(f"{REPORT}#recommendation-")  # type: ignore[attr-defined]
    told = "Live, not part of the frozen report: Decided by Dana Moor on 18 Nov 2026: Halved from December on."
    assert told in text_of(answer)
    assert told in text_of(reader.get(REPORT))
    assert "Decided by Dana Moor" in text_of(reader.get(f"{URL}?state=decided"))
    assert "No recommendations here" in text_of(reader.get(URL))


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_it_leads_back_to_no_other_site(reader: Client, asked: Recommendation, target: str) -> None:
    answer = decide(reader, asked, next=target)
    assert answer.redirect_chain[0][0].startswith(f"{URL}#")  # type: ignore[attr-defined]


def test_without_a_reason_it_stays_open(reader: Client, asked: Recommendation) -> None:
    assert "Say what was decided and why" in text_of(decide(reader, asked, reason="  "))
    asked.refresh_from_db()
    assert asked.state == "open"


def test_dismissing_has_its_reason_and_the_second_is_told(reader: Client, asked: Recommendation) -> None:
    assert "Dismissed, with the reason." in text_of(decide(reader, asked, outcome="dismissed", reason="Brand."))
    assert "Somebody has decided about it already." in text_of(decide(reader, asked))
    assert "Dismissed by Dana Moor on 18 Nov 2026: Brand." in text_of(reader.get(f"{URL}?state=dismissed"))


def test_reps_read_the_questions_and_decide_nothing(client: Client, asked: Recommendation, rep: User) -> None:
    client.force_login(rep)
    page = client.get(URL)
    assert asked.question in text_of(page)
    assert "€74,851" not in page.content.decode()
    assert "<textarea" not in page.content.decode()
    assert decide(client, asked).status_code == 403  # type: ignore[attr-defined]
    lines = list(csv.reader(StringIO(client.get(f"{URL}?export=csv").content.decode("utf-8-sig"))))
    assert "Grounds" not in lines[0]
    client.logout()
    assert client.get(URL).status_code == 302


@pytest.mark.parametrize("role", ["marketing_director", "sales_leader", "admin"])
def test_both_sides_see_the_forms(client: Client, asked: Recommendation, role: str) -> None:
    client.force_login(UserFactory(role=role))
    for path in (URL, REPORT):
        assert client.get(path).content.decode().count("<textarea") == 2


def test_states_are_counted_and_filter_list_and_file(reader: Client, asked: Recommendation) -> None:
    assert "Open 1 Decided 0 Dismissed 0 Replaced 0 All 1" in text_of(reader.get(URL))
    decide(reader, asked)
    for state, number in (("open", 0), ("decided", 1), ("all", 1), ("nonsense", 0)):
        assert len(reader.get(f"{URL}?state={state}").context["rows"]) == number
        lines = list(csv.reader(StringIO(reader.get(f"{URL}?state={state}&export=csv").content.decode("utf-8-sig"))))
        assert len(lines) == number + 1
    book = openpyxl.load_workbook(BytesIO(reader.get(f"{URL}?state=all&export=xlsx").content))
    assert [cell.value for cell in book.worksheets[0][2]][:4] == [
        "2026-W46", "Should Banner keep its budget?", "Review budget", "Decided",
    ]  # fmt: skip


def test_as_of_a_moment_it_shows_what_was_open_then(reader: Client, company: Company, director: User) -> None:
    campaign = CampaignFactory(name="Banner")
    CampaignCost.objects.create(
        campaign=campaign, spent_on=world.on(10).date(), amount_cents=7_485_100, currency="EUR",
        reporting_cents=7_485_100, recorded_at=world.on(10),
    )  # fmt: skip
    with backdated(MONDAY):
        report()
    with backdated(MONDAY + timedelta(days=1)):
        row = Recommendation.objects.get()
        decide_recommendation(
            recommendation=row, is_dismissed=False, by=director, reason="Halved.", at=MONDAY + timedelta(days=1)
        )
    then = exact(MONDAY + timedelta(hours=1))
    page = reader.get(URL, {"as_of": then})
    assert "Should Banner keep its budget?" in text_of(page)
    assert "<textarea" not in page.content.decode()
    assert "No recommendations here" in text_of(reader.get(URL))
    assert "No recommendations here" in text_of(reader.get(URL, {"as_of": exact(MONDAY - timedelta(days=1))}))


def test_page_mail_pdf_and_workbook_say_the_same(reader: Client, asked: Recommendation) -> None:
    decide(reader, asked)
    report(Week(2026, 47), NEXT)
    for week in ("2026-W46", "2026-W47"):
        made = WeeklyReport.objects.get(week=week)
        said = [row[name] for row in made.content["recommendations"] for name in TOLD if row[name]]
        said += [each[name] for each in made.content["last_recommendations"] for name in ("question", "outcome")]
        assert said
        _, mail, html = render_email(report=made, company_name="Acme")
        book = openpyxl.load_workbook(BytesIO(reader.get(f"/reports/{week}?export=xlsx").content))
        cells = {str(cell.value) for row in book["Summary"].iter_rows() for cell in row}
        file = PdfReader(BytesIO(render_pdf(report=made, company_name="Acme"))).pages
        pdf = "".join("".join(page.extract_text() for page in file).split())
        for text in said:
            assert text in text_of(reader.get(f"/reports/{week}"))
            assert text in " ".join(mail.split())
            assert text in shown(html)
            assert text in cells
            assert "".join(text.split()) in pdf


def test_hostile_names_and_reasons_stay_words(reader: Client, asked: Recommendation) -> None:
    Recommendation.objects.filter(pk=asked.pk).update(question=EVIL, grounds=EVIL, evidence=[
        {"label": EVIL, "text": EVIL, "entry": "", "item": ""}
    ])  # fmt: skip
    decide(reader, asked, reason=EVIL)
    type(CampaignFactory()).objects.filter(name="Banner").update(name=EVIL)
    made = report(Week(2026, 47), NEXT)
    for path in (f"{URL}?state=all", made.get_absolute_url()):
        html = reader.get(path).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html
    _, _, mail = render_email(report=made, company_name="Acme")
    assert "<script>" not in mail
    assert render_pdf(report=made, company_name="Acme").startswith(b"%PDF-")
    lines = list(csv.reader(StringIO(reader.get(f"{URL}?state=all&export=csv").content.decode("utf-8-sig"))))
    assert not any(cell.startswith(("=", "+", "@")) for line in lines for cell in line)


def test_the_api_lists_them_by_state(client: Client, asked: Recommendation, reader: Client) -> None:
    _, headers = make_key(Scope.PERFORMANCE_READ)
    answer = Client().get("/api/v1/recommendations?state=open", headers=headers)
    assert answer.status_code == 200
    (row,) = answer.json()["results"]
    assert (row["question"], row["state"], row["week"]) == (asked.question, "open", "2026-W46")
    assert row["evidence"][0]["url"].startswith("http://testserver/reports/2026-W46/figures/")
    decide(reader, asked)
    assert Client().get("/api/v1/recommendations?state=open", headers=headers).json()["results"] == []
    (row,) = Client().get("/api/v1/recommendations", headers=headers).json()["results"]
    assert (row["closed_by"], row["reason"]) == ("Dana Moor", "Halved from December on.")
    assert Client().get("/api/v1/recommendations?state=x", headers=headers).status_code == 400
    assert Client().get("/api/v1/recommendations?stat=open", headers=headers).status_code == 400
