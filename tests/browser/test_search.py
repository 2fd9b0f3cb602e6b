"""Search and notifications by keyboard alone, and without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Portal, Visitor

pytestmark = pytest.mark.browser


def test_search_is_opened_moved_through_and_followed_by_keys(visitor: Visitor) -> None:
    visitor.sign_in("marketing_director")
    visitor.page.goto("/pipeline")
    page = visitor.page
    page.keyboard.press("Control+k")
    words = page.locator("#search-words")
    expect(words).to_be_focused()
    page.keyboard.type("brand")
    first = page.locator("#search-results a.search-hit").first
    first.wait_for()
    visitor.look("search-dialog")
    page.keyboard.press("ArrowDown")
    expect(first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(words).to_be_focused()
    address = first.get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{address}")


def test_escape_closes_search_and_gives_the_focus_back(visitor: Visitor) -> None:
    visitor.sign_in("sales_rep")
    visitor.page.goto("/leads")
    opener = visitor.page.locator("[data-search-open]")
    opener.focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator("#search-words")).to_be_focused()
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.locator("#search-dialog")).to_be_hidden()
    expect(opener).to_be_focused()


def test_search_works_without_scripts(browser: Browser, portal: Portal) -> None:
    context = browser.new_context(base_url=portal.url, java_script_enabled=False)
    page, user = context.new_page(), portal.users["marketing_director"]
    page.goto("/account/login/")
    page.fill("[name=login]", user["email"])
    page.fill("[name=password]", user["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.locator("[data-search-open]").click()
    page.locator("#search-q").fill("brand")
    page.keyboard.press("Enter")
    page.locator(".search-page a.search-hit[href*='/campaigns/']").first.click()
    assert "/campaigns/" in page.url
    context.close()


def test_pages_of_notifications_look_right(visitor: Visitor) -> None:
    visitor.sign_in("admin")
    for path in (
        "/notifications",
        "/notifications/preferences",
        "/settings/chat",
        "/settings/chat/add",
        "/search?q=brand",
    ):
        visitor.page.goto(path)
        visitor.look(path.strip("/").replace("/", "-").replace("?", "-"))
