"""Every list, form and record of the administration: axe in both themes, and nothing wider than a phone.

Light at 1440 px, dark at 390 px, as in `test_every_page`; one record stands for all of its kind. Pages share one style
sheet and few templates, so that axe, which takes longest, looks at them in one theme and the other by turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from itertools import cycle

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import WIDTHS, Portal

pytestmark = pytest.mark.browser
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
LOOKS = {1440: "light", 390: "dark"}
MODELS = "links => links.map(each => new URL(each.href).pathname)"
SHORTEN = "() => document.querySelectorAll('#result_list tbody tr:nth-child(n+11)').forEach(row => row.remove())"
"""The rows of a list are alike: ten tell what a hundred would, and looking at them takes a tenth of the time."""
RUN = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
  each => `${each.id}: ${each.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join("; ")}`)"""


def pages_of_administration(page: Page) -> Iterator[str]:
    """The index, then of each model its list, its form for a new record, and its first record."""
    page.goto("/admin/")
    yield "/admin/"
    models = page.locator("#content-main .app-list a, #content-main .module th a").evaluate_all(MODELS)
    for path in dict.fromkeys(models):
        page.goto(path)
        add = page.locator(".object-tools a.addlink")
        record = page.locator("#result_list tbody tr th a, #result_list tbody tr td a[href*='/change/']")
        more = [found.first.get_attribute("href") for found in (add, record) if found.count()]
        yield path
        for address in more:
            page.goto(page.evaluate("address => new URL(address, location.href).href", address))
            yield page.evaluate("location.pathname")


def problems(page: Page, path: str, looked_at: int) -> Iterator[str]:
    page.evaluate(SHORTEN)
    page.evaluate(AXE)
    for width, scheme in LOOKS.items():
        page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        for violation in page.evaluate(RUN) if width == looked_at else ():
            yield f"{path} at {width} px, {scheme}: {violation}"
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            yield f"{path} is {wide} px wider than a window of {width} px"


def test_every_page_of_the_administration_is_accessible_and_fits(browser: Browser, portal: Portal) -> None:
    context = browser.new_context(base_url=portal.url)
    page = context.new_page()
    user = portal.users["admin"]
    page.goto("/account/login/")
    page.fill("input[name=login]", user["email"])
    page.fill("input[name=password]", user["password"])
    page.click("form button[type=submit] >> nth=0")
    page.wait_for_url(lambda url: "/account/login" not in url)
    wrong, paths = [], []
    for path, width in zip(pages_of_administration(page), cycle(LOOKS), strict=False):
        paths.append(path)
        wrong += problems(page, path, width)
    context.close()
    assert wrong == [], "\n".join(wrong)
    assert len([path for path in paths if path.endswith("/add/")]) >= 11, paths
    assert len(paths) >= 55, paths
