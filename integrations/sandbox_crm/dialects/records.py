"""A record store for any vendor's dialect: one SQLite file, records as JSON members, nothing ever removed.

Every write happens in one immediate transaction with one stamp, taken inside it and never earlier than the stamp
before; `write()` nests, so a request is one transaction. Deleted, archived and merged records stay, with their state,
and each change of a tracked member leaves a line in the append-only history: tests can prove that nothing was lost or
doubled.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..rules import Refused
from ..schema import as_stamp, stamp_text
from .shapes import Clock, Duplicate, Line, Members, ObjectType, Record, State

TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    object TEXT NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL, members TEXT NOT NULL,
    created TEXT NOT NULL, modified TEXT NOT NULL, archived INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0, merged_into TEXT, PRIMARY KEY (object, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_modified ON records (object, modified, number);
CREATE INDEX IF NOT EXISTS records_number ON records (object, number);
CREATE TABLE IF NOT EXISTS terms (
    object TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (object, name, value, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS terms_id ON terms (object, id);
CREATE TABLE IF NOT EXISTS history (
    number INTEGER PRIMARY KEY AUTOINCREMENT, object TEXT NOT NULL, id TEXT NOT NULL, at TEXT NOT NULL,
    by TEXT NOT NULL, member TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS history_id ON history (object, id, number);
CREATE TRIGGER IF NOT EXISTS history_no_update BEFORE UPDATE ON history
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER IF NOT EXISTS history_no_delete BEFORE DELETE ON history
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, expires REAL NOT NULL) WITHOUT ROWID;
"""
STEPS: Mapping[str, timedelta] = {
    "seconds": timedelta(seconds=1),
    "milliseconds": timedelta(milliseconds=1),
    "microseconds": timedelta(microseconds=1),
}
_STATES = {"live": "archived = 0 AND deleted = 0", "archived": "archived = 1 AND deleted = 0", "deleted": "deleted = 1",
           "any": "1"}  # fmt: skip


class Records:
    """One open file. Safe to share between threads: a lock lets one transaction through at a time."""

    def __init__(
        self, path: str | Path, types: Sequence[ObjectType], *, resolution: str = "seconds", clock: Clock | None = None
    ) -> None:
        self.types = {each.name: each for each in types}
        self.clock = clock or Clock()
        self._step = STEPS[resolution]
        self._lock = threading.RLock()
        self._stamp = ""  # of the open transaction
        self._db = sqlite3.connect(str(path), timeout=20, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=20000"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(TABLES)

    def close(self) -> None:
        """Close the file; the store is unusable afterwards."""
        with self._lock:
            self._db.close()

    # --- transactions and time ---

    def now(self) -> datetime:
        """The server's clock in the vendor's resolution."""
        moment = self.clock()
        return moment - (moment - datetime.fromtimestamp(0, UTC)) % self._step

    @contextmanager
    def write(self) -> Iterator[str]:
        """A transaction and its stamp; inside another one, that one. An exception undoes all of it."""
        with self._lock:
            if self._stamp:
                yield self._stamp
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._stamp = stamp_text(self._moment())
                yield self._stamp
                self.set_meta("last_stamp", self._stamp)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            else:
                self._db.execute("COMMIT")
            finally:
                self._stamp = ""

    def _moment(self) -> datetime:
        """The clock, but never earlier than the last write: one that steps back must not hide rows from readers."""
        now, last = self.now(), self.meta("last_stamp")
        if self.clock.frozen or not last or now > datetime.fromisoformat(last):
            return now
        # Two saves in one millisecond would leave it open which value of a property went with which of another.
        return datetime.fromisoformat(last) + (self._step if self._step < timedelta(seconds=1) else timedelta(0))

    def meta(self, key: str, default: str = "") -> str:
        """A value of the account itself."""
        found = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return str(found[0]["value"]) if found else default

    def set_meta(self, key: str, value: str) -> None:
        """Keep a value of the account itself."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # --- writing ---

    def add(
        self,
        kind: str,
        members: Members,
        *,
        id: str | None = None,
        created: datetime | None = None,
        modified: datetime | None = None,
        by: str = "",
    ) -> Record:
        """A new record. Raises `Duplicate` for a taken unique member or id."""
        of = self.types[kind]
        with self.write() as stamp:
            number = int(self.meta(f"last {kind}", "0")) + 1
            self.set_meta(f"last {kind}", str(number))
            record_id = id or of.make_id(number)
            if id is not None and self.get(kind, id) is not None:
                raise Duplicate("id", id, id)
            self._check_unique(of, members, record_id)
            made = as_stamp(created) if created else stamp
            values = (kind, record_id, number, json.dumps(members), made, as_stamp(modified) if modified else made)
            self._db.execute(
                "INSERT INTO records (object, id, number, members, created, modified) VALUES (?, ?, ?, ?, ?, ?)", values
            )
            self._index(of, record_id, members)
            for name in sorted(of.tracked & members.keys()):
                self._note(kind, record_id, made, by, name, None, members[name])
        return self[kind, record_id]

    def change(
        self, kind: str, record_id: str, members: Members, *, by: str = "", modified: datetime | None = None
    ) -> Record:
        """Lay members over a record; equal ones move no stamp. Raises `Refused` 404 and `Duplicate`."""
        of = self.types[kind]
        with self.write() as stamp:
            before = self[kind, record_id]
            changed = {name: value for name, value in members.items() if before.members.get(name) != value}
            if not changed and modified is None:
                return before
            after = before.members | changed
            self._check_unique(of, after, record_id)
            at = as_stamp(modified) if modified else stamp
            self._db.execute(
                "UPDATE records SET members = ?, modified = ? WHERE object = ? AND id = ?",
                (json.dumps(after), at, kind, record_id),
            )
            self._index(of, record_id, after)
            for name in sorted(of.tracked & changed.keys()):
                self._note(kind, record_id, at, by, name, before.members.get(name), changed[name])
        return self[kind, record_id]

    def archive(self, kind: str, record_id: str, is_archived: bool = True) -> Record:
        """Archive or bring back; the stamp moves when the state does."""
        return self._mark(kind, record_id, archived=int(is_archived))

    def delete(self, kind: str, record_id: str) -> Record:
        """Mark deleted; its unique members are free again."""
        return self._mark(kind, record_id, deleted=1)

    def restore(self, kind: str, record_id: str) -> Record:
        """Bring a deleted or archived record back."""
        return self._mark(kind, record_id, deleted=0, archived=0)

    def merge(self, kind: str, loser: str, winner: str) -> Record:
        """The loser is deleted and points at the winner, whose empty members it fills; returns the winner."""
        with self.write():
            lost, won = self[kind, loser], self[kind, winner]
            self._mark(kind, loser, deleted=1, merged_into=winner)
            filled = {
                name: value
                for name, value in lost.members.items()
                if won.members.get(name) in (None, "", [], {}) and value not in (None, "", [], {})
            }
            return self.change(kind, winner, filled, modified=datetime.fromisoformat(self._stamp))

    def restamp(self, kind: str, ids: Iterable[str], modified: datetime) -> None:
        """Give records this stamp of their last change: for tests of equal stamps."""
        with self.write():
            values = [(as_stamp(modified), kind, each) for each in ids]
            self._db.executemany("UPDATE records SET modified = ? WHERE object = ? AND id = ?", values)

    def _mark(self, kind: str, record_id: str, **values: Any) -> Record:
        with self.write() as stamp:
            before = self[kind, record_id]
            now = {"archived": int(before.is_archived), "deleted": int(before.is_deleted)}
            if all(now.get(name) == value for name, value in values.items()):
                return before
            names = ", ".join(f"{name} = ?" for name in values)
            self._db.execute(
                f"UPDATE records SET {names}, modified = ? WHERE object = ? AND id = ?",
                (*values.values(), stamp, kind, record_id),
            )
        return self[kind, record_id]

    def _check_unique(self, of: ObjectType, members: Members, record_id: str) -> None:
        for name, value in of.terms(members):
            if name in of.unique and value:
                for other in self.find(of.name, name, [value], state="live"):
                    if other.id != record_id:
                        raise Duplicate(name, value, other.id)

    def _index(self, of: ObjectType, record_id: str, members: Members) -> None:
        self._db.execute("DELETE FROM terms WHERE object = ? AND id = ?", (of.name, record_id))
        rows = [(of.name, name, value.casefold(), record_id) for name, value in of.terms(members) if value]
        self._db.executemany("INSERT OR IGNORE INTO terms VALUES (?, ?, ?, ?)", rows)

    def _note(self, kind: str, record_id: str, at: str, by: str, name: str, old: Any, new: Any) -> None:
        self._db.execute(
            "INSERT INTO history (object, id, at, by, member, old, new) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (kind, record_id, at, by, name, json.dumps(old), json.dumps(new)),
        )

    # --- reading ---

    def __getitem__(self, at: tuple[str, str]) -> Record:
        """`records["person", "12"]`, whatever its state; raises `Refused` 404."""
        found = self.get(*at)
        if found is None:
            raise Refused("not_found", f"There is no {at[0]} with this id.", status=404)
        return found

    def get(self, kind: str, record_id: str) -> Record | None:
        """One record whatever its state, or None."""
        found = self.many(kind, [record_id])
        return found.get(record_id)

    def many(self, kind: str, ids: Sequence[str]) -> dict[str, Record]:
        """Records by id, whatever their state; unknown ids are absent."""
        found: dict[str, Record] = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            marks = ",".join("?" * len(part))
            rows = self._rows(f"SELECT * FROM records WHERE object = ? AND id IN ({marks})", (kind, *part))
            found |= {row["id"]: _record(row) for row in rows}
        return found

    def find(self, kind: str, name: str, values: Sequence[str], *, state: State = "live") -> list[Record]:
        """Records that have one of these values (ignoring case) of a term, in order of creation."""
        wanted, found = [value.casefold() for value in values], []
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            marks = ",".join("?" * len(part))
            found += self._rows(
                # CROSS keeps the order: SQLite would else go through all records.
                "SELECT DISTINCT records.* FROM terms CROSS JOIN records USING (object, id)"
                " WHERE object = ? AND name = ?"
                f" AND value IN ({marks}) AND {_STATES[state]}",
                (kind, name, *part),
            )
        return sorted((_record(row) for row in found), key=lambda record: record.number)

    def page(
        self,
        kind: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        after: tuple[str, int] | None = None,
        state: State = "live",
        limit: int = 100,
    ) -> list[Record]:
        """Records with since ≤ modified < until by (modified, number), past `position` of an earlier one."""
        stamp, last = after or ("", 0)
        rows = self._rows(
            "SELECT * FROM records WHERE object = ? AND modified >= ? AND modified < ? AND (modified, number) > (?, ?)"
            f" AND {_STATES[state]} ORDER BY modified, number LIMIT ?",
            (kind, as_stamp(since) if since else "", as_stamp(until) if until else "~", stamp, last, limit),
        )
        return [_record(row) for row in rows]

    def listing(
        self, kind: str, *, after: int = 0, state: State = "live", limit: int = 100, text: str = ""
    ) -> list[Record]:
        """Records in order of creation past number `after`; those whose members hold `text`, when given."""
        wanted = "%" + text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
        rows = self._rows(
            f"SELECT * FROM records WHERE object = ? AND number > ? AND {_STATES[state]}"
            " AND (? = '%%' OR members LIKE ? ESCAPE '\\') ORDER BY number LIMIT ?",
            (kind, after, wanted, wanted, limit),
        )
        return [_record(row) for row in rows]

    def history(self, kind: str, ids: Sequence[str], members: Iterable[str] = ()) -> list[Line]:
        """Changes of tracked members (all, or those named) by record, oldest first."""
        marks, only = ",".join("?" * len(ids)), frozenset(members)
        rows = self._rows(
            f"SELECT * FROM history WHERE object = ? AND id IN ({marks}) ORDER BY id, number", (kind, *ids)
        )
        return [
            Line(row["number"], kind, row["id"], datetime.fromisoformat(row["at"]), row["by"], row["member"],
                 json.loads(row["old"]), json.loads(row["new"]))
            for row in rows if not only or row["member"] in only
        ]  # fmt: skip

    def count(self, kind: str, *, state: State = "live") -> int:
        """How many records there are."""
        query = f"SELECT COUNT(*) AS n FROM records WHERE object = ? AND {_STATES[state]}"
        return int(self._rows(query, (kind,))[0]["n"])

    # --- tokens ---

    def keep_token(self, token: str, kind: str, expires: float) -> None:
        """Remember a token until this Unix time."""
        with self.write():
            self._db.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", (token, kind, expires))

    def token_expiry(self, token: str, kind: str) -> float | None:
        """The Unix time when it ends, None for a token that we never gave out."""
        found = self._rows("SELECT expires FROM tokens WHERE token = ? AND kind = ?", (token, kind))
        return float(found[0]["expires"]) if found else None

    def end_tokens(self, kind: str) -> None:
        """Every token of this kind is expired."""
        with self.write():
            self._db.execute("UPDATE tokens SET expires = 0 WHERE kind = ?", (kind,))

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(query, values).fetchall()


def position(record: Record) -> tuple[str, int]:
    """Where a record stands in `Records.page`: JSON-safe, for a cursor."""
    return stamp_text(record.modified_at), record.number


def _record(row: sqlite3.Row) -> Record:
    return Record(
        row["object"], row["id"], row["number"], json.loads(row["members"]), datetime.fromisoformat(row["created"]),
        datetime.fromisoformat(row["modified"]), bool(row["archived"]), bool(row["deleted"]), row["merged_into"],
    )  # fmt: skip
