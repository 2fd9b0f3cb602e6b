"""From a restated figure to the row that changed, its history, and the page as it was when the report came out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser
DEAL = "a[href^='/opportunities/']"


def restated_by_a_deal(page: Page) -> tuple[str, str]:
    """The newest report with a correction that names a deal, and the address of that figure in the report."""
    found: list[tuple[str, str]] = []
    page.goto("/reports/all")
    links = page.locator("a[href*='/reports/20']").evaluate_all("links => links.map(each => each.getAttribute('href'))")
    for report in dict.fromkeys(str(link).split("?")[0] for link in links):
        page.goto(f"{report}/restatements")
        numbers = page.locator("section.card", has=page.locator(DEAL)).locator(".card-header a.figure-link")
        addresses = numbers.evaluate_all("links => links.map(each => each.getAttribute('href'))")
        page.goto(report)
        for address in addresses:
            if "?" in address:  # a campaign's row, not of the whole company
                continue
            found.append((report, str(address)))
            if page.locator(_told(address)).count():
                return found[-1]
    assert found, "No report of the demo was restated by a deal."
    return found[0]  # the demo of this day restated no figure that has a tile


def _told(address: str) -> str:
    return f"a.figure-link[href*='/restatements?figure={address.rsplit('/', 1)[1]}']"


def panel_of(page: Page) -> Locator:
    return page.locator("dialog#panel[open]")


def test_from_a_restated_figure_to_the_page_as_of_publication(visitor: Visitor) -> None:
    visitor.sign_in("admin")
    page = visitor.page
    report, figure = restated_by_a_deal(page)
    entry = figure.rsplit("/", 1)[1]

    # The report tells of it, and its ledger names the row, from what to what.
    page.goto(report)
    if (told := page.locator(_told(figure))).count():
        told.first.click()
        panel_of(page).locator(DEAL).first.wait_for()
    page.goto(f"{report}/restatements?figure={entry}")
    visitor.look("restatement")
    row = page.locator("tbody tr", has=page.locator(DEAL)).first
    changed = row.locator("[data-label='What changed']").inner_text()
    now = changed.splitlines()[0].rsplit("→", 1)[1].strip()
    name = row.locator(DEAL).inner_text()

    # The row is a deal whose history tells the same change.
    row.locator(DEAL).click()
    page.wait_for_url("**/opportunities/*")
    assert name in page.locator("h1").inner_text()
    page.get_by_role("link", name="Change history").click()
    page.locator(".changes > li").first.wait_for()
    assert page.locator(".changes .field-after", has_text=now).count() > 0
    visitor.look("restatement-history")

    # Asked as of the publication, the live figure is what was published; now it is not.
    page.goto(figure)
    published = page.locator(".tile-value").first.inner_text()
    page.get_by_role("link", name="The live figure as of publication").click()
    page.get_by_text("Data as known on").first.wait_for()
    assert page.locator(".tile-value").first.inner_text() == published
    visitor.look("restatement-as-published")
    page.get_by_role("link", name="Back to now").click()
    page.wait_for_url(lambda url: "as_of" not in url)
    assert page.locator(".tile-value").first.inner_text() != published
