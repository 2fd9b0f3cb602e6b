"""What both backends share: who wrote the transaction so far."""

from __future__ import annotations

from leads.past.registry import facts

WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "COPY", "REPLAC", "TRUNCA")
"""How statements begin that may write; what else writes (a function in a SELECT) keeps the writer of before."""
CHANGES = "leads_change"


def is_write(sql: object) -> bool:
    """Whether a statement may write, told by its first word."""
    return isinstance(sql, str) and sql[:32].lstrip().upper().startswith(WRITES)


def versions_of(tables: list[str]) -> list[str]:
    """Tables with the versions of these tables, and that of the changes if there are any."""
    versions = [fact.versions for fact in facts() if fact.table in tables]
    return [*versions, *([CHANGES] if versions else [])]
