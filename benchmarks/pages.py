"""Server time of every page and API answer on the demo company: `python -m benchmarks.pages`, after `make demo`.

Each address is asked in this process, without a network in between, once to warm up and then RUNS times; the table
shows medians in milliseconds, by the clock and of this process's own processor time, which a busy machine does not
stretch. Exits with 1 when a page's median by the clock is above the budget.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 7
BUDGET_MS = 300


def main() -> int:
    """Measure and print."""
    folder = Path(os.environ.get("VAR_DIR", ROOT / "var"))
    os.environ.update(
        VAR_DIR=str(folder), PORTAL_MODE="demo", LOG_LEVEL="ERROR", DJANGO_SETTINGS_MODULE="config.settings"
    )
    os.environ.setdefault("SECRET_KEY", (folder / "secret_key").read_text().strip())
    import django

    django.setup()
    from django.test import Client
    from django.test.utils import override_settings

    from alignment.models import WeeklyReport
    from attribution.models import Credit
    from leads.models import Lead, Opportunity, User

    director = User.objects.filter(role="admin")[0]
    campaign = Credit.objects.filter(campaign__isnull=False)[0].campaign
    deal = Opportunity.objects.filter(status="won", contacts__isnull=False)[0]
    lead = Lead.objects.filter(stage="customer")[0]
    assert campaign is not None
    paths = [
        "/reports",
        f"/reports/{WeeklyReport.objects.order_by('-starts_on')[0].week}/figures/pipeline.won",
        "/attribution",
        "/attribution?view=methods",
        f"/attribution/campaigns/{campaign.public_id}",
        f"/attribution/journeys/{deal.public_id}",
        "/attribution/runs",
        "/pipeline",
        f"/opportunities/{deal.public_id}",
        "/leads",
        f"/leads/{lead.public_id}",
        "/figures",
        "/figures/leads.mqls",
        "/figures/pipeline.influenced",
        "/integration-points",
        "/integration-points/1.1.1",
        "/connections",
        "/connections/sandbox-main",
        "/imports",
        "/admin/leads/lead/",
        "/admin/leads/territory/",
        "/admin/leads/campaign/",
        "/api/v1/integrations/sales/attribution",
        f"/api/v1/integrations/sales/attribution/{campaign.public_id}",
        "/api/v1/integrations/sales/performance",
    ]
    client = Client()
    client.force_login(director)
    is_within = True
    print(f"{'address':<72}{'clock ms':>10}{'CPU ms':>9}")
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        for path in paths:
            status = client.get(path, follow=True).status_code
            clock, processor = [], []
            for _ in range(RUNS):
                began = time.perf_counter(), time.process_time()
                client.get(path, follow=True)
                clock.append((time.perf_counter() - began[0]) * 1000)
                processor.append((time.process_time() - began[1]) * 1000)
            median = statistics.median(clock)
            is_within &= median <= BUDGET_MS and status == 200
            note = f"  status {status}" if status != 200 else "  above the budget" if median > BUDGET_MS else ""
            print(f"{path:<72}{median:>10.0f}{statistics.median(processor):>9.0f}{note}")
    return 0 if is_within else 1


if __name__ == "__main__":
    sys.exit(main())
