"""Processor time of every page, role and API answer: `python -m benchmarks.pages`, after `make demo`.

Each address is asked in this process, without a network in between, once or more to warm up and then RUNS times. The
table shows medians in milliseconds: of the processor's time, which a busy machine does not stretch, this process's own
and, on PostgreSQL, that of the server's process; and by the clock. Pages whose processor time is above the budget are
marked, and make the command exit with 1. ``--budget 1000`` is for a company of 1,000,000 touchpoints, which
`DEMO_LEADS=132000 manage.py seed_demo` makes; ``--only pipeline`` asks addresses that hold the word.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.timing import processor

ROOT = Path(__file__).resolve().parents[1]
RUNS, WARM = 20, 2
BUDGET_MS, ATTRIBUTION_MS = 100, 150
ROLES = ("marketing_director", "sales_leader", "sales_rep", "admin")
ADMIN_PAGES = ("/admin/", "/admin/leads/lead/", "/admin/leads/territory/", "/admin/leads/campaign/")


@dataclass(frozen=True, slots=True)
class Page:
    """Who asks for which address, and how much processor time it may take, in milliseconds; None is not held."""

    role: str
    path: str
    budget: float | None


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pages", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--budget", type=float, help="milliseconds for every page, in place of the demo's budgets")
    parser.add_argument("--only", default="", help="addresses that hold this")
    parser.add_argument("--roles", default=",".join(ROLES))
    options = parser.parse_args(arguments)
    _set_up()
    from django.test.utils import override_settings

    slow: list[str] = []
    print(f"{'role':<20}{'address':<72}{'CPU ms':>8}{'clock ms':>10}")
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        for page in pages(options.roles.split(","), options.budget):
            if options.only not in page.path:
                continue
            status, spent, clock = measured(page, options.runs)
            is_slow = page.budget is not None and (spent > page.budget or status != 200)
            note = f"  status {status}" if status != 200 else f"  above {page.budget:.0f}" if is_slow else ""
            print(f"{page.role:<20}{page.path:<72}{spent:>8.0f}{clock:>10.0f}{note}", flush=True)
            slow += [page.path] * is_slow
    print(f"{len(slow)} above their budget")
    return 1 if slow else 0


def _set_up() -> None:
    folder = Path(os.environ.get("VAR_DIR", ROOT / "var"))
    os.environ.update(
        VAR_DIR=str(folder), PORTAL_MODE="demo", LOG_LEVEL="ERROR", DJANGO_SETTINGS_MODULE="config.settings"
    )
    os.environ.setdefault("SECRET_KEY", (folder / "secret_key").read_text().strip())
    import config.wsgi  # noqa: F401  # sets Django up as the server does


def measured(page: Page, runs: int) -> tuple[int, float, float]:
    """Status, and medians of processor time and of the clock's, in milliseconds, of warm requests."""
    from django.test import Client

    from leads.models import User

    client = Client()
    client.force_login(User.objects.filter(role=page.role, is_active=True).order_by("pk")[0])
    for _ in range(WARM):
        status = client.get(page.path, follow=True).status_code
    before, began = processor(), time.perf_counter()
    spans, clocks = [], []
    for _ in range(runs):
        client.get(page.path, follow=True)
        now, at = processor(), time.perf_counter()
        spans.append((now - before) * 1000)
        clocks.append((at - began) * 1000)
        before, began = now, at
    return status, _middle(spans), statistics.median(clocks)


def _middle(spans: list[float]) -> float:
    """Their median; their mean where the server's clock ticks, in hundredths of a second."""
    from django.db import connection

    return statistics.fmean(spans) if connection.vendor == "postgresql" else statistics.median(spans)


def pages(roles: list[str], budget: float | None = None) -> Iterator[Page]:
    """Every page that people open, as every role that may; then every figure, and the API."""
    from django.urls import reverse

    from leads.figures.base import keys
    from tests.architecture.test_access import LETTERS, OWN, PAGES

    world = _World()
    for name, (allowed, args) in PAGES.items():
        for role in roles:
            given = args if LETTERS[role] in allowed else OWN.get(name) if role == "sales_rep" else None
            if given is None or not (words := world.words(given)):
                continue
            path = reverse(name, args=words[0])
            yield Page(role, path, budget or _budget(path))
    first = roles[0]
    more = [
        "/attribution?view=methods",
        *(f"/history/{kind}/{row.public_id}" for kind, row in world.with_history()),
        *(reverse("leads:figure", args=[key]) for key in keys()),
        *(f"/reports/{world.report.week}/figures/{key}" for key in ("leads.mqls", "attribution.roi")),
        "/api/v1/integrations/sales/attribution",
        f"/api/v1/integrations/sales/attribution/{world.campaign.public_id}",
        "/api/v1/integrations/sales/performance",
    ]
    for path in more:
        yield Page(first, path, budget or _budget(path))
    if "admin" in roles:
        for path in ("/imports", *ADMIN_PAGES):
            yield Page("admin", path, None if path.startswith("/admin/") else budget or _budget(path))


def _budget(path: str) -> float:
    return ATTRIBUTION_MS if path.startswith("/attribution") else BUDGET_MS


class _World:
    """Rows that addresses name: the largest of their kind, so that no page looks quicker than it is."""

    def __init__(self) -> None:
        from django.db.models import Count

        from alignment.models import WeeklyReport
        from attribution.models import AttributionRun, Credit
        from integrations.models import Connection, SyncRun
        from leads.models import Campaign, ChannelRuleVersion, Lead, Opportunity, User

        rep = User.objects.filter(role="sales_rep", is_active=True).order_by("pk")[0]
        leads = Lead.objects.annotate(touches=Count("touchpoints")).order_by("-touches", "pk")
        deals = Opportunity.objects.filter(status="won").annotate(found=Count("credits")).order_by("-found", "pk")
        self.own_lead, self.other_lead = leads.filter(owner=rep)[0], leads.exclude(owner=rep)[0]
        self.own_deal, self.other_deal = deals.filter(owner=rep)[0], deals.exclude(owner=rep)[0]
        largest = Credit.objects.filter(campaign__isnull=False).values_list("campaign").annotate(found=Count("pk"))
        self.campaign = Campaign.objects.get(pk=largest.order_by("-found")[0][0])
        self.run = AttributionRun.objects.order_by("-pk")[0]
        self.connection = Connection.objects.order_by("pk").first()
        self.sync_run = SyncRun.objects.filter(direction="pull").order_by("-pk").first()
        self.report = WeeklyReport.objects.order_by("-starts_on")[0]
        self.rules = ChannelRuleVersion.objects.order_by("-number").first()

    def words(self, args: Any) -> list[list[Any]]:
        """The words of an address, or nothing where there is no such row."""
        try:
            return [args(self)]
        except AttributeError:
            return []

    def with_history(self) -> list[tuple[str, Any]]:
        """A record of each kind whose changes can be read."""
        found = [("deal", self.other_deal), ("campaign", self.campaign), ("account", self.other_deal.account)]
        return [(kind, row) for kind, row in found if row is not None]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
