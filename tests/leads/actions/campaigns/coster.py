"""Says one amount for days of a campaign when told to start: a process of its own for races of costs.

python -m tests.leads.actions.campaigns.coster CAMPAIGN CENTS START-FILE
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import django

from tests.forking import stand_ready


def main(campaign: int, cents: int, start: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.db import connection

    from leads.actions.campaigns.forget_costs import forget_costs
    from leads.actions.campaigns.keep_cost_history import Said
    from leads.actions.campaigns.record_costs import DayCost, record_costs
    from leads.models import CostDoor

    connection.ensure_connection()
    stand_ready(start)
    days = [date(2026, 10, day) for day in (1, 2, 3)]
    for turn in range(10):
        at, said = datetime.now(UTC), Said(door=CostDoor.API, name=f"writer {cents}")
        costs = [DayCost(campaign, day, cents + turn % 2, "EUR") for day in days]
        record_costs(costs=costs, source="ads", said=said, at=at)
        if turn % 3 == 2:
            forget_costs(campaign=campaign, first=days[0], last=days[1], source="ads", said=said, at=at)
    sys.stdout.write("said\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
