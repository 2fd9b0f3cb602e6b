"""Rows whose columns are named after the fields that they feed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from leads.pure.imports.cells import Plan
from leads.pure.imports.fields import FIELDS, LEADS
from leads.pure.imports.rows import parse_row
from leads.pure.table_file import Row

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


def plan(kind: str = LEADS, **more: Any) -> Plan:
    """Every field fed by a column of its own name."""
    columns = {each.name: each.name for each in FIELDS[kind]}
    return Plan(**{"kind": kind, "columns": columns, "at": AT, "tz": BERLIN, "currency": "EUR", **more})


def parse(kind: str = LEADS, more: dict[str, Any] | None = None, **cells: str) -> Any:
    return parse_row(Row(2, cells), plan(kind, **(more or {})))
