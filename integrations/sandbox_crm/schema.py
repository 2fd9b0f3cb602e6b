"""The tables of the sandbox CRM and the two text formats they hold: time stamps and money."""

from datetime import UTC, datetime
from decimal import Decimal

TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL DEFAULT '',
    active INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS stages (
    key TEXT PRIMARY KEY, name TEXT NOT NULL, position INTEGER NOT NULL, probability REAL NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'won', 'lost')));
CREATE TABLE IF NOT EXISTS people (
    id TEXT PRIMARY KEY, external_id TEXT UNIQUE,
    email TEXT NOT NULL DEFAULT '', first_name TEXT NOT NULL DEFAULT '', last_name TEXT NOT NULL DEFAULT '',
    company TEXT NOT NULL DEFAULT '', job_title TEXT NOT NULL DEFAULT '', phone TEXT NOT NULL DEFAULT '',
    country TEXT NOT NULL DEFAULT '', region TEXT NOT NULL DEFAULT '', postal_code TEXT NOT NULL DEFAULT '',
    industry TEXT NOT NULL DEFAULT '', company_size INTEGER, owner_id TEXT REFERENCES owners (id),
    properties TEXT NOT NULL DEFAULT '{}', created_at TEXT NOT NULL, modified_at TEXT NOT NULL,
    archived INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS people_modified ON people (modified_at, id);
CREATE TABLE IF NOT EXISTS deals (
    id TEXT PRIMARY KEY, external_id TEXT UNIQUE, name TEXT NOT NULL,
    stage TEXT NOT NULL REFERENCES stages (key),
    amount_cents INTEGER, currency TEXT NOT NULL, close_on TEXT, closed_at TEXT,
    lost_reason TEXT NOT NULL DEFAULT '', owner_id TEXT REFERENCES owners (id),
    properties TEXT NOT NULL DEFAULT '{}', created_at TEXT NOT NULL, modified_at TEXT NOT NULL,
    archived INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS deals_modified ON deals (modified_at, id);
CREATE TABLE IF NOT EXISTS contacts (
    deal_id TEXT NOT NULL REFERENCES deals (id), person_id TEXT NOT NULL REFERENCES people (id),
    role TEXT NOT NULL DEFAULT '', PRIMARY KEY (deal_id, person_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS contacts_person ON contacts (person_id);
CREATE TABLE IF NOT EXISTS history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, deal_id TEXT NOT NULL REFERENCES deals (id),
    from_stage TEXT, to_stage TEXT NOT NULL, amount_cents INTEGER, currency TEXT NOT NULL,
    changed_at TEXT NOT NULL, changed_by TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS history_deal ON history (deal_id, id);
CREATE TRIGGER IF NOT EXISTS history_no_update BEFORE UPDATE ON history
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER IF NOT EXISTS history_no_delete BEFORE DELETE ON history
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
"""

DEFAULT_STAGES = (
    {"key": "qualification", "name": "Qualification", "position": 1, "probability": 0.1, "status": "open"},
    {"key": "discovery", "name": "Discovery", "position": 2, "probability": 0.25, "status": "open"},
    {"key": "proposal", "name": "Proposal", "position": 3, "probability": 0.5, "status": "open"},
    {"key": "negotiation", "name": "Negotiation", "position": 4, "probability": 0.75, "status": "open"},
    {"key": "won", "name": "Closed won", "position": 5, "probability": 1.0, "status": "won"},
    {"key": "lost", "name": "Closed lost", "position": 6, "probability": 0.0, "status": "lost"},
)


def stamp_text(moment: datetime) -> str:
    """UTC text of fixed width, so that text order is time order: `2026-11-16T08:30:00.000000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def as_stamp(value: datetime | str) -> str:
    """A stamp from a datetime or ISO text with an offset; ValueError when the offset is missing."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset")
    return stamp_text(moment)


def amount_text(cents: int | None) -> str | None:
    """Hundredths of the currency unit as decimal text: 123450 → `1234.50`."""
    return None if cents is None else f"{Decimal(cents) / 100:.2f}"
