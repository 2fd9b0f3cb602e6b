"""Every page looks right at both widths, passes axe, and works with and without scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.browser.conftest import Portal, Visitor

pytestmark = pytest.mark.browser

PAGES = {
    "marketing_director": [
        "/reports",
        "/attribution",
        "/pipeline",
        "/leads",
        "/integration-points",
        "/imports",
        "/figures",
    ],
    "sales_leader": ["/pipeline", "/integration-points", "/integration-points/1.1.1", "/connections"],
    "sales_rep": ["/leads", "/pipeline", "/integration-points"],
    "admin": ["/connections", "/imports"],
}


@pytest.mark.parametrize("role", sorted(PAGES))
def test_every_page_looks_right(portal: Portal, visitor: Visitor, role: str) -> None:
    visitor.sign_in(role)
    for path in PAGES[role]:
        answer = visitor.page.goto(path)
        assert answer is not None, f"{role} {path}: {answer and answer.status}"
        assert answer.status == 200, f"{role} {path}: {answer and answer.status}"
        visitor.look(f"{role}{path.replace('/', '-')}")


def test_sign_in_page_and_errors_look_right(visitor: Visitor) -> None:
    visitor.page.goto("/account/login/")
    visitor.look("sign-in")
    visitor.sign_in("sales_rep")
    visitor.page.goto("/nothing-here")
    visitor.look("not-found")


def test_a_figure_opens_to_its_rows_without_leaving_the_page(visitor: Visitor) -> None:
    visitor.sign_in("sales_leader")
    visitor.page.goto("/pipeline")
    visitor.page.locator(".tile a").first.click()
    panel = visitor.page.locator("dialog#panel")
    panel.get_by_text("Formula").first.wait_for()
    assert panel.locator("tbody tr").count() > 0
    assert "/pipeline" in visitor.page.url


def test_a_change_is_told_by_name_with_its_right(visitor: Visitor) -> None:
    """From a campaign's costs to who said them, at both widths; then the history of a lead."""
    visitor.sign_in("marketing_director")
    visitor.page.goto("/attribution")
    visitor.page.locator("a[href*='/campaigns/']").first.click()
    visitor.page.get_by_role("link", name="Costs", exact=True).click()
    visitor.page.get_by_label("Day, or first day").fill("2026-01-05")
    visitor.page.get_by_label("Amount", exact=False).first.fill("123.45")
    visitor.page.get_by_role("button", name="Record the cost").click()
    visitor.page.get_by_role("link", name="Change history").click()
    entry = visitor.page.locator(".changes > li").first
    assert "€123.45" in entry.inner_text()
    assert "Allowed because: Marketing director" in entry.inner_text()
    visitor.look("history-costs")
    visitor.page.goto("/leads")
    visitor.page.locator("tbody th a").first.click()
    visitor.page.get_by_role("link", name="Change history").click()
    visitor.page.locator(".changes > li").first.wait_for()
    visitor.look("history-lead")


@pytest.mark.parametrize("path", ["/pipeline", "/leads", "/figures/pipeline.won", "/integration-points/1.1.1"])
def test_a_page_of_the_past_looks_right(visitor: Visitor, path: str) -> None:
    visitor.sign_in("sales_leader")
    today = datetime.now(UTC).date().isoformat()
    visitor.page.goto(f"{path}?as_of={today}")
    visitor.page.get_by_text("Data as known on").wait_for()
    visitor.look(f"past{path.replace('/', '-')}")
    visitor.page.get_by_role("link", name="Back to now").click()
    visitor.page.wait_for_url(lambda url: "as_of" not in url)
    assert visitor.page.get_by_text("Data as known on").count() == 0


def test_the_side_panel_stays_in_the_past(visitor: Visitor) -> None:
    visitor.sign_in("sales_leader")
    visitor.page.goto(f"/pipeline?as_of={datetime.now(UTC).date().isoformat()}")
    visitor.page.locator(".tile a").first.click()
    panel = visitor.page.locator("dialog#panel")
    panel.get_by_text("Data as known on").wait_for()
    assert "as_of=" in str(panel.locator("#panel-page").get_attribute("href"))


def test_a_moment_is_chosen_among_the_filters(visitor: Visitor) -> None:
    visitor.sign_in("sales_leader")
    visitor.page.goto("/pipeline")
    visitor.page.get_by_label("As of").fill("2999-01-01")
    visitor.page.get_by_role("button", name="Apply").click()
    visitor.page.get_by_text("The future is not known yet.").wait_for()
    visitor.look("past-refused")


def test_pages_work_without_scripts(browser: Any, portal: Portal) -> None:
    context = browser.new_context(base_url=portal.url, java_script_enabled=False)
    page = context.new_page()
    user = portal.users["sales_leader"]
    page.goto("/account/login/")
    page.fill("input[name=login]", user["email"])
    page.fill("input[name=password]", user["password"])
    page.click("form button[type=submit] >> nth=0")
    page.goto("/pipeline")
    page.locator(".tile a").first.click()
    assert page.get_by_text("Formula").count() > 0
    context.close()


def test_the_dark_theme_is_kept_per_user_and_print_stays_light(visitor: Visitor) -> None:
    ink = "getComputedStyle(document.body).color"
    visitor.sign_in("sales_leader")
    page = visitor.page
    page.goto("/pipeline")
    assert page.evaluate(ink) == "rgb(29, 38, 51)"
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ink) == "rgb(230, 234, 241)"  # follows the system
    page.emulate_media(color_scheme="light")

    def choose(theme: str) -> None:
        page.locator(".user-menu > summary").click()
        page.get_by_role("button", name=theme, exact=True).click()
        page.wait_for_load_state("networkidle")

    choose("Dark")
    visitor.sign_in("sales_leader")
    page.goto("/pipeline")
    assert page.evaluate(ink) == "rgb(230, 234, 241)"
    visitor.look("dark-pipeline")
    page.emulate_media(media="print")
    assert page.evaluate(ink) == "rgb(29, 38, 51)"
    assert page.evaluate("getComputedStyle(document.querySelector('.chart text')).fill") in (
        "rgb(29, 38, 51)",
        "rgb(86, 96, 112)",
    )
    page.emulate_media(media="screen")
    choose("System")
    assert page.evaluate(ink) == "rgb(29, 38, 51)"
