"""What both backends share: who wrote the transaction so far."""

from __future__ import annotations

import re
from functools import lru_cache

from leads.past.registry import facts

WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "REPLACE", "TRUNCATE", "CALL", "DO")
"""How statements begin that may write; what else writes (a function in a SELECT) writes as nobody."""
CHANGES = "leads_change"
_FIRST = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(\w+)", re.DOTALL)
_INSERT = re.compile(r'INSERT INTO "(\w+)" \(')
_CHANGES_ROWS = re.compile(r"\b(INSERT\s+INTO|UPDATE\s+\S+\s+(AS\s+\w+\s+)?SET|DELETE\s+FROM|MERGE\s+INTO)\b", re.I)


def verb(sql: object) -> str:
    """The first word of a statement in capitals, whatever comments stand before it; of a list of them the first's."""
    # psycopg composes statements of parts.
    text = sql if isinstance(sql, str) else sql.as_string(None) if hasattr(sql, "as_string") else str(sql)
    found = _FIRST.match(text)
    word = found[1].upper() if found else ""
    return "WRITE" if word == "WITH" and _CHANGES_ROWS.search(text) else word


def is_write(sql: object) -> bool:
    """Whether a statement may write, told by its first word."""
    return verb(sql) in (*WRITES, "WRITE")


@lru_cache(maxsize=512)
def is_untold(sql: str) -> bool:
    """Whether a statement only inserts into a table without versions: whoever writes it is recorded nowhere."""
    found = _INSERT.match(sql)
    return found is not None and found[1] not in {CHANGES, *(fact.table for fact in facts())}


def versions_of(tables: list[str]) -> list[str]:
    """Tables with the versions of these tables, and that of the changes if there are any."""
    versions = [fact.versions for fact in facts() if fact.table in tables]
    return [*versions, *([CHANGES] if versions else [])]
