"""A director's Monday: read what the report recommends, look at the rows, decide with a reason; the PDF is there."""

from __future__ import annotations

from io import BytesIO

import pytest
from pypdf import PdfReader

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser


def test_from_a_recommendation_to_a_decision(visitor: Visitor) -> None:
    visitor.sign_in("marketing_director")
    page = visitor.page
    page.goto("/recommendations")
    visitor.look("recommendations")
    first = page.locator(".recommendation", has=page.locator("textarea")).last
    question = first.locator(".recommendation-question strong").inner_text()

    # In the report that asked it, a value opens its rows, and Decide opens a form that asks why.
    first.get_by_role("link", name="W", exact=False).first.click()
    page.wait_for_url("**/reports/20*")
    asked = page.locator(".recommendation", has_text=question)
    assert question in asked.inner_text()
    asked.get_by_text("Evidence", exact=True).click()
    asked.locator("a.figure-link").first.click()
    page.locator("dialog#panel[open] table").first.wait_for()
    page.keyboard.press("Escape")
    asked.get_by_text("Decide", exact=True).first.click()
    visitor.look("recommendations-report")
    asked.get_by_label("What was decided, and why?").fill("A third of it moves next month.")
    asked.get_by_role("button", name="Decide").click()
    page.wait_for_load_state("networkidle")
    told = page.locator(".recommendation", has_text=question).inner_text()
    assert "Live, not part of the frozen report" in told
    assert "A third of it moves next month." in told

    # All of them, by state.
    page.goto("/recommendations?state=decided")
    assert question in page.locator("main").inner_text()
    visitor.look("recommendations-decided")

    # The PDF has its two pages.
    page.goto("/reports")
    answer = page.request.get(f"{page.url}/report.pdf")
    assert answer.ok
    (visitor.pictures / "weekly-report.pdf").write_bytes(answer.body())
    assert len(PdfReader(BytesIO(answer.body())).pages) == 2


def test_a_rep_reads_what_was_recommended(visitor: Visitor) -> None:
    visitor.sign_in("sales_rep")
    visitor.page.goto("/recommendations?state=all")
    assert visitor.page.locator(".recommendation").count() > 0
    assert visitor.page.locator("textarea").count() == 0
    visitor.look("recommendations-rep")
