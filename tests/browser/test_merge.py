"""Two records of one person become one, and two again, at a browser."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.browser.conftest import Portal, Visitor

pytestmark = pytest.mark.browser


def test_a_duplicate_is_found_merged_and_taken_back(portal: Portal, visitor: Visitor) -> None:
    person: dict[str, Any] = {
        "first_name": "Ada",
        "last_name": "Twice",
        "company": "Twice Looms",
        "event": {"type": "form_submission", "occurred_at": datetime.now(UTC).isoformat(), "name": "Offer"},
    }
    for email, more in (("ada@twice-looms.example", {}), ("a.twice@twice-looms.example", {"phone": "+49 30 123456"})):
        posted = portal.api("POST", "/integrations/sales/leads", json={"email": email, **person, **more})
        assert posted.status_code == 201, posted.text
    lead = posted.json()["id"]
    visitor.sign_in("sales_leader")
    page = visitor.page
    page.goto(f"/leads/{lead}")

    page.get_by_role("link", name="Merge with another lead").click()
    page.get_by_text("same name and company").first.wait_for()
    page.get_by_label("Name, email or company").fill("twice")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("heading", name="Search for another lead").wait_for()
    visitor.look("merge-find")
    page.get_by_role("link", name="Ada Twice").last.click()
    page.get_by_role("heading", name="Which value wins").wait_for()
    visitor.look("merge-preview")
    page.get_by_label("How do you know?").fill("She told us")
    page.get_by_role("button", name="Merge the two").click()
    page.get_by_role("heading", name="Merged into this lead").wait_for()
    visitor.look("merge-done")

    page.get_by_role("button", name="Take back the merge of Ada Twice").click()
    page.get_by_text("are two leads again").wait_for()


def test_the_queue_is_worked_by_keyboard(portal: Portal, visitor: Visitor) -> None:
    for side in "ab":
        person = {"first_name": "Kim", "last_name": f"Keys {side}", "phone": "+49 30 7654321"}
        body = {"email": f"{side}@keys-{side}.example", **person, "event": {"type": "form_submission"}}
        assert portal.api("POST", "/integrations/sales/leads", json=body).status_code == 201
    visitor.sign_in("sales_leader")
    page = visitor.page
    pair = page.get_by_role("heading", name="Kim Keys")
    deadline = time.monotonic() + 100  # pairs are looked for once a minute
    while not pair.is_visible() and time.monotonic() < deadline:
        page.goto("/leads/duplicates")
        while not pair.is_visible() and page.get_by_role("link", name="Next").is_visible():
            with page.expect_navigation():
                page.keyboard.press("n")
    kept = pair.inner_text()
    with page.expect_navigation():
        page.keyboard.press("k")
    assert pair.inner_text() == " and ".join(reversed(kept.split(" and ")))
    visitor.look("duplicates-pair")
    with page.expect_navigation():
        page.keyboard.press("m")
    page.get_by_text("is part of").wait_for()
    page.get_by_role("button", name="Take back the decision about Kim Keys").click()
    page.get_by_text("are to be decided again").wait_for()
