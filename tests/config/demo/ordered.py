"""A demo company small enough to be made in a test."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from config.demo.seed import Order, seed_demo

AT = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
LEADS = 300


def order_for(folder: Path, *, reports: int = 1) -> Order:
    return Order(
        at=AT, out=folder / "demo.json", url="http://127.0.0.1:8000", leads=LEADS,
        reports=reports,
        sandbox_data=folder / "crm.sqlite3", sandbox_url="http://127.0.0.1:8081", sandbox_token="a-token-of-the-demo",
    )  # fmt: skip


def quiet(order: Order) -> dict[str, object]:
    return seed_demo(order=order, say=lambda line: None)
