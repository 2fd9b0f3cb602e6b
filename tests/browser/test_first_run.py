"""From an empty database to the first report, by the checklist alone, in a browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, _free_port

pytestmark = pytest.mark.browser
EMAIL, PASSWORD = "ines@initech.example", "correct horse battery staple"
LEADS = "email,first_name,last_name,company\nada@lovelace.example,Ada,Lovelace,Lovelace Ltd\n"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[str]:
    """A portal of its own on an empty SQLite database with one superuser, and a worker beside it."""
    port = _free_port()
    env = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
        "PORTAL_MODE": "dev",
        "VAR_DIR": str(tmp_path),
        "PORTAL_URL": f"http://127.0.0.1:{port}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(ROOT),
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    create = ["createsuperuser", "--noinput", "--email", EMAIL, "--name", "Ines Brandt"]
    subprocess.run([*manage, *create], cwd=ROOT, env=env, check=True)
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "config.wsgi", "-b", f"127.0.0.1:{port}", "--threads", "4"],
        cwd=ROOT,
        env=env,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(150):
            try:
                if requests.get(f"{url}/livez", timeout=1).ok:
                    break
            except requests.RequestException:
                time.sleep(0.2)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def sweep(tmp_path: Path, call: str) -> None:
    """What a worker does at its next beat."""
    code = f"import django; django.setup(); {call}"
    env = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
        "PORTAL_MODE": "dev",
        "VAR_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(ROOT),
    }
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True)


def next_step(page: Page, title: str) -> None:
    """The checklist marks this as next; follow it."""
    page.goto("/start")
    step = page.locator("[aria-current=step]")
    expect(step.get_by_role("heading")).to_contain_text(title)
    step.get_by_role("link").first.click()


def test_an_admin_gets_from_nothing_to_the_first_report(browser: Browser, empty: str, tmp_path: Path) -> None:
    context = browser.new_context(base_url=empty)
    page = context.new_page()
    page.goto("/account/login/")
    page.locator("[name=login]").fill(EMAIL)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/start")

    next_step(page, "Company settings")
    page.locator("[name=name]").fill("Initech")
    page.locator("[name=time_zone]").select_option("America/New_York")
    page.locator("[name=currency]").fill("USD")
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("Company settings saved.")).to_be_visible()

    next_step(page, "People")
    page.locator("[name=email]").fill("rep@initech.example")
    page.locator("[name=name]").fill("Peter Gibbons")
    page.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_text("An invitation is on its way")).to_be_visible()

    next_step(page, "Territories")
    page.get_by_role("link", name="Everywhere else").click()
    page.get_by_text("Add another Rep").click()
    page.locator("#reps-group .select2-selection").first.click()
    page.get_by_role("option", name="Peter Gibbons").click()
    page.get_by_role("button", name="Save", exact=True).click()

    next_step(page, "Capture leads")
    page.locator("[name=name]").fill("Website")
    page.locator("[name=scopes]").first.check()
    page.get_by_role("button", name="Save", exact=True).click()

    next_step(page, "Bring in what you have")
    page.locator("[type=file]").set_input_files({"name": "leads.csv", "mimeType": "text/csv", "buffer": LEADS.encode()})
    page.get_by_role("button", name=re.compile("Upload")).click()
    page.get_by_role("button", name="Preview: try all rows").click()
    page.wait_for_url(re.compile("/imports/[0-9a-f-]+$"))
    sweep(tmp_path, "from leads.tasks import sweep_imports; sweep_imports()")
    page.reload()
    page.get_by_role("button", name=re.compile("Import 1 row")).click()
    page.wait_for_load_state("networkidle")
    sweep(tmp_path, "from leads.tasks import sweep_imports; sweep_imports()")

    next_step(page, "First weekly report")
    page.get_by_role("button", name=re.compile("Publish")).click()
    page.wait_for_url(re.compile(r"/reports/\d{4}-W\d\d"))
    page.goto("/start")
    expect(page.get_by_text("Everything is set up")).to_be_visible()
    context.close()
