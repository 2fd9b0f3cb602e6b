"""A form and the tracking script on another site, in a real browser: what is kept, for whom, and what is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import ROOT, Portal, Visitor

pytestmark = pytest.mark.browser
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
"""Chromium without a window says that it is a program, and what programs send is spam."""
AD = "?utm_source=google&utm_medium=cpc&utm_campaign=browser-test&gclid=x1"
PAGE = """<!doctype html><html lang="en"><head><title>Shop</title>{script}</head>
<body><h1>Shop</h1><a href="/">Home</a> {form}</body></html>"""
WAIT = 90
"""Seconds within which a worker takes what was sent."""


class Shop:
    """A website of its own origin, with the portal's script on every page and a form on one."""

    def __init__(self, folder: Path, portal: Portal) -> None:
        self.folder, self.portal = folder, portal

        class Quiet(SimpleHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://localhost:{self.server.server_port}"

    def open(self, script: str, form: str) -> None:
        (self.folder / "index.html").write_text(PAGE.format(script=script, form=""))
        (self.folder / "contact.html").write_text(PAGE.format(script=script, form=form))


@pytest.fixture
def shop(portal: Portal, tmp_path: Path) -> Iterator[Shop]:
    site = Shop(tmp_path, portal)
    yield site
    site.server.shutdown()
    site.server.server_close()


def build(visitor: Visitor, shop: Shop, name: str, *, asks: bool) -> None:
    """An admin builds a form and adds the website, and puts both snippets on it."""
    page = visitor.page
    visitor.sign_in("admin")
    page.goto("/forms/sites/add")
    page.get_by_label("Name").fill(f"Shop {name}")
    page.get_by_label("Where it is").fill(shop.url)
    page.get_by_label("Wait for consent").set_checked(asks)
    page.get_by_role("button", name="Save").click()
    script = page.locator(".card", has_text=f"Shop {name}").locator("pre").inner_text()
    page.goto("/forms/add")
    page.get_by_label("Name", exact=False).first.fill(f"Contact {name}")
    page.get_by_label("Title").fill("Talk to us")
    page.get_by_label("Sites that may embed it").fill(shop.url)
    page.get_by_label("Consent text").fill("Write to me about it.")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/forms/*-*")
    visitor.look(f"web-form-{name}")
    form = page.locator("pre.snippet").inner_text()
    shop.open(script, form)


def fill(page: Page, shop: Shop, email: str) -> None:
    page.goto(f"{shop.url}/contact.html")
    page.get_by_label("Email").fill(email)
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Write to me").check()
    page.wait_for_timeout(2_200)  # people need so long
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Thank you").wait_for()


def captured(portal: Portal, email: str) -> dict[str, Any]:
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        found = portal.api("GET", f"/leads?email={email}").json()["results"]
        if found:
            lead: dict[str, Any] = found[0]
            return lead
        time.sleep(1)
    raise AssertionError(f"{email} is no lead after {WAIT} s")


def stored(context: BrowserContext, shop: Shop) -> list[dict[str, Any]]:
    """What the browser keeps for the shop, and for the portal."""
    state = context.storage_state()
    return [*state["cookies"], *(each for each in state["origins"] if each["localStorage"])]  # type: ignore[list-item]


def moved_back(portal: Portal) -> bool:
    """Date the one page view that is there three days back."""
    env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "DATABASE_URL")}
    if env.get("DATABASE_URL", "").startswith("sqlite"):
        del env["DATABASE_URL"]
    env |= {"PORTAL_MODE": "demo", "VAR_DIR": str(portal.folder)}
    code = (
        "from datetime import timedelta; from django.db.models import F; from leads.models import PageView; "
        "print('moved', PageView.objects.update(viewed_at=F('viewed_at') - timedelta(days=3)))"
    )
    said = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", code],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return "moved 1" in said.stdout


def sent_to(page: Page, portal: Portal) -> list[str]:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url) if "/t/" in request.url else None)
    return urls


def views_sent(urls: list[str]) -> list[str]:
    return [url for url in urls if not url.endswith(".js")]


def test_visits_before_the_form_are_the_leads_and_decide_its_channel(
    browser: Browser, visitor: Visitor, shop: Shop, portal: Portal
) -> None:
    build(visitor, shop, "tracked", asks=False)
    context = browser.new_context(user_agent=PERSON)
    page = context.new_page()
    urls = sent_to(page, portal)
    page.goto(f"{shop.url}/{AD}")
    page.wait_for_function("localStorage.getItem('revops')")
    kept = json.loads(str(page.evaluate("localStorage.getItem('revops')")))
    assert kept["f"]["p"].endswith(AD)
    # Three days later: what the browser and the portal know of the first visit is dated back by hand.
    until = time.monotonic() + WAIT
    while not moved_back(portal) and time.monotonic() < until:
        time.sleep(0.5)
    page.evaluate("""() => {
        const kept = JSON.parse(localStorage.getItem('revops'));
        kept.s.l -= 259200000;
        kept.f.t -= 259200000;
        localStorage.setItem('revops', JSON.stringify(kept));
    }""")
    page.goto(f"{shop.url}/")
    fill(page, shop, "tracked@shop-visitor.example")
    assert len(views_sent(urls)) == 3
    lead = captured(portal, "tracked@shop-visitor.example")
    until = time.monotonic() + WAIT
    while lead["channel"] != "paid-search" and time.monotonic() < until:
        time.sleep(1)
        lead = captured(portal, "tracked@shop-visitor.example")
    assert lead["channel"] == "paid-search"
    visitor.page.goto(f"/leads/{lead['id']}")
    text = visitor.page.locator("main").inner_text()
    assert "Contact tracked" in text
    assert text.count("Page view") >= 2
    assert [each for each in stored(context, shop) if "name" in each] == []  # no cookie
    context.close()


@pytest.mark.parametrize("refusal", ["not asked", "refused", "gpc", "dnt"])
def test_who_refuses_leaves_nothing(
    browser: Browser, visitor: Visitor, shop: Shop, portal: Portal, refusal: str
) -> None:
    build(visitor, shop, refusal, asks=refusal in ("not asked", "refused"))
    context = browser.new_context(user_agent=PERSON)
    if refusal == "gpc":
        context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    if refusal == "dnt":
        context.add_init_script("Object.defineProperty(navigator, 'doNotTrack', {value: '1'})")
    page = context.new_page()
    urls = sent_to(page, portal)
    page.goto(f"{shop.url}/{AD}")
    page.wait_for_function("window.revops")
    if refusal == "refused":
        page.evaluate("revops.consent(true)")
        assert page.evaluate("localStorage.getItem('revops')") is not None
        page.evaluate("revops.consent(false)")
        urls.clear()
    if refusal == "gpc":
        page.evaluate("revops.consent(true)")
    page.goto(f"{shop.url}/contact.html")
    page.wait_for_function("window.revops")
    assert views_sent(urls) == []
    assert page.evaluate("localStorage.length") == 0
    assert page.evaluate("sessionStorage.length") == 0
    assert page.evaluate("document.cookie") == ""
    assert stored(context, shop) == []
    context.close()


def test_consent_starts_it(browser: Browser, visitor: Visitor, shop: Shop, portal: Portal) -> None:
    build(visitor, shop, "asked", asks=True)
    context = browser.new_context(user_agent=PERSON)
    page = context.new_page()
    urls = sent_to(page, portal)
    page.goto(f"{shop.url}/{AD}")
    page.wait_for_function("window.revops")
    assert views_sent(urls) == []
    page.evaluate("revops.consent(true)")
    page.wait_for_function("localStorage.getItem('revops')")
    page.goto(f"{shop.url}/")  # whoever agreed need not be asked on each page
    page.wait_for_timeout(300)
    assert len(views_sent(urls)) == 2
    context.close()


def test_the_forms_answer_tells_nobody_whether_somebody_is_known(
    browser: Browser, visitor: Visitor, shop: Shop, portal: Portal
) -> None:
    build(visitor, shop, "write-only", asks=True)
    known = portal.api("GET", "/leads").json()["results"][0]["email"]
    context = browser.new_context(user_agent=PERSON)
    page = context.new_page()
    answers: list[tuple[int, str, list[str]]] = []
    for email in (known, "nobody-knows@shop-visitor.example"):
        with page.expect_response("**/submissions") as waited:
            fill(page, shop, email)
        answer = waited.value
        answers.append((answer.status, answer.text(), sorted(answer.headers)))
    assert answers[0] == answers[1]
    context.close()


def test_the_forms_own_page_fits_and_is_accessible(visitor: Visitor, shop: Shop) -> None:
    build(visitor, shop, "own page", asks=True)
    visitor.page.get_by_role("link", name="/f/").click()
    visitor.look("public-form")
    visitor.page.get_by_role("button", name="Send").click()
    visitor.page.get_by_text("Please enter an email address.").or_(
        visitor.page.get_by_text("Please fill in this field.")
    ).first.wait_for()
    visitor.look("public-form-wrong")


def test_the_pages_of_forms_fit_and_are_accessible(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in("admin")
    page.goto("/forms")
    page.get_by_role("link", name="Newsletter").wait_for()
    visitor.look("web-forms")
    for name, path in (("web-form-add", "/forms/add"), ("tracked-sites", "/forms/sites")):
        page.goto(path)
        visitor.look(name)
    page.goto("/forms")
    page.get_by_role("link", name="Webinar").click()
    page.get_by_text("No-shows").first.wait_for()
    visitor.look("web-form-webinar")
    page.get_by_role("link", name="Preview").click()
    page.get_by_text("A preview: it cannot be sent.").wait_for()
    visitor.look("web-form-preview")


def test_a_field_is_added_without_javascript(browser: Browser, portal: Portal) -> None:
    context = browser.new_context(base_url=portal.url, java_script_enabled=False)
    page = context.new_page()
    user = portal.users["admin"]
    page.goto("/account/login/")
    page.fill("input[name=login]", user["email"])
    page.fill("input[name=password]", user["password"])
    page.click("form button[type=submit] >> nth=0")
    page.wait_for_url(lambda url: "/account/login" not in url)
    page.goto("/forms/add")
    fields = page.locator("fieldset.builder-field")
    before = fields.count()
    page.get_by_role("button", name="Add a field").click()
    assert fields.count() == before + 1
    page.get_by_label("Name", exact=False).first.fill("Without scripts")
    page.get_by_label("Title").fill("Plain")
    fields.last.get_by_label("Property").select_option("phone")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/forms/*-*")
    page.get_by_role("link", name="Preview").click()
    assert page.get_by_label("Phone").count() == 1
    context.close()
