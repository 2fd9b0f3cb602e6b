"""Seals over plain data: the same data has the same digest, whichever database it was read back from.

Rows are sealed cell by cell. Every row has a secret salt, every cell a hash made with it, and the seal is the digest of
those hashes. So a person's cells can be erased later: their text and what could confirm a guess of it (the salt) go,
their hashes stay, and the seal still verifies.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

ERASED: Final = "Erased person"
"""What an erased cell reads; nothing else verifies in its place."""
SALT, HASH = "salt", "hash"

RowSeal = str | list[list[str]]
"""A row's salt; of a row with erased cells, ["salt", its own salt] or ["hash", its hash] for each cell."""


def plain(value: Any) -> Any:
    """The value as JSON keeps it in every database.

    PostgreSQL stores JSON numbers as decimals, so that a whole float comes back as an integer and a negative zero as
    zero; both are settled here, before the seal. Numbers that are not finite become None.
    """
    match value:
        case None | bool() | str():
            return value
        case int():
            return int(value)
        case Decimal():
            return str(value)
        case float():
            if not math.isfinite(value):
                return None
            return int(value) if value.is_integer() else value
        case datetime() | date():
            return value.isoformat()
        case UUID():
            return str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
    return str(value)


def digest(value: Any) -> str:
    """SHA-256 of the value as canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(_bytes(value)).hexdigest()


def seal_text(text: str, salt: str) -> str:
    """The hash that stands for a text elsewhere: without the salt it tells nothing about the text."""
    return _hash(text, SALT, salt)


def seal_rows(columns: Sequence[Any], rows: Sequence[Sequence[Any]], seals: Sequence[RowSeal]) -> str:
    """The digest of columns and rows, each row with its salt. Raises ValueError when there are not as many."""
    hashes = [_hashes(row, seal) for row, seal in zip(rows, seals, strict=True)]
    return digest([list(columns), hashes])


def verify_rows(
    columns: Sequence[Any], rows: Sequence[Sequence[Any]], seals: Sequence[RowSeal] | None, sealed: str
) -> bool:
    """Whether the rows are what was sealed, erased cells aside. Rows of before salts have none: None."""
    if seals is None:
        return digest([list(columns), list(rows)]) == sealed
    try:
        return seal_rows(columns, rows, seals) == sealed
    except ValueError:
        return False


def redact_row(row: Sequence[Any], seal: RowSeal, places: Collection[int]) -> tuple[list[Any], RowSeal]:
    """The row with the cells at ``places`` erased, and the seal that still verifies. Repeating it changes nothing.

    An erased cell that was a link stays a pair, with an empty address.
    """
    hashes = _hashes(row, seal)
    parts = _parts(len(row), seal)
    cells = list(row)
    for place in places:
        parts[place] = [HASH, hashes[place]]
        cells[place] = _erased(row[place])
    return cells, parts


def _erased(cell: Any) -> Any:
    return [ERASED, ""] if isinstance(cell, list | tuple) else ERASED


def _parts(count: int, seal: RowSeal) -> list[list[str]]:
    if isinstance(seal, str):
        return [[SALT, _cell_salt(seal, place)] for place in range(count)]
    return [list(part) for part in seal]


def _cell_salt(salt: str, place: int) -> str:
    # One salt a row is kept; the cells' own are told from it, and none of them tells it.
    return hashlib.sha256(f"{salt}:{place}".encode()).hexdigest()


def _hashes(row: Sequence[Any], seal: RowSeal) -> list[str]:
    return [_hash(cell, *part) for cell, part in zip(row, _parts(len(row), seal), strict=True)]


def _hash(cell: Any, kind: str, kept: str) -> str:
    if kind == SALT:
        return hashlib.sha256(kept.encode() + b":" + _bytes(cell)).hexdigest()
    if cell != _erased(cell):
        raise ValueError("A cell that was erased reads something else.")
    return kept


def _bytes(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")
