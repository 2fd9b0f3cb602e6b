"""The sandbox CRM's one SQLite file: people, deals, contacts, append-only history.

Every write runs in one immediate transaction and takes its `modified_at` from this process's clock *inside*
it, never earlier than the stamp before: so rows read in the order (modified_at, id) never appear behind a
reader's back. All rows of one request share one stamp, as in the CRMs this one stands in for.
"""

import json
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import rules
from .bulk import load
from .rules import Fault, Refused
from .schema import DEFAULT_STAGES, TABLES, amount_text, stamp_text

Row = dict[str, Any]
PREFIX = {"people": "P", "deals": "D"}


def _now() -> datetime:
    return datetime.now(UTC)


class Store:
    """One open file. Safe to share between threads: a lock lets one statement sequence through at a time."""

    def __init__(self, path: str | Path, *, clock: Callable[[], datetime] = _now) -> None:
        self._clock, self.path = clock, Path(path)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(str(path), timeout=20, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=20000"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(TABLES)
        with self._write() as stamp:
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('account_id', ?)", (uuid.uuid4().hex[:12],))
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('last_stamp', ?)", (stamp,))

    def close(self) -> None:
        """Close the file; the store is unusable afterwards."""
        with self._lock:
            self._db.close()

    def now(self) -> datetime:
        """The server's clock."""
        return self._clock()

    @contextmanager
    def _write(self) -> Iterator[str]:
        """An immediate transaction and its stamp. A clock that steps back must not hide rows from readers."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                last = self._db.execute("SELECT value FROM meta WHERE key = 'last_stamp'").fetchone()
                stamp = max(stamp_text(self._clock()), last[0] if last else "")
                yield stamp
                self._db.execute("UPDATE meta SET value = ? WHERE key = 'last_stamp'", (stamp,))
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._lock:
            return [dict(row) for row in self._db.execute(query, values)]

    def _next_id(self, kind: str) -> str:
        key = f"last_{kind}"
        self._db.execute(
            "INSERT INTO meta VALUES (?, '1') ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
            (key,),
        )
        number = int(self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0])
        return f"{PREFIX[kind]}-{number:06d}"

    # --- reference ---

    def account_id(self) -> str:
        """A name for this file that outlives restarts."""
        return str(self._rows("SELECT value FROM meta WHERE key = 'account_id'")[0]["value"])

    def owners(self) -> list[Row]:
        """Everybody who may own a person or a deal, by name."""
        return [row | {"active": bool(row["active"])} for row in self._rows("SELECT * FROM owners ORDER BY name, id")]

    def stages(self) -> list[Row]:
        """The stages in the order of the pipeline."""
        return self._rows("SELECT * FROM stages ORDER BY position, key")

    def counts(self) -> dict[str, int]:
        """How many rows each table holds."""
        tables = ("people", "deals", "contacts", "history", "owners", "stages")
        return {name: self._rows(f"SELECT COUNT(*) AS n FROM {name}")[0]["n"] for name in tables}

    def add_defaults(self) -> None:
        """Six usual stages and two owners, where the file has none yet."""
        if not self.stages():
            self.bulk_load(stages=DEFAULT_STAGES)
        if not self.owners():
            names = (
                ("O-1", "Jana Weber", "jana.weber@example.com"),
                ("O-2", "Tom Okafor", "tom.okafor@example.com"),
            )
            self.bulk_load(owners=[{"id": key, "name": name, "email": email} for key, name, email in names])

    # --- people ---

    def upsert_people(self, records: Sequence[Any]) -> list[Row]:
        """Create or change people by external_id. One result per record, in order; a bad one spoils no
        other."""
        with self._write() as stamp:
            return [{"index": index} | self._upsert_person(record, stamp) for index, record in enumerate(records)]

    def _upsert_person(self, record: Any, stamp: str) -> Row:
        try:
            given = rules.clean_person(record)
            self._check_owner(given)
        except Refused as refused:
            return {"status": "error", "id": None, "errors": [refused.fault.as_json()]}
        found = self._rows("SELECT * FROM people WHERE external_id = ?", (given["external_id"],))
        before = found[0] if found else None
        if before is None:
            given |= {"id": self._next_id("people"), "created_at": stamp}
        given["properties"] = rules.merged_properties(
            before["properties"] if before else "{}", given.get("properties", {})
        )
        if before and not before["archived"] and all(before[name] == value for name, value in given.items()):
            return {"status": "unchanged", "id": before["id"], "errors": []}
        given |= {"modified_at": stamp, "archived": 0}  # an upsert brings an archived person back
        if before:
            self._update("people", before["id"], given)
            return {"status": "updated", "id": before["id"], "errors": []}
        self._insert("people", given)
        return {"status": "created", "id": given["id"], "errors": []}

    def search_people(self, text: str, *, limit: int = 50) -> list[Row]:
        """People whose name, e-mail, company or external id holds the text; the last changed first."""
        wanted = "%" + text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
        return self._rows(
            "SELECT * FROM people WHERE archived = 0 AND (first_name || ' ' || last_name || char(10) || email ||"
            " char(10) || company || char(10) || COALESCE(external_id, '')) LIKE ? ESCAPE '\\'"
            " ORDER BY modified_at DESC, id DESC LIMIT ?",
            (wanted, limit),
        )

    # --- reading both kinds ---

    def page(
        self,
        kind: str,
        *,
        since: str = "",
        until: str = "~",
        after: tuple[str, str] | None = None,
        limit: int = 100,
    ) -> list[Row]:
        """Records with since ≤ modified_at < until, ordered by (modified_at, id), past the position
        `after`."""
        stamp, last = after or ("", "")
        table = _table(kind)
        return self._shown(
            kind,
            self._rows(
                f"SELECT * FROM {table} WHERE modified_at >= ? AND modified_at < ?"
                " AND (modified_at, id) > (?, ?)"
                " ORDER BY modified_at, id LIMIT ?",
                (since, until, stamp, last, limit),
            ),
        )

    def find(self, kind: str, external_ids: Sequence[str]) -> list[Row]:
        """The records with these external ids, archived ones too, in no promised order."""
        marks = ",".join("?" * len(external_ids))
        return self._shown(
            kind,
            self._rows(f"SELECT * FROM {_table(kind)} WHERE external_id IN ({marks})", tuple(external_ids)),
        )

    def read(self, kind: str, ids: Sequence[str]) -> list[Row]:
        """The records with these ids, archived ones too, in no promised order."""
        marks = ",".join("?" * len(ids))
        return self._shown(kind, self._rows(f"SELECT * FROM {_table(kind)} WHERE id IN ({marks})", tuple(ids)))

    def get(self, kind: str, record_id: str) -> Row:
        """One record; raises `Refused` with status 404."""
        found = self._rows(f"SELECT * FROM {_table(kind)} WHERE id = ?", (record_id,))
        if not found:
            raise Refused("not_found", f"There is no such record in {kind}.", status=404)
        return self._shown(kind, found)[0]

    def archive(self, kind: str, record_id: str) -> Row:
        """Mark a record archived; archiving twice changes nothing the second time."""
        with self._write() as stamp:
            if not self.get(kind, record_id)["archived"]:
                self._update(kind, record_id, {"archived": 1, "modified_at": stamp})
        return self.get(kind, record_id)

    def _shown(self, kind: str, rows: list[Row]) -> list[Row]:
        for row in rows:
            row["archived"] = bool(row["archived"])
            row["properties"] = json.loads(row["properties"])
        if kind == "deals":
            statuses = {stage["key"]: stage["status"] for stage in self.stages()}
            people = self._contacts([row["id"] for row in rows])
            for row in rows:
                row["amount"] = amount_text(row.pop("amount_cents"))
                row["status"] = statuses[row["stage"]]
                row["contacts"] = people.get(row["id"], [])
        return rows

    def _contacts(self, deal_ids: Sequence[str]) -> dict[str, list[Row]]:
        marks = ",".join("?" * len(deal_ids))
        found: dict[str, list[Row]] = {}
        for row in self._rows(
            "SELECT deal_id, person_id, people.external_id, role,"
            " TRIM(first_name || ' ' || last_name) AS name FROM contacts"
            " JOIN people ON people.id = person_id"
            f" WHERE deal_id IN ({marks}) ORDER BY deal_id, person_id",
            tuple(deal_ids),
        ):
            found.setdefault(row.pop("deal_id"), []).append(row)
        return found

    # --- deals ---

    def deals(
        self, *, status: str = "", stage: str = "", person_id: str = "", limit: int = 50, offset: int = 0
    ) -> list[Row]:
        """Deals that are not archived, the last changed first."""
        rows = self._rows(
            "SELECT deals.* FROM deals JOIN stages ON stages.key = deals.stage WHERE archived = 0"
            " AND (:status = '' OR stages.status = :status) AND (:stage = '' OR deals.stage = :stage)"
            " AND (:person = '' OR deals.id IN (SELECT deal_id FROM contacts WHERE person_id = :person))"
            " ORDER BY modified_at DESC, deals.id DESC LIMIT :limit OFFSET :offset",
            {"status": status, "stage": stage, "person": person_id, "limit": limit, "offset": offset},  # type: ignore[arg-type]
        )
        return self._shown("deals", rows)

    def create_deal(self, record: Any, *, by: str) -> Row:
        """A new deal, by default in the first open stage. Raises `Refused`: 422 for a bad field, 409 for a
        known key."""
        given = rules.clean_deal(record, is_new=True)
        with self._write() as stamp:
            if "external_id" in given and self.find("deals", [given["external_id"]]):
                raise Refused("duplicate_external_id", "A deal with this external_id exists.", "external_id", 409)
            contacts = given.pop("contacts", [])
            given.setdefault("stage", self._first_stage("open"))
            given = {"currency": "EUR", "amount_cents": None} | given
            deal_id = self._next_id("deals")
            given |= {"id": deal_id, "created_at": stamp, "modified_at": stamp}
            given["properties"] = rules.merged_properties("{}", given.get("properties", {}))
            self._check_owner(given)
            given |= self._closing(given["stage"], given, stamp)
            self._insert("deals", given)
            self._link(deal_id, contacts)
            self._note(given, None, stamp, by)
        return self.get("deals", deal_id)

    def change_deal(self, deal_id: str, record: Any, *, by: str) -> Row:
        """Change the members sent; a new stage or amount leaves a line in the history. Raises `Refused`."""
        given = rules.clean_deal(record, is_new=False)
        with self._write() as stamp:
            shown = self.get("deals", deal_id)
            before = self._rows("SELECT * FROM deals WHERE id = ?", (deal_id,))[0]
            contacts = given.pop("contacts", None)
            self._check_owner(given)
            given["properties"] = rules.merged_properties(before["properties"], given.get("properties", {}))
            if given.get("stage", before["stage"]) != before["stage"]:
                given |= self._closing(given["stage"], given, stamp)
            changed = {name: value for name, value in given.items() if before[name] != value}
            if contacts is not None and self._wanted(contacts) != {
                c["person_id"]: c["role"] for c in shown["contacts"]
            }:
                self._db.execute("DELETE FROM contacts WHERE deal_id = ?", (deal_id,))
                self._link(deal_id, contacts)
                changed["modified_at"] = stamp
            if changed:
                self._update("deals", deal_id, changed | {"modified_at": stamp})
            if changed.keys() & {"stage", "amount_cents", "currency"}:
                self._note(before | changed, before["stage"], stamp, by)
        return self.get("deals", deal_id)

    def first_stage(self, status: str) -> str:
        """Key of the first stage with this status."""
        with self._lock:
            return self._first_stage(status)

    def history(self, deal_ids: Sequence[str]) -> list[Row]:
        """Stage and amount changes of these deals, oldest first; from_stage is null at creation."""
        marks = ",".join("?" * len(deal_ids))
        rows = self._rows(f"SELECT * FROM history WHERE deal_id IN ({marks}) ORDER BY deal_id, id", tuple(deal_ids))
        for row in rows:
            row["amount"] = amount_text(row.pop("amount_cents"))
        return rows

    def _closing(self, stage: str, given: Mapping[str, Any], stamp: str) -> Row:
        """What entering a stage sets: closing dates a deal (today unless told), reopening clears the
        moment."""
        known = {row["key"]: row["status"] for row in self.stages()}
        if stage not in known:
            raise Refused("unknown_stage", "There is no such stage.", "stage")
        if known[stage] == "open":
            return {"closed_at": None}
        return {"closed_at": stamp, "close_on": given.get("close_on") or stamp[:10]}

    def _first_stage(self, status: str) -> str:
        found = [str(stage["key"]) for stage in self.stages() if stage["status"] == status]
        if not found:
            raise Refused("unknown_stage", f"No stage is {status}.", "stage")
        return found[0]

    def _note(self, deal: Mapping[str, Any], from_stage: str | None, stamp: str, by: str) -> None:
        self._db.execute(
            "INSERT INTO history (deal_id, from_stage, to_stage, amount_cents,"
            " currency, changed_at, changed_by)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (deal["id"], from_stage, deal["stage"], deal["amount_cents"], deal["currency"], stamp, by),
        )

    def _wanted(self, contacts: Iterable[Mapping[str, str]]) -> dict[str, str]:
        wanted = {}
        for contact in contacts:
            column = "id" if contact["person_id"] else "external_id"
            key = contact["person_id"] or contact["external_id"]
            found = self._rows(f"SELECT id FROM people WHERE {column} = ?", (key,))
            if not found:
                raise Refused("unknown_person", "A contact names nobody we know.", "contacts")
            wanted[str(found[0]["id"])] = contact["role"]
        return wanted

    def _link(self, deal_id: str, contacts: Iterable[Mapping[str, str]]) -> None:
        rows = [(deal_id, person_id, role) for person_id, role in self._wanted(contacts).items()]
        self._db.executemany("INSERT INTO contacts VALUES (?, ?, ?)", rows)

    def _check_owner(self, given: Mapping[str, Any]) -> None:
        owner = given.get("owner_id")
        if owner and not self._rows("SELECT 1 FROM owners WHERE id = ?", (owner,)):
            raise Refused("unknown_owner", "There is no such owner.", "owner_id")

    def _insert(self, table: str, values: Row) -> None:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        self._db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))

    def _update(self, table: str, record_id: str, values: Row) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"UPDATE {table} SET {names} WHERE id = ?", (*values.values(), record_id))

    # --- seeding ---

    def bulk_load(
        self,
        owners: Iterable[Mapping[str, Any]] = (),
        stages: Iterable[Mapping[str, Any]] = (),
        people: Iterable[Mapping[str, Any]] = (),
        deals: Iterable[Mapping[str, Any]] = (),
        contacts: Iterable[Mapping[str, Any]] = (),
        history: Iterable[Mapping[str, Any]] = (),
    ) -> dict[str, int]:
        """Rows for a new file, past stamps kept: all of them or none. See `bulk.load` for the members of
        each."""
        with self._write() as stamp:
            return load(
                self._db, stamp, owners=owners, stages=stages, people=people, deals=deals, contacts=contacts,
                history=history,
            )  # fmt: skip


def _table(kind: str) -> str:
    if kind not in PREFIX:
        raise Refused("not_found", "There is no such kind of record.", status=404)
    return kind


__all__ = ["Fault", "Refused", "Row", "Store"]
