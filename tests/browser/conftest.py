"""The whole product as a new user starts it, in its own processes, and a real Chromium to use it with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
WIDTHS = {1440: 1000, 390: 844}
START_SECONDS = int(os.environ.get("START_SECONDS", "180"))


@dataclass(frozen=True)
class Portal:
    """A running demo: addresses, sign-ins and the key it printed."""

    url: str
    api_key: str
    users: dict[str, dict[str, str]]
    crm_url: str
    crm_token: str
    folder: Path

    def api(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.api_key}", **options.pop("headers", {})}
        return requests.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=30, **options)

    def crm(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.crm_token}"}
        return requests.request(method, f"{self.crm_url}{path}", headers=headers, timeout=30, **options)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="package")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """`make demo` without make, with a smaller company; on PostgreSQL when the suite runs there."""
    folder = tmp_path_factory.mktemp("portal")
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "DATABASE_URL")}
    if kept.get("DATABASE_URL", "").startswith("sqlite"):
        del kept["DATABASE_URL"]
    env = {**kept, "VAR_DIR": str(folder), "PORT": str(_free_port()), "DEMO_LEADS": "1500", "PYTHONPATH": str(ROOT)}
    log = folder / "supervisor.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.dev.supervisor", "demo"], cwd=ROOT, env=env, stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while b"Ready after" not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"The demo did not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.2)
        demo = json.loads((folder / "demo.json").read_text())
        yield Portal(
            url=demo["url"],
            api_key=demo["api_key"],
            users={user["role"]: user for user in demo["users"]},
            crm_url=demo["sandbox_crm"]["url"],
            crm_token=demo["sandbox_crm"]["token"],
            folder=folder,
        )
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, log.read_text()[-2000:]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium. Its driver keeps an event loop in this thread, in which Django refuses to ask the database and hands
    out connections of its own: it must end before whatever this process tests next."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-gpu"]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=[*quiet, *sandbox])
        yield chromium
        chromium.close()


class Visitor:
    """A person at a browser who also looks at every page with axe, at both widths, and keeps the pictures."""

    def __init__(self, browser: Browser, portal: Portal, pictures: Path) -> None:
        self.portal, self.pictures = portal, pictures
        self.context = browser.new_context(base_url=portal.url, viewport={"width": 1440, "height": WIDTHS[1440]})
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self._note("error", str(error)))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "status of 4" not in text:
            self.complaints.append(f"{self.page.url}: {text}")

    def sign_in(self, role: str) -> None:
        user = self.portal.users[role]
        self.sign_in_as(user["email"], user["password"])

    def sign_in_as(self, email: str, password: str) -> None:
        self.context.clear_cookies()
        self.page.goto("/account/login/")
        self.page.get_by_label("Email", exact=False).first.fill(email)
        self.page.get_by_label("Password", exact=False).first.fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(lambda url: "/account/login" not in url)

    def look(self, name: str) -> None:
        """Pictures at both widths, no violation by axe, nothing wider than the screen."""
        for width, height in WIDTHS.items():
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.wait_for_load_state("networkidle")
            self.page.screenshot(path=self.pictures / f"{name}-{width}.png", full_page=True)
            found = Axe().run(self.page)
            assert found.violations_count == 0, f"{name} at {width} px: {found.generate_report()}"
            overflow = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert overflow <= 0, f"{name} is {overflow} px wider than a screen of {width} px"
        self.page.set_viewport_size({"width": 1440, "height": WIDTHS[1440]})


@pytest.fixture
def visitor(browser: Browser, portal: Portal) -> Iterator[Visitor]:
    pictures = Path(os.environ.get("SCREENSHOTS", ROOT / "var" / "screenshots"))
    pictures.mkdir(parents=True, exist_ok=True)
    person = Visitor(browser, portal, pictures)
    yield person
    person.context.close()
    assert person.complaints == []
