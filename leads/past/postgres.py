"""The SQL of versions on PostgreSQL: triggers per statement, and views in a schema of their own."""

from __future__ import annotations

import re
from typing import Any

from leads.past.registry import Computed, Dated, Fact

SCHEMA = "past"
COMMIT_LOCK = 826_354
"""Held, shared, by every transaction from the moment it is stamped to its end."""
OPEN_LOCK = 826
"""Upper bits of a lock held, shared, by every transaction from before its first change gets an id to its end; the lower
44 bits are an id below that one."""
TRIGGERS = ("insert", "update", "delete", "identity", "truncate")

_FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION portal_now() RETURNS bigint LANGUAGE sql VOLATILE AS
  $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint $$;

CREATE OR REPLACE FUNCTION portal_change() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  known text := current_setting('portal.change', true);
  chosen text := coalesce(current_setting('portal.chosen', true), '');
  found bigint;
BEGIN
  IF known <> '' THEN RETURN known::bigint; END IF;
  IF coalesce(current_setting('portal.open', true), '') = '' THEN
    PERFORM pg_advisory_xact_lock_shared(({OPEN_LOCK}::bigint << 44) + last_value - 1) FROM leads_change_id_seq;
    PERFORM set_config('portal.open', 'yes', true);
  END IF;
  INSERT INTO leads_change (began_at, at, door, actor, source, because, is_backdated)
  SELECT moment, moment, coalesce(nullif(current_setting('portal.door', true), ''), 'direct'),
         nullif(current_setting('portal.actor', true), '')::bigint,
         coalesce(current_setting('portal.source', true), ''), coalesce(current_setting('portal.because', true), ''),
         chosen <> ''
    FROM (SELECT coalesce(nullif(chosen, '')::bigint, portal_now()) AS moment) AS now
  RETURNING id INTO found;
  PERFORM set_config('portal.change', found::text, true);
  PERFORM set_config('portal.wrote', 'yes', true);
  RETURN found;
END $$;

CREATE OR REPLACE FUNCTION portal_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE stamp text := coalesce(current_setting('portal.stamp', true), '');
BEGIN
  IF stamp = '' THEN
    PERFORM pg_advisory_xact_lock_shared({COMMIT_LOCK});
    -- Later than whatever was stamped before, also when the clock was set back.
    stamp := greatest(portal_now(), NEW.began_at, 1 + (
      SELECT at FROM leads_change WHERE is_backdated = false AND id <> NEW.id ORDER BY at DESC LIMIT 1))::text;
    PERFORM set_config('portal.stamp', stamp, true);
  END IF;
  UPDATE leads_change SET at = stamp::bigint WHERE id = NEW.id;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS leads_change_stamp ON leads_change;
CREATE CONSTRAINT TRIGGER leads_change_stamp AFTER INSERT ON leads_change DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NOT NEW.is_backdated) EXECUTE FUNCTION portal_stamp();

CREATE OR REPLACE FUNCTION portal_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(current_setting('portal.truncate', true), '') = 'on' THEN RETURN NULL; END IF;
  RAISE EXCEPTION 'TRUNCATE of % is refused: its rows keep their past; use DELETE.', TG_TABLE_NAME;
END $$;

CREATE OR REPLACE FUNCTION portal_refuse_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The id of a row of % never changes: its past is kept under it.', TG_TABLE_NAME;
END $$;
"""


def functions() -> str:
    """Functions that all triggers share, and the stamp of every commit."""
    return _FUNCTIONS


def columns(cursor: Any, table: str) -> dict[str, str]:
    """Column → type of a table; empty for one that does not exist."""
    cursor.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [f'"{table}"'],
    )
    return dict(cursor.fetchall())


def indexes(cursor: Any, table: str) -> set[tuple[str, ...]]:
    """Columns of each plain index of a table, unique ones among them; no partial ones, none for patterns."""
    cursor.execute(
        """
        SELECT x.indexrelid, array_agg(a.attname ORDER BY k.place)
          FROM pg_index x CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k(number, place)
          JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number
         WHERE x.indrelid = to_regclass(%s) AND x.indpred IS NULL AND x.indexprs IS NULL
           AND NOT EXISTS (SELECT FROM unnest(x.indclass) c JOIN pg_opclass o ON o.oid = c WHERE NOT o.opcdefault)
         GROUP BY x.indexrelid
        """,
        [f'"{table}"'],
    )
    return {tuple(names) for _, names in cursor.fetchall()}


def make_versions(fact: Fact, types: dict[str, str]) -> str:
    """The table of versions. Rows are ended in place, which is cheap while their page has room."""
    defined = ", ".join(f'"{name}" {types[name]}' for name in fact.kept)
    return (
        f'CREATE TABLE "{fact.versions}" ({defined}, known_by bigint NOT NULL, ended_by bigint) WITH (fillfactor = 85)'
    )


def no_triggers(fact: Fact) -> list[str]:
    """Away with the triggers of a table."""
    return [f'DROP TRIGGER IF EXISTS "{name(fact.table, kind)}" ON "{fact.table}"' for kind in TRIGGERS]


def triggers(fact: Fact) -> list[str]:
    """The function of a table and its triggers. Per statement: a bulk update costs one pass, not one call per row."""
    table, function = fact.table, f"portal_keep_{fact.table}"
    after = f'FOR EACH STATEMENT EXECUTE FUNCTION "{function}"()'
    return [
        f'CREATE OR REPLACE FUNCTION "{function}"() RETURNS trigger LANGUAGE plpgsql {_PLANS}'
        f" AS $keep${_body(fact)}$keep$",
        f'CREATE TRIGGER "{name(table, "insert")}" AFTER INSERT ON "{table}" REFERENCING NEW TABLE AS new_rows {after}',
        f'CREATE TRIGGER "{name(table, "update")}" AFTER UPDATE ON "{table}" REFERENCING NEW TABLE AS new_rows {after}',
        f'CREATE TRIGGER "{name(table, "delete")}" AFTER DELETE ON "{table}" REFERENCING OLD TABLE AS old_rows {after}',
        f'CREATE TRIGGER "{name(table, "identity")}" BEFORE UPDATE OF id ON "{table}" FOR EACH ROW'
        " WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION portal_refuse_identity()",
        f'CREATE TRIGGER "{name(table, "truncate")}" BEFORE TRUNCATE ON "{table}" FOR EACH STATEMENT'
        " EXECUTE FUNCTION portal_refuse_truncate()",
    ]


# Plans are kept for the session as the first statement made them, whether it wrote one row or a million: versions are
# always looked up by their index, and rows of the statement are never joined with each other. Nor are they with all
# versions: of a table without statistics the planner expects hardly any that has not ended, and would read them all.
_PLANS = "SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off"


def _body(fact: Fact) -> str:
    names = ", ".join(f'"{name}"' for name in fact.kept)
    of_new = ", ".join(f'n."{name}"' for name in fact.kept)
    versions = fact.versions
    differs = f"ROW({_listed('n', fact.tracked)}) IS DISTINCT FROM ROW({_listed('v', fact.tracked)})"
    amended = ", ".join(f'"{name}" = n."{name}"' for name in fact.kept if name != "id")
    current = (
        f'CROSS JOIN LATERAL (SELECT w.ctid AS portal_place, w.* FROM "{versions}" w'
        " WHERE w.id = n.id AND w.ended_by IS NULL OFFSET 0) v"
    )
    return f"""
DECLARE c bigint;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NOT EXISTS (SELECT FROM new_rows) THEN RETURN NULL; END IF;
    c := portal_change();
    INSERT INTO "{versions}" ({names}, known_by) SELECT {of_new}, c FROM new_rows n;
  ELSIF TG_OP = 'UPDATE' THEN
    IF NOT EXISTS (SELECT FROM new_rows n {current} WHERE {differs}) THEN RETURN NULL; END IF;
    c := portal_change();
    UPDATE "{versions}" t SET {amended} FROM new_rows n {current}
     WHERE t.ctid = v.portal_place AND {differs} AND v.known_by = c;
    WITH ended AS (
      UPDATE "{versions}" t SET ended_by = c FROM new_rows n {current}
       WHERE t.ctid = v.portal_place AND {differs} AND v.known_by <> c RETURNING {of_new})
    INSERT INTO "{versions}" ({names}, known_by) SELECT {names}, c FROM ended;
  ELSE
    IF NOT EXISTS (SELECT FROM old_rows) THEN RETURN NULL; END IF;
    c := portal_change();
    DELETE FROM "{versions}" t USING old_rows n {current} WHERE t.ctid = v.portal_place AND v.known_by = c;
    UPDATE "{versions}" t SET ended_by = c FROM old_rows n {current} WHERE t.ctid = v.portal_place;
  END IF;
  RETURN NULL;
END """


def missing(cursor: Any, facts: list[Fact], others: list[Dated | Computed]) -> list[str]:
    """Names of triggers, functions and views that are not there, not switched on or of another version of ours."""
    cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')")
    found = {row[0] for row in cursor.fetchall()}
    cursor.execute("SELECT table_name FROM information_schema.views WHERE table_schema = %s", [SCHEMA])
    views = {row[0] for row in cursor.fetchall()}
    cursor.execute("SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'portal%%'")
    bodies = dict(cursor.fetchall())
    cursor.execute("SELECT current_setting('session_replication_role')")
    role = cursor.fetchone()[0]
    wanted = [name(fact.table, kind) for fact in facts for kind in TRIGGERS]
    lacking = [f"trigger {each}" for each in [*wanted, "leads_change_stamp"] if each not in found]
    tables = [*(fact.table for fact in facts), *(each.table for each in others)]
    lacking += [f"view {SCHEMA}.{table}" for table in tables if table not in views]
    shared = re.findall(r"FUNCTION (portal_\w+)", _FUNCTIONS)
    lacking += [f"function {each}" for each in sorted({*shared}) if each not in bodies]
    keeping = {f"portal_keep_{fact.table}": _body(fact) for fact in facts}
    lacking += [f"this version of function {each}" for each, body in keeping.items() if bodies.get(each, body) != body]
    return [*lacking, *(["session_replication_role = origin"] if role == "replica" else [])]


def view(fact: Fact, types: dict[str, str]) -> str:
    """The table as it was known at the moment of the session. Settings are read once, not cast for every row.

    The views of tables that tell some of its columns are made before it.
    """
    shown = ", ".join(_shown(fact, column, types) for column in fact.columns)
    top, out = _SETTING.format("top", "bigint"), f"({_SETTING.format('out', 'bigint[]')})::bigint[]"
    return (
        # The second relation, empty and free, keeps PostgreSQL from letting writes through the view.
        f'CREATE VIEW "{SCHEMA}"."{fact.table}" AS SELECT {shown} FROM "{fact.versions}" v, (SELECT) one'
        # The sum hides the column from the planner: rows that one change wrote (an import, the first migration) would
        # make it expect that none is left, and join accordingly.
        f" WHERE v.known_by <= {top} AND v.known_by + 0 <> ALL ({out})"
        f" AND (v.ended_by IS NULL OR v.ended_by > {top} OR v.ended_by = ANY ({out}))"
    )


def dated_view(table: Dated) -> str:
    """Rows that never change and were there at the moment of the session."""
    moment = f'"{table.column}" <= {_SETTING.format("as_of", "timestamptz")}' if table.column else "true"
    # OFFSET 0 keeps PostgreSQL from letting writes through the view.
    return f'CREATE VIEW "{SCHEMA}"."{table.table}" AS SELECT * FROM "{table.table}" WHERE {moment} OFFSET 0'


def computed_view(table: Computed, types: dict[str, str]) -> str:
    """Results that were computed for the moment of the session. The table they stand for is not touched."""
    shown = ", ".join(
        f'"{column}"' if column in table.kept_columns else f'NULL::{types[column]} AS "{column}"'
        for column in table.columns
    )
    key = _SETTING.format("key", "bigint")
    return f'CREATE VIEW "{SCHEMA}"."{table.table}" AS SELECT {shown} FROM "{table.kept}" WHERE "{table.key}" = {key}'


def name(table: str, kind: str) -> str:
    """The name of a trigger."""
    return f"{table}_past_{kind}"


_SETTING = "(SELECT current_setting('portal.{}')::{})"


def _listed(alias: str, names: tuple[str, ...]) -> str:
    return ", ".join(f'{alias}."{name}"' for name in names)


def _shown(fact: Fact, column: str, types: dict[str, str]) -> str:
    for told, table, key, other in fact.told_by:
        if told == column:
            row = f'SELECT s."{other}" FROM "{SCHEMA}"."{table}" s WHERE s."{key}" = v.id'
            return f'coalesce(({row}), v."{column}") AS "{column}"'
    if column not in fact.hidden:
        return f'v."{column}"'
    empty = "''" if types[column].startswith(("character", "text")) else "NULL"
    return f'{empty}::{types[column]} AS "{column}"'
