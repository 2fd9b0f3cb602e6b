"""A CRM is connected step by step, tried, switched on, and what it brought is undone, at a browser."""

from __future__ import annotations

import re
import time
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Page

from tests.browser.conftest import Portal, Visitor

pytestmark = pytest.mark.browser
CONTACTS = "/hubspot/crm/objects/2026-09/contacts/batch/upsert"


def finished(page: Page, url: str, words: str, *, seconds: float = 120) -> None:
    """Load a page until a worker has done what was asked for."""
    deadline = time.monotonic() + seconds
    shown = ""
    while words not in shown or "is under way" in shown or "waiting for a worker" in shown:
        assert time.monotonic() < deadline, f"{words} never stood on {url}"
        time.sleep(1)
        # The answer to the click before can come in just now, ending this load or replacing what is being read; the
        # next turn asks again.
        with suppress(Error):
            page.goto(url)
            shown = page.content()


def test_wizard_dry_run_switch_on_and_undo(portal: Portal, visitor: Visitor) -> None:
    person = {"email": "nina@prospect.example", "firstname": "Nina", "lastname": "Berg-Neu"}
    made = {"inputs": [{"id": person["email"], "idProperty": "email", "properties": person}]}
    assert portal.crm("POST", CONTACTS, json=made).status_code == 200
    visitor.sign_in("admin")
    page = visitor.page

    page.goto("/connections/add")
    page.get_by_role("link", name="Try HubSpot without an account").click()
    page.get_by_label("Name").fill("Our HubSpot")
    page.get_by_role("button", name="Save and test").click()
    page.get_by_text("Connected to").first.wait_for()
    here = page.url.removesuffix("/test")
    page.get_by_text("none mapped, so no deal can be read").first.wait_for()

    page.goto(f"{here}/dry-run")
    page.get_by_text("Something is missing.").wait_for()
    page.get_by_label("Switch on without a dry run").wait_for()
    visitor.look("connect-gaps")
    page.goto(f"{here}/stages")
    page.get_by_role("button", name=re.compile("Confirm|Save")).first.click()
    page.wait_for_url(f"{here}/owners")
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url(f"{here}/content")
    page.get_by_label("Everybody").check()
    page.get_by_label("Calls", exact=True).select_option("talked")
    visitor.look("connect-content")
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url(f"{here}/dry-run")

    page.get_by_role("button", name="Begin a dry run").click()
    finished(page, f"{here}/dry-run", "Look at every field, before and after")
    page.get_by_role("link", name="Look at every field, before and after").click()
    page.get_by_text("Nina Berg-Neu").first.wait_for()
    page.goto(f"{here}/dry-run")
    visitor.look("connect-tried")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Switch on").click()
    page.get_by_text("is switched on").first.wait_for()

    page.get_by_role("button", name="Sync now").click()
    page.goto("/leads?q=Berg-Neu")
    finished(page, "/leads?q=Berg-Neu", "Nina Berg-Neu")
    page.goto(here)
    # The first pull is the one that brought her.
    page.get_by_role("row").filter(has_text="Pull").last.get_by_role("link").first.click()
    page.get_by_role("link", name="Undo this run").click()
    page.get_by_text("What goes back").first.wait_for()
    visitor.look("connect-undo")
    page.get_by_role("button", name="Undo this run").click()
    finished(page, page.url, "This took back")
    page.goto("/leads?q=Berg-Neu")
    assert "Nina Berg-Neu" not in page.content()
