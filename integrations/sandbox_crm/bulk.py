"""Loading many rows at once, for a seeder: no validation by row, the tables' own constraints hold."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from .rules import DEAL_FIELDS, PERSON_FIELDS
from .schema import as_stamp

Rows = Iterable[Mapping[str, Any]]
_PERSON = dict.fromkeys(PERSON_FIELDS, "") | {"external_id": None, "company_size": None, "owner_id": None}
_DEAL: dict[str, Any] = {name: None for name in DEAL_FIELDS if name not in ("amount", "contacts")} | {
    "amount_cents": None, "currency": "EUR", "lost_reason": "", "closed_at": None,
}  # fmt: skip


def load(
    db: sqlite3.Connection,
    stamp: str,
    *,
    owners: Rows,
    stages: Rows,
    people: Rows,
    deals: Rows,
    contacts: Rows,
    history: Rows,
) -> dict[str, int]:
    """Insert inside the caller's transaction; returns the number of rows per table.

    owners: id, name, email, active · stages: key, name, position, probability, status · people: the members
    of the API · deals: the members of the API but contacts, and closed_at · contacts: deal_id or
    deal_external_id, person_id or person_external_id, role · history: deal_id or deal_external_id,
    from_stage, to_stage, amount, currency, changed_at, changed_by, in order of time. people and deals may
    bring id, created_at, modified_at and archived; money is `amount` (decimal) or `amount_cents`; times are
    aware datetimes or ISO text. An unknown reference raises sqlite3.IntegrityError, an unknown member
    ValueError.
    """
    counts = {
        "owners": _put(db, "owners", ({"email": "", "active": 1, **row} for row in owners)),
        "stages": _put(db, "stages", (dict(row) for row in stages)),
        "people": _put(db, "people", _records(db, "people", "P", people, _PERSON, stamp)),
        "deals": _put(db, "deals", _records(db, "deals", "D", deals, _DEAL, stamp)),
    }
    person, deal = _finder(db, "people", "person"), _finder(db, "deals", "deal")
    counts["contacts"] = _put(
        db,
        "contacts",
        ({"deal_id": deal(r), "person_id": person(r), "role": r.get("role", "")} for r in contacts),
    )
    counts["history"] = _put(db, "history", (_change(row, deal(row), stamp) for row in history))
    return counts


def _put(db: sqlite3.Connection, table: str, rows: Iterable[dict[str, Any]]) -> int:
    ready = list(rows)
    if not ready:
        return 0
    columns = list(ready[0])
    if any(row.keys() != ready[0].keys() for row in ready):
        raise ValueError(f"the rows for {table} differ in their members")
    known = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
    if unknown := set(columns) - known:
        raise ValueError(f"{table} has no {', '.join(sorted(unknown))}")
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    db.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", [tuple(row.values()) for row in ready])
    return len(ready)


def _records(
    db: sqlite3.Connection, kind: str, prefix: str, rows: Rows, defaults: Mapping[str, Any], stamp: str
) -> list[dict[str, Any]]:
    key = f"last_{kind}"
    found = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    last = int(found[0]) if found else 0
    ready = []
    for row in rows:
        values = {**defaults, **_money(row)}
        if values.get("id"):
            # Numbers handed out later must lie past the ones that the seeder chose.
            digits = re.search(r"(\d+)$", values["id"])
            last = max(last, int(digits[1]) if digits else 0)
        else:
            last += 1
            values["id"] = f"{prefix}-{last:06d}"
        values["properties"] = json.dumps(values["properties"] or {}, sort_keys=True)
        values["created_at"] = as_stamp(values.get("created_at") or stamp)
        values["modified_at"] = as_stamp(values.get("modified_at") or values["created_at"])
        values["archived"] = int(values.get("archived", False))
        for name in ("closed_at", "close_on"):
            if values.get(name):
                values[name] = as_stamp(values[name]) if name == "closed_at" else str(values[name])
        ready.append(values)
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, str(last)))
    return ready


def _money(row: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(row)
    if "amount" in values:
        amount = values.pop("amount")
        values["amount_cents"] = None if amount is None else int(Decimal(str(amount)) * 100)
    return values


def _finder(db: sqlite3.Connection, table: str, word: str) -> Callable[[Mapping[str, Any]], Any]:
    ids = dict(db.execute(f"SELECT external_id, id FROM {table} WHERE external_id IS NOT NULL"))
    return lambda row: row.get(f"{word}_id") or ids.get(row.get(f"{word}_external_id"))


def _change(row: Mapping[str, Any], deal_id: Any, stamp: str) -> dict[str, Any]:
    values = {"from_stage": None, "amount_cents": None, "currency": "EUR", "changed_by": "", **_money(row)}
    values.pop("deal_external_id", None)
    return values | {"deal_id": deal_id, "changed_at": as_stamp(values.get("changed_at") or stamp)}
