"""Writes the made-up funnel beside it: `python tests/data/make_funnel.py`. Same columns as a real company's files."""

from __future__ import annotations

import csv
import random
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
LEADS, DEALS = HERE / "funnel_leads.csv", HERE / "funnel_deals.csv"
ORIGINS = ("organic search", "paid search", "social", "unknown", "direct traffic", "email", "referral", "display",
           "other publicities", "other", "")  # fmt: skip
WEIGHTS = (28, 20, 17, 13, 7, 6, 4, 2, 1, 1, 1)


def write(seed: int = 7, count: int = 200) -> None:
    """Two hundred leads of five months, and the deals of some forty of them."""
    chance = random.Random(seed)
    token = lambda: f"{chance.getrandbits(128):032x}"  # noqa: E731
    pages, people = [token() for _ in range(9)], [token() for _ in range(6)]
    leads, deals = [], []
    start = datetime(2025, 9, 1)
    for _ in range(count):
        day = start + timedelta(days=chance.randrange(150))
        origin = chance.choices(ORIGINS, WEIGHTS)[0]
        lead = token()
        leads.append([lead, day.date().isoformat(), chance.choice(pages), origin])
        if chance.random() < 0.2:
            won = day + timedelta(days=chance.lognormvariate(2.6, 1.1), seconds=chance.randrange(86_400))
            segment = chance.choice(["pet", "home decor", "health beauty", "computers, parts", '"bike" shops'])
            kind = chance.choice(["online medium", "online big", "industry", "offline"])
            deals.append([lead, token(), people[0], chance.choice(people[1:]), won.strftime("%Y-%m-%d %H:%M:%S"),
                          segment, kind, chance.choice(["cat", ""]), "", "", "", "reseller", "", "0.0"])  # fmt: skip
    # One deal was won before its lead was first in contact, as happens where two systems are kept by hand.
    first = next(lead for lead in leads if lead[0] == deals[0][0])
    deals[0][4] = (datetime.fromisoformat(first[1]) - timedelta(hours=28)).strftime("%Y-%m-%d %H:%M:%S")
    _write(LEADS, ["mql_id", "first_contact_date", "landing_page_id", "origin"], leads)
    _write(DEALS, ["mql_id", "seller_id", "sdr_id", "sr_id", "won_date", "business_segment", "lead_type",
                   "lead_behaviour_profile", "has_company", "has_gtin", "average_stock", "business_type",
                   "declared_product_catalog_size", "declared_monthly_revenue"], deals)  # fmt: skip


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


if __name__ == "__main__":
    write()
