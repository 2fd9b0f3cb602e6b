"""Territory rules at a browser: changed in a draft, simulated on the last 13 weeks, activated."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Portal, Visitor

pytestmark = pytest.mark.browser


def test_a_draft_is_simulated_and_activated(portal: Portal, visitor: Visitor) -> None:
    visitor.sign_in("sales_leader")
    page = visitor.page
    page.goto("/territories")
    page.get_by_role("button", name="Change the rules").click()
    page.get_by_role("button", name="Simulate on the last 13 weeks").wait_for()
    draft = page.url
    page.get_by_role("button", name="Move rule 1 down").click()
    page.goto(draft)
    page.get_by_role("button", name="Simulate on the last 13 weeks").click()
    page.get_by_text("Would move").wait_for(timeout=30_000)
    visitor.look("territories-simulated")
    page.goto(draft)
    page.get_by_label("Reason").fill("Try another order")
    page.get_by_role("button", name="Activate", exact=True).click()
    page.get_by_text("Try another order").first.wait_for()
    page.goto("/territories")
    page.get_by_role("heading", name="Territories", level=1).wait_for()
    assert "Try another order" in page.inner_text("main")
