"""Every page there is, found by following its links: axe in both themes, nothing wider than its window, none too long.

Pages of one kind (another lead, another week) are looked at once. Light at 1440 px, dark at 390 px: contrast does not
depend on the width, and the width does not depend on the colors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import WIDTHS, Portal

pytestmark = pytest.mark.browser
LONGEST = 6_000
"""Pixels at 390 px; administration and its long forms excepted."""
SCHEMES = {1440: "light", 390: "dark"}
ELSEWHERE = ("/api/", "/static/", "/account/logout", "/admin/logout", "/admin/jsi18n")
ADMIN_IN_THE_DARK = ("/admin/", "/admin/leads/campaign/", "/admin/leads/campaign/add/")
"""The administration shares one style sheet: a list and a form are enough."""
STARTS = {
    "admin": ["/", "/reports", "/attribution?level=campaigns", "/attribution?view=methods", "/leads", "/admin/"],
    "sales_rep": ["/leads", "/pipeline", "/integration-points"],
}
_ONE_OF_MANY = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "ID"),
    (r"/\d{4}-W\d\d", "/WEEK"),
    (r"/\d+(?=/|$)", "/N"),
    (r"/integration-points/[\d.]+", "/integration-points/CODE"),
    (r"/(leads|pipeline|quality|spend|attribution)\.[\w.]+", "/FIGURE"),
    (r"(/attribution/methods/own)/[\w-]+", r"\1/SLUG"),
)
SHORTEN = "() => document.querySelectorAll('tbody tr:nth-child(n+11)').forEach(row => row.remove())"
"""The rows of a table are alike: ten tell axe what fifty would."""
HREFS = "links => links.filter(each => !each.hasAttribute('download')).map(each => each.href)"


def kind(url: str) -> str:
    """What a page is, whichever record it shows."""
    path = urlsplit(url).path
    for pattern, name in _ONE_OF_MANY:
        path = re.sub(pattern, name, path)
    return path


def found_from(page: Page, portal: Portal, starts: list[str]) -> Iterator[str]:
    """Open every kind of page once; yields its path while it is open."""
    waiting, seen = list(starts), {kind(start) for start in starts}
    while waiting:
        path = waiting.pop(0)
        page.set_viewport_size({"width": 390, "height": WIDTHS[390]})  # what folds on a phone folds while it loads
        answer = page.goto(path)
        assert answer is not None, path
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        assert answer.status in (200, 403), f"{path}: {answer.status}"
        yield path
        for url in page.locator("a[href]").evaluate_all(HREFS):
            there = url.removeprefix(portal.url)
            if there == url or there.startswith(ELSEWHERE) or "export=" in there or kind(there) in seen:
                continue
            if there.startswith("/admin/") and re.search(r"/(history|delete|password)/", there):
                continue
            seen.add(kind(there))
            waiting.append(there)


def problems(page: Page, path: str, widths: tuple[int, ...]) -> Iterator[str]:
    for width in widths if not path.startswith("/admin/") else ():
        page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        wide, tall = page.evaluate("[document.documentElement.scrollWidth - innerWidth, document.body.scrollHeight]")
        if wide > 0:
            yield f"{path} is {wide} px wider than a window of {width} px"
        if width == 390 and tall > LONGEST:
            yield f"{path} is {tall} px long"
    page.evaluate(SHORTEN)
    for width in widths:
        page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        # Without motion no color is caught half-way from one theme to the other.
        page.emulate_media(color_scheme=SCHEMES[width], reduced_motion="reduce")  # type: ignore[arg-type]
        report = Axe().run(page, options={"resultTypes": ["violations"]})
        for violation in report.response["violations"]:
            places = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
            yield f"{path} at {width} px, {SCHEMES[width]}: {violation['id']}: {places}"


@pytest.mark.parametrize("role", sorted(STARTS))
def test_every_page_is_accessible_and_fits(browser: Browser, portal: Portal, role: str) -> None:
    context = browser.new_context(base_url=portal.url)
    page = context.new_page()
    user = portal.users[role]
    page.goto("/account/login/")
    page.fill("input[name=login]", user["email"])
    page.fill("input[name=password]", user["password"])
    page.click("form button[type=submit] >> nth=0")
    page.wait_for_url(lambda url: "/account/login" not in url)
    wrong, count = [], 0
    for path in found_from(page, portal, STARTS[role]):
        count += 1
        is_light_alone = path.startswith("/admin/") and kind(path) not in ADMIN_IN_THE_DARK
        wrong += problems(page, path, (1440,) if is_light_alone else (390, 1440))
    context.close()
    assert count >= {"admin": 80, "sales_rep": 12}[role]
    assert wrong == [], "\n".join(wrong)
