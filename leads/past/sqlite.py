"""The SQL of versions on SQLite: triggers per row, and temporary views in front of the tables."""

from __future__ import annotations

from typing import Any

from leads.past.registry import SUFFIX, Computed, Dated, Fact

TRIGGERS = ("insert", "open", "update", "delete", "identity")

_IS_CLOSED = "NOT EXISTS (SELECT 1 FROM leads_change WHERE id = portal_change())"
_OPEN = f"""
  INSERT INTO leads_change (began_at, at, door, actor, source, because, is_backdated)
  SELECT m, m, portal_door(), portal_actor(), portal_source(), portal_because(), portal_chosen() IS NOT NULL
    FROM (SELECT coalesce(portal_chosen(), max(portal_now(), 1 + coalesce((
            SELECT at FROM leads_change WHERE is_backdated = false ORDER BY at DESC LIMIT 1), 0))) AS m)
   WHERE {_IS_CLOSED};
  SELECT portal_opened(last_insert_rowid()) WHERE {_IS_CLOSED};
"""


def columns(cursor: Any, table: str) -> dict[str, str]:
    """Column → declared type of a table; empty for one that does not exist."""
    cursor.execute(f'PRAGMA table_info("{table}")')
    return {row[1]: row[2] for row in cursor.fetchall()}


def indexes(cursor: Any, table: str) -> set[tuple[str, ...]]:
    """Columns of each plain index of a table, unique ones among them; no partial ones and no expressions."""
    found = set()
    for _, index, _, _, is_partial in cursor.execute(f'PRAGMA index_list("{table}")').fetchall():
        names = tuple(row[2] for row in cursor.execute(f'PRAGMA index_info("{index}")').fetchall())
        if not is_partial and all(names):
            found.add(names)
    return {*found, ("id",)}


def make_versions(fact: Fact, types: dict[str, str]) -> str:
    """The table of versions; declared types give its columns the affinity of the table's own."""
    defined = ", ".join(f'"{name}" {types[name]}' for name in fact.kept)
    return f'CREATE TABLE "{fact.versions}" ({defined}, known_by bigint NOT NULL, ended_by bigint)'


def no_triggers(fact: Fact) -> list[str]:
    """Away with the triggers of a table."""
    return [f'DROP TRIGGER IF EXISTS "{name(fact.table, kind)}"' for kind in TRIGGERS]


def triggers(fact: Fact) -> list[str]:
    """The triggers of a table. A row written twice in one change makes one version."""
    table, versions = fact.table, fact.versions
    names = ", ".join(f'"{name}"' for name in fact.kept)
    of_new = ", ".join(f'NEW."{name}"' for name in fact.kept)
    differs = " OR ".join(f'OLD."{name}" IS NOT NEW."{name}"' for name in fact.tracked)
    amended = ", ".join(f'"{name}" = NEW."{name}"' for name in fact.kept if name != "id")
    watched = ", ".join(f'"{name}"' for name in fact.tracked)
    current = f'"{versions}".id = OLD.id AND ended_by IS NULL'
    # The sign keeps SQLite from the index of changes, which it takes for the better one: a transaction that writes
    # many rows, and then updates them, would look for each of them among all.
    of_this_change = f"{current} AND +known_by = portal_change()"
    insert = f'INSERT INTO "{versions}" ({names}, known_by) SELECT {of_new}, portal_change()'
    return [
        f'CREATE TRIGGER "{name(table, "insert")}" AFTER INSERT ON "{table}" BEGIN {_OPEN} {insert}; END',
        # A trigger of its own, so that of many rows all but the first only look whether there is a change. Not so for
        # inserts: a trigger before them fires for rows, too, that a conflict then leaves out.
        f'CREATE TRIGGER "{name(table, "open")}" BEFORE UPDATE OF {watched} ON "{table}"'
        f" WHEN {_IS_CLOSED} AND ({differs}) BEGIN {_OPEN} END",
        f'CREATE TRIGGER "{name(table, "update")}" AFTER UPDATE OF {watched} ON "{table}" WHEN {differs} BEGIN'
        f' UPDATE "{versions}" SET {amended} WHERE {of_this_change};'
        f' UPDATE "{versions}" SET ended_by = portal_change() WHERE {current} AND known_by <> portal_change();'
        f' {insert} WHERE NOT EXISTS (SELECT 1 FROM "{versions}" WHERE {current}); END',
        f'CREATE TRIGGER "{name(table, "delete")}" AFTER DELETE ON "{table}" BEGIN {_OPEN}'
        f' DELETE FROM "{versions}" WHERE {of_this_change};'
        f' UPDATE "{versions}" SET ended_by = portal_change() WHERE {current}; END',
        f'CREATE TRIGGER "{name(table, "identity")}" BEFORE UPDATE OF id ON "{table}" WHEN OLD.id <> NEW.id BEGIN'
        f" SELECT RAISE(ABORT, 'The id of a row of {table} never changes: its past is kept under it.'); END",
    ]


def missing(cursor: Any, facts: list[Fact], others: list[Dated | Computed]) -> list[str]:
    """Names of tables and triggers that are not there or of another version of ours; views are made when asked for."""
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'table')")
    found = dict(cursor.fetchall())
    lacking = [f"table {fact.versions}" for fact in facts if fact.versions not in found]
    for fact in facts:
        for kind, statement in zip(TRIGGERS, triggers(fact), strict=True):
            made = found.get(name(fact.table, kind))
            if made != statement:
                lacking.append(f"{'trigger' if made is None else 'this version of trigger'} {name(fact.table, kind)}")
    return lacking


def view(fact: Fact, top: int, out: tuple[int, ...]) -> str:
    """The table as it was known; made for the moment asked, so that the planner sees plain numbers."""
    shown = ", ".join(_shown(fact, column, top, out) for column in fact.columns)
    versions, known = f'main."{fact.versions}" v', _known("v", top, out)
    return f'CREATE TEMP VIEW "{fact.table}" AS SELECT {shown} FROM {versions} WHERE {known}'


def _known(alias: str, top: int, out: tuple[int, ...]) -> str:
    listed = ", ".join(map(str, out))
    began = f"{alias}.known_by <= {top}" + (f" AND {alias}.known_by NOT IN ({listed})" if out else "")
    still = f"{alias}.ended_by IS NULL OR {alias}.ended_by > {top}"
    return f"{began} AND ({still}{f' OR {alias}.ended_by IN ({listed})' if out else ''})"


def dated_view(table: Dated, as_of: str) -> str:
    """Rows that never change and were there at the moment, which is text as Django stores it."""
    moment = f"\"{table.column}\" <= '{as_of}'" if table.column else "true"
    return f'CREATE TEMP VIEW "{table.table}" AS SELECT * FROM main."{table.table}" WHERE {moment}'


def computed_view(table: Computed, key: int) -> str:
    """Results that were computed for the moment."""
    shown = ", ".join(
        f'"{column}"' if column in table.kept_columns else f'NULL AS "{column}"' for column in table.columns
    )
    return f'CREATE TEMP VIEW "{table.table}" AS SELECT {shown} FROM main."{table.kept}" WHERE "{table.key}" = {key}'


def name(table: str, kind: str) -> str:
    """The name of a trigger."""
    return f"{table}_past_{kind}"


def _shown(fact: Fact, column: str, top: int, out: tuple[int, ...]) -> str:
    for told, table, key, other in fact.told_by:
        if told == column:
            # Not its view: views are made when a statement names their table.
            versions, known = f'main."{table}{SUFFIX}" s', _known("s", top, out)
            row = f'SELECT s."{other}" FROM {versions} WHERE s."{key}" = v.id AND {known}'
            return f'coalesce(({row}), v."{column}") AS "{column}"'
    if column not in fact.hidden:
        return f'v."{column}" AS "{column}"'
    return f'NULL AS "{column}"' if column in fact.nullable else f"'' AS \"{column}\""
