"""An admin builds a workflow without scripts, tries it on a lead, activates it, and sees it run for a new lead."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Portal, Visitor

pytestmark = pytest.mark.browser
PATIENCE = 120
"""Seconds for a beat of 30 seconds on a busy machine."""


def built(page: Page) -> None:
    page.goto("/workflows")
    page.get_by_role("link", name="New workflow").click()
    page.get_by_label("Name").fill("Welcome engines")
    page.get_by_role("button", name="Create draft").click()
    page.get_by_role("link", name="Edit").click()
    conditions = page.get_by_role("region", name="Enroll leads for whom")
    conditions.get_by_role("button", name="Add condition").click()
    conditions.get_by_label("Property").select_option(label="Company")
    conditions.get_by_role("button", name="Show fields").click()
    conditions.get_by_label("Values, one per line").fill("Difference Engines")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Leads for whom company is Difference Engines, once").wait_for()
    page.get_by_role("link", name="Add step").click()
    page.get_by_role("link", name="Notify").click()
    page.get_by_label("Whom").select_option(label="All admins")
    page.get_by_label("Message").fill("Say hello")
    page.get_by_role("button", name="Save step").click()
    page.get_by_text("Notify all admins: Say hello").wait_for()
    page.get_by_role("link", name="Add step").click()
    page.get_by_role("link", name="Send an email").click()
    page.get_by_label("Subject").fill("Welcome, {{ lead.first_name }}")
    page.get_by_label("Text").fill("Dear {{ lead.name }},\n\nwelcome.")
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("Dear Ada Byron,").first.wait_for()
    page.get_by_role("button", name="Save step").click()


def test_a_workflow_is_built_without_scripts_and_runs(portal: Portal, browser: Browser, visitor: Visitor) -> None:
    visitor.sign_in("admin")
    state = visitor.page.context.storage_state()
    context = browser.new_context(base_url=portal.url, java_script_enabled=False, storage_state=state)
    built(context.new_page())
    context.close()

    page = visitor.page
    page.goto("/workflows")
    page.get_by_role("link", name="Welcome engines").click()
    page.get_by_role("link", name="Edit draft").click()
    visitor.look("workflow-draft")
    page.get_by_role("link", name="Test run").click()
    page.locator("#id_lead").fill("a")
    page.get_by_role("button", name="Run").click()
    page.locator("button[name=lead]").first.click()
    page.get_by_text("not enrolled.").wait_for()
    page.get_by_text("Would be done").first.wait_for()
    visitor.look("workflow-test")
    page.goto("/workflows")
    page.get_by_role("link", name="Welcome engines").click()
    page.get_by_role("link", name="Edit draft").click()
    page.locator("#id_why").fill("Agreed with sales")
    page.get_by_role("button", name="Activate version 1").click()
    page.get_by_text("Version 1 is active.").wait_for()
    address = page.url

    answer = portal.api(
        "POST",
        "/integrations/sales/leads",
        json={
            "email": "charles@difference.example",
            "first_name": "Charles",
            "last_name": "Babbage",
            "company": "Difference Engines",
            "event": {"type": "form_submission", "name": "Demo request"},
        },
    )
    assert answer.status_code in (200, 201, 202), answer.text
    page.goto(f"{address}/log")
    until = time.monotonic() + PATIENCE
    while not page.get_by_role("link", name="Charles Babbage").count():
        assert time.monotonic() < until, page.inner_text("main")
        time.sleep(1)
        page.reload()
    visitor.look("workflow-log")
    page.get_by_role("link", name="Charles Babbage").click()
    while not page.get_by_text("Say hello").count():
        assert time.monotonic() < until, page.inner_text("main")
        time.sleep(1)
        page.reload()
    page.get_by_text("Became a lead. Company is Difference Engines").wait_for()
    page.get_by_text("Welcome, Charles").first.wait_for()
    visitor.look("enrollment")
    page.goto("/notifications")
    page.get_by_text("Say hello: Charles Babbage, Difference Engines").first.wait_for()
    page.goto("/workflows")
    page.get_by_role("link", name="Nurture after a form").click()
    visitor.look("workflow")
