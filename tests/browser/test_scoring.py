"""A rule is built at a browser, with scripts and without: property, operator, value, points."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Portal, Visitor

pytestmark = pytest.mark.browser


def test_fields_follow_what_is_chosen(portal: Portal, visitor: Visitor) -> None:
    visitor.sign_in("admin")
    page = visitor.page
    page.goto("/scoring")
    page.get_by_role("row", name="Draft").get_by_role("link").first.click()
    page.get_by_role("link", name="Add fit rule").click()
    page.get_by_label("Property").select_option(label="Country")
    page.get_by_label("Value").select_option(["DE", "AT"])
    page.get_by_role("button", name="Add condition").click()
    page.get_by_label("Property").nth(1).select_option(label="Company size")
    page.get_by_label("Value", exact=True).nth(1).fill("50")
    page.get_by_label("Name").fill("Home market, 50 and more")
    page.get_by_label("Points").fill("10")
    visitor.look("scoring-rule")
    page.get_by_role("button", name="Save rule").click()
    page.get_by_text("+10 when country is AT or DE and company size is at least 50").first.wait_for()
    visitor.look("scoring-version")


def test_a_rule_is_built_without_scripts(portal: Portal, browser: Browser, visitor: Visitor) -> None:
    visitor.sign_in("admin")
    state = visitor.page.context.storage_state()
    context = browser.new_context(base_url=portal.url, java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto("/scoring")
    page.get_by_role("row", name="Draft").get_by_role("link").first.click()
    page.get_by_role("link", name="Add behavior rule").click()
    page.get_by_label("Property").select_option(label="Visited page")
    page.get_by_role("button", name="Show fields").click()
    page.get_by_label("Times").fill("2")
    page.locator("#id_name").fill("Came back")
    page.get_by_label("Points").fill("6")
    page.get_by_role("button", name="Save rule").click()
    page.get_by_text("+6 when visited page at least 2 times").first.wait_for()
    context.close()
