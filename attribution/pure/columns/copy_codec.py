"""PostgreSQL's binary COPY format from and to columns, without an object per row.

Reading: a query that packs each column into one value (``string_agg(int8send(id), '')``) answers with a single row of
long fields, which become arrays as they are. The driver hands out a row at a time, so that asking for the rows
themselves costs ten times as much. Writing: rows that agree in which fields are NULL and in their words all have the
same length, so they are one structured array whose memory *is* the stream.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.columns.ordering import Ints

Kind = Literal["int4", "int8", "float8", "moment", "text"]
_FORMS: dict[Kind, str] = {"int4": ">i4", "int8": ">i8", "float8": ">f8", "moment": ">i8"}
_EPOCH = 946_684_800_000_000
"""PostgreSQL counts microseconds from 2000; we from 1970."""
_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_CHUNK = 200_000
_START = datetime(1970, 1, 1)  # noqa: DTZ001 - SQLite keeps UTC without saying so


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a table. In a nullable one -1 (UNKNOWN) stands for NULL."""

    name: str
    kind: Kind = "int8"
    is_nullable: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A text per row: ``codes`` int64[rows] index ``names``."""

    codes: Ints
    names: tuple[str, ...]


Values = Mapping[str, Any]
"""Per field an array, or one int or text for all rows; a text that differs by row is ``Words``."""


def decode_packed(data: bytes, kinds: Mapping[str, Kind]) -> dict[str, Ints]:
    """Return int64 columns from one row of packed fields, moments as microseconds since 1970.

    Raises ValueError when the data is no such row or the columns differ in length.
    """
    if not data.startswith(_HEADER[:11]) or not data.endswith(_TRAILER):
        raise ValueError("not a binary COPY")
    offset = 19 + int.from_bytes(data[15:19], "big")
    if int.from_bytes(data[offset : offset + 2], "big") != len(kinds):
        raise ValueError("another number of columns")
    offset += 2
    columns: dict[str, Ints] = {}
    for name, kind in kinds.items():
        length = int.from_bytes(data[offset : offset + 4], "big", signed=True)
        offset += 4
        length = max(length, 0)  # NULL: no row was there to pack
        column = np.frombuffer(data, dtype=">i8", count=length // 8, offset=offset).astype(np.int64)
        columns[name] = column + _EPOCH if kind == "moment" else column
        offset += length
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError("columns differ in length")
    return columns


def from_numbers(numbers: Iterable[int], names: Sequence[str]) -> dict[str, Ints]:
    """Return int64 columns from the numbers of rows, one row after the other."""
    table = np.fromiter(numbers, dtype=np.int64).reshape(-1, len(names))
    return {name: np.ascontiguousarray(table[:, place]) for place, name in enumerate(names)}


def encode(fields: Sequence[Field], values: Values, size: int) -> Iterator[bytes]:
    """Yield a binary COPY of ``size`` rows in blocks; the order of rows is not kept."""
    yield _HEADER
    for pattern in _patterns(fields, values, size):
        for start in range(0, len(pattern), _CHUNK):
            yield _block(fields, values, pattern[start : start + _CHUNK])
    yield _TRAILER


def rows(fields: Sequence[Field], values: Values, size: int) -> Iterator[tuple[Any, ...]]:
    """Yield the rows for a driver without COPY: moments as SQLite keeps them, None for NULL."""
    columns: list[Iterable[Any]] = []
    for field in fields:
        value = values[field.name]
        if isinstance(value, Words):
            columns.append([value.names[code] for code in value.codes.tolist()])
        elif isinstance(value, str | int):
            columns.append([value] * size)
        elif field.kind == "moment":
            columns.append(_moments(value))
        elif field.is_nullable:
            columns.append([None if number == UNKNOWN else number for number in value.tolist()])
        else:
            columns.append(value.tolist())
    return zip(*columns, strict=True)


def _patterns(fields: Sequence[Field], values: Values, size: int) -> list[Ints]:
    """Return the rows of each pattern of NULLs and words."""
    if size == 0:
        return []
    pattern = np.zeros(size, dtype=np.int64)
    for field in fields:
        value = values[field.name]
        if isinstance(value, Words):
            pattern = pattern * len(value.names) + value.codes
        elif field.is_nullable:
            pattern = pattern * 2 + (value == UNKNOWN)
    order = np.argsort(pattern, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(pattern[order])) + 1)


def _block(fields: Sequence[Field], values: Values, chosen: Ints) -> bytes:
    """Return rows of one pattern as they travel."""
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    filled: list[tuple[str, Any]] = [("fields", len(fields))]
    for place, field in enumerate(fields):
        value = values[field.name]
        if isinstance(value, Words):
            value = value.names[int(value.codes[chosen[0]])]
        elif not isinstance(value, str | int):
            value = value[chosen]
        if field.is_nullable and value[0] == UNKNOWN:
            layout.append((f"length{place}", ">i4"))
            filled.append((f"length{place}", -1))
            continue
        if isinstance(value, str):
            value = value.encode()
        elif field.kind == "moment":
            value = value - _EPOCH
        form = f"S{len(value)}" if field.kind == "text" else _FORMS[field.kind]
        layout += [(f"length{place}", ">i4"), (f"value{place}", form)]
        filled += [(f"length{place}", np.dtype(form).itemsize), (f"value{place}", value)]
    table = np.empty(len(chosen), dtype=layout)
    for name, value in filled:
        table[name] = value
    return table.tobytes()


def _moments(at: Ints) -> list[str | None]:
    moments, place = np.unique(at, return_inverse=True)
    texts = [None if moment == UNKNOWN else str(_START + timedelta(microseconds=moment)) for moment in moments.tolist()]
    return [texts[index] for index in place.tolist()]
