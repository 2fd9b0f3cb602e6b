"""The binary COPY format: what is written reads back, and strange data is refused."""

import struct

import numpy as np
import pytest

from attribution.pure.columns.copy_codec import Field, Words, decode_packed, encode, from_numbers, rows

FIELDS = (
    Field("id"),
    Field("small", "int4"),
    Field("place", is_nullable=True),
    Field("at", "moment", is_nullable=True),
    Field("share", "float8"),
    Field("status", "text"),
    Field("method", "text"),
)
VALUES = {
    "id": np.array([1, -(2**62), 3]),
    "small": np.array([7, 8, 9]),
    "place": np.array([-1, 5, 6]),
    "at": np.array([0, -1, 1_000_001]),
    "share": np.array([0.5, 1.0, 0.1]),
    "status": Words(np.array([0, 1, 0]), ("open", "won")),
    "method": "linear",
}


def packed(*columns: list[int] | None) -> bytes:
    """One row of packed columns, as PostgreSQL sends it."""
    out = b"PGCOPY\n\xff\r\n\0" + bytes(8) + struct.pack(">h", len(columns))
    for column in columns:
        if column is None:
            out += struct.pack(">i", -1)
        else:
            out += struct.pack(f">i{len(column)}q", 8 * len(column), *column)
    return out + b"\xff\xff"


def read(stream: bytes) -> list[tuple[bytes | None, ...]]:
    """Rows of a binary COPY, field by field."""
    offset, found = 19, []
    while (count := struct.unpack_from(">h", stream, offset)[0]) != -1:
        offset += 2
        row: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", stream, offset)
            offset += 4
            row.append(None if length < 0 else stream[offset : offset + length])
            offset += max(length, 0)
        found.append(tuple(row))
    assert offset + 2 == len(stream)
    return found


def test_packed_columns_become_arrays() -> None:
    found = decode_packed(packed([1, 2, -3], [0, 1, 2]), {"id": "int8", "at": "moment"})
    assert found["id"].tolist() == [1, 2, -3]
    assert found["at"].tolist() == [946_684_800_000_000 + shift for shift in (0, 1, 2)]
    assert all(column.dtype == np.int64 for column in found.values())


def test_no_rows_are_empty_columns() -> None:
    assert [len(column) for column in decode_packed(packed(None, None), {"a": "int8", "b": "moment"}).values()] == [
        0,
        0,
    ]
    assert from_numbers([], ["a", "b"])["b"].tolist() == []


@pytest.mark.parametrize("data", [b"", b"text", packed([1]), packed([1], [1, 2])])
def test_other_data_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a binary|another number|differ in length"):
        decode_packed(data, {"a": "int8", "b": "int8"})


def test_rows_of_every_pattern_are_written() -> None:
    found = sorted(read(b"".join(encode(FIELDS, VALUES, 3))), key=repr)
    epoch = -946_684_800_000_000
    expected = [
        (1, 7, None, epoch, 0.5, b"open", b"linear"),
        (-(2**62), 8, 5, None, 1.0, b"won", b"linear"),
        (3, 9, 6, epoch + 1_000_001, 0.1, b"open", b"linear"),
    ]
    forms = (">q", ">i", ">q", ">q", ">d")
    wanted = [
        (*(None if v is None else struct.pack(f, v) for f, v in zip(forms, row, strict=False)), *row[5:])
        for row in expected
    ]
    assert found == sorted(wanted, key=repr)
    assert list(read(b"".join(encode(FIELDS, VALUES, 0)))) == []


def test_rows_for_a_driver_without_copy() -> None:
    assert list(rows(FIELDS, VALUES, 3)) == [
        (1, 7, None, "1970-01-01 00:00:00", 0.5, "open", "linear"),
        (-(2**62), 8, 5, None, 1.0, "won", "linear"),
        (3, 9, 6, "1970-01-01 00:00:01.000001", 0.1, "open", "linear"),
    ]
    assert {key: column.tolist() for key, column in from_numbers([1, 2, 3, 4], ["a", "b"]).items()} == {
        "a": [1, 3],
        "b": [2, 4],
    }
