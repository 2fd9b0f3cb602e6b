"""A rep's morning on a phone: twenty new MQLs decided with at most 45 taps, and the same by keyboard at a desk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import WIDTHS, Portal, Visitor

pytestmark = pytest.mark.browser
LEADS, MOST_TAPS = 20, 45


def qualified(number: int, kind: str, name: str) -> dict[str, object]:
    """A lead whom the demo's rules make an MQL once they sent a form and came to a webinar."""
    return {
        "email": f"morning{number}@morning{number}-works.example",
        "first_name": "Mona",
        "last_name": f"Morning {number}",
        "company": f"Morning {number} Works",
        "job_title": "CTO",
        "phone": "+49 30 123456",
        "country": "DE",
        "industry": "software",
        "company_size": 600,
        "event": {
            "type": kind,
            "name": name,
            "occurred_at": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
        },
    }


def captured(portal: Portal, person: dict[str, object]) -> Any:
    """The answer to a captured lead; a portal that is busy is asked again."""
    for _ in range(10):
        answer = portal.api("POST", "/integrations/sales/leads", json=person)
        if answer.status_code in (200, 201):
            return answer.json()
        assert answer.status_code in (429, 503), answer.text
        time.sleep(float(answer.headers.get("Retry-After", 1)))
    raise AssertionError("The portal stayed busy.")


@pytest.fixture(scope="module")
def mqls(portal: Portal, browser: Browser) -> list[str]:
    """Enough new MQLs of the rep, by their paths."""
    paths = []
    for number in range(LEADS + 3):
        captured(portal, qualified(number, "form_submission", "Pricing request"))
        lead = captured(portal, qualified(number, "webinar_attendance", "Planning with Real Numbers"))
        assert lead["stage"] == "mql", lead
        paths.append(f"/leads/{lead['id']}")
    context = browser.new_context(base_url=portal.url)
    page = context.new_page()
    sign_in(page, portal, "sales_rep")
    name = page.locator(".user-name").inner_text().split("\n")[0].strip()
    context.clear_cookies()
    sign_in(page, portal, "sales_leader")
    for path in paths:
        page.goto(path)
        if f"owner: {name}" in page.locator(".page-subtitle").inner_text():
            continue
        page.get_by_text("Give this lead to somebody else").click()
        page.get_by_label("New owner").select_option(label=name)
        page.locator("#reassign_reason").fill("Morning round")
        page.get_by_role("button", name="Reassign").click()
        expect(page.locator(".page-subtitle")).to_contain_text(name)
    context.close()
    return paths


def sign_in(page: Page, portal: Portal, role: str) -> None:
    user = portal.users[role]
    page.goto("/account/login/")
    page.fill("input[name=login]", user["email"])
    page.fill("input[name=password]", user["password"])
    page.click("form button[type=submit] >> nth=0")
    page.wait_for_url(lambda url: "/account/login" not in url)


@pytest.fixture
def phone(browser: Browser, portal: Portal) -> Iterator[Page]:
    context = browser.new_context(
        base_url=portal.url, viewport={"width": 390, "height": WIDTHS[390]}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    sign_in(page, portal, "sales_rep")
    yield page
    context.close()


class Thumb:
    """Taps, counted."""

    def __init__(self) -> None:
        self.taps = 0

    def tap(self, place: Locator) -> None:
        self.taps += 1
        place.tap()


def test_twenty_leads_are_decided_with_few_taps(phone: Page, mqls: list[str]) -> None:
    phone.goto("/my-day")
    thumb, decided, names = Thumb(), 0, set()
    thumb.tap(phone.get_by_role("link", name="Start with the first"))
    while decided < LEADS:
        phone.wait_for_load_state()
        bar = phone.get_by_role("group", name="Work on this lead")
        name = phone.locator("h1").inner_text()
        accept = bar.get_by_role("button", name="Accept")
        if not accept.count():
            thumb.tap(bar.get_by_role("link", name="Next"))
            continue
        with phone.expect_navigation():
            if decided % 3 == 2:
                thumb.tap(bar.locator("summary", has_text="Reject"))
                thumb.tap(bar.get_by_role("button", name="No need"))
            else:
                thumb.tap(accept)
        expect(phone.locator("#messages")).to_contain_text(
            f"{name} is {'rejected' if decided % 3 == 2 else 'accepted'}"
        )
        names.add(name)
        decided += 1
    assert len(names) == LEADS
    assert thumb.taps <= MOST_TAPS


def test_keys_do_the_same_and_leave_fields_alone(visitor: Visitor, mqls: list[str]) -> None:
    visitor.sign_in("sales_rep")
    page = visitor.page
    page.goto("/my-day")
    visitor.look("my-day")
    page.keyboard.press("n")
    page.wait_for_url(lambda url: "day=" in url)
    while not page.locator("[data-key=a]").count():
        with page.expect_navigation():
            page.keyboard.press("n")
    visitor.look("lead-in-a-round")
    name, where = page.locator("h1").inner_text(), page.url
    page.locator("#log_note").focus()
    page.keyboard.type("an arrangement")
    expect(page.locator("#log_note")).to_have_value("an arrangement")
    assert page.url == where
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_text("Keys work while no field has the focus.")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.locator(".desk-reasons button").first).to_be_focused()
    page.keyboard.press("Escape")
    with page.expect_navigation():
        page.keyboard.press("a")
    expect(page.locator("#messages")).to_contain_text(f"{name} is accepted.")
