"""Filter bars by the keyboard alone: dates typed, cleared and wrong, at both widths, without a lost page."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import WIDTHS, Visitor

pytestmark = pytest.mark.browser
YEARS = re.compile("The year must (not )?lie")
MARK = "window.stayed = true"
"""Gone as soon as the browser loads another page."""


def bars(visitor: Visitor) -> list[str]:
    """Every page whose filters hold a date, as a person finds them."""
    page = visitor.page
    page.goto("/leads")
    lead = str(page.locator("tbody th a").first.get_attribute("href"))
    page.goto("/attribution?level=campaigns")
    campaign = str(page.locator("a[href*='/attribution/campaigns/']").first.get_attribute("href"))
    history = f"/history/lead/{lead.rsplit('/', 1)[1]}"
    return ["/attribution", campaign, "/attribution/sourced", "/pipeline", "/leads", history]


def tab_to(page: Page, field: Locator) -> None:
    """Put the focus on a field with the Tab key, from the top of the page."""
    page.evaluate("document.activeElement.blur(); document.getElementById('main').focus()")
    for _ in range(60):
        page.keyboard.press("Tab")
        if field.evaluate("field => field === document.activeElement"):
            return
    raise AssertionError("the field cannot be reached with Tab")


def settled(page: Page) -> None:
    expect(page.locator("#busy")).to_be_hidden()
    page.wait_for_load_state("networkidle")


def has_bar(page: Page) -> bool:
    return page.locator("details.filter-bar form").count() == 1 and bool(page.evaluate("window.stayed === true"))


@pytest.mark.parametrize("width", sorted(WIDTHS))
def test_dates_typed_cleared_and_wrong(visitor: Visitor, width: int) -> None:
    visitor.sign_in("admin")
    page = visitor.page
    urls = bars(visitor)
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    for url in urls:
        page.goto(url)
        page.evaluate(MARK)
        if page.locator("details.filter-bar").get_attribute("open") is None:  # folded away on a phone
            tab_to(page, page.locator("details.filter-bar > summary"))
            page.keyboard.press("Enter")
        for date in page.locator("form[data-filters] input[type=date]").all():
            name = str(date.get_attribute("name"))
            field = page.locator(f"form[data-filters] input[name={name}]")
            before = page.url

            # While somebody types, nothing is sent.
            tab_to(page, field)
            page.keyboard.type("11202026", delay=5)
            assert page.url == before, (url, name)
            assert field.input_value() == "2026-11-20", (url, name)
            page.keyboard.press("Enter")
            page.wait_for_url(lambda found, name=name: parse_qs(urlsplit(found).query).get(name, [""])[0] != "")
            settled(page)
            assert has_bar(page), (url, name)

            # A year nobody means is told; the bar and the page stay.
            field = page.locator(f"form[data-filters] input[name={name}]")
            tab_to(page, field)
            page.keyboard.type("01010002", delay=5)
            page.keyboard.press("Enter")
            expect(page.get_by_text(YEARS).first).to_be_visible()
            settled(page)
            assert has_bar(page), (url, name)

            # Cleared, it is the default.
            field = page.locator(f"form[data-filters] input[name={name}]")
            tab_to(page, field)
            page.keyboard.press("Backspace")
            page.keyboard.press("Tab")
            page.keyboard.press("Backspace")
            page.keyboard.press("Tab")
            page.keyboard.press("Backspace")
            page.keyboard.press("Enter")
            expect(page.get_by_text(YEARS)).to_have_count(0)
            settled(page)
            assert has_bar(page), (url, name)
            assert page.locator("[role=alert]").count() == 0, (url, name)


def test_leaving_the_group_applies_and_half_a_date_is_told(visitor: Visitor) -> None:
    visitor.sign_in("sales_leader")
    page = visitor.page
    page.goto("/pipeline")
    page.evaluate(MARK)
    field = page.locator("form[data-filters] input[name=from]")
    tab_to(page, field)
    page.keyboard.type("10", delay=5)
    page.keyboard.press("Delete")
    page.locator("#main").focus()
    expect(page.locator("#id_from-problem")).to_be_visible()
    assert "?" not in page.url
    tab_to(page, field)
    page.keyboard.type("10052026", delay=5)
    expect(page.locator("#id_from-problem")).to_have_count(0)
    page.locator("h1").click()
    page.wait_for_url(lambda url: "from=2026-10-05" in url)
    settled(page)
    assert has_bar(page)


def test_filters_answer_in_place_with_a_sign_and_a_way_back(visitor: Visitor) -> None:
    visitor.sign_in("sales_leader")
    page = visitor.page
    page.goto("/pipeline")
    page.evaluate(MARK)

    def slowly(route: Route) -> None:
        time.sleep(0.8)
        route.continue_()

    page.route("**/pipeline?*", slowly)
    page.evaluate(
        """() => { window.signs = []; const start = performance.now(); const bar = document.getElementById('busy');
        const look = () => { if (!bar.hidden && getComputedStyle(bar).opacity === '1') {
            window.signs.push(performance.now() - start); return; } requestAnimationFrame(look); };
        document.querySelector('form[data-filters]').requestSubmit(); look(); }"""
    )
    page.wait_for_url(lambda url: "?" in url)
    settled(page)
    page.unroute("**/pipeline?*")
    (after,) = page.evaluate("window.signs")
    assert after <= 200, f"a sign after {after:.0f} ms"
    assert has_bar(page)
    page.get_by_role("link", name="Amount").click()
    page.wait_for_url(lambda url: "sort=" in url)
    settled(page)
    assert has_bar(page)
    assert page.locator("th[aria-sort]").inner_text().startswith("Amount")
    assert page.evaluate("document.activeElement.textContent.trim()").startswith("Amount")
    page.go_back()
    page.wait_for_url(lambda url: "sort=" not in url)
    settled(page)
    assert page.locator("th[aria-sort]").count() == 0
    assert page.locator("details.filter-bar form").count() == 1


def test_whatever_has_the_focus_shows_the_same_ring(visitor: Visitor) -> None:
    visitor.sign_in("admin")
    page = visitor.page
    for path in ("/pipeline", "/account/password/change/", "/admin/leads/campaign/add/"):
        page.goto(path)
        rings = set()
        for _ in range(35):
            page.keyboard.press("Tab")
            rings.add(
                page.evaluate(
                    """() => { const held = document.activeElement; const place = held.closest('.tile') || held;
                    const style = getComputedStyle(place);
                    return held === document.body ? '' : `${style.outlineStyle} ${style.outlineWidth}`; }"""
                )
            )
        assert rings - {""} == {"solid 2px"}, (path, rings)
