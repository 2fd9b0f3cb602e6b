"""CSV files of people, and cells that stay text."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.table_file import Dialect, Row, UnreadableFile, neutralize, read_rows, sniff


@pytest.mark.parametrize(
    ("head", "dialect"),
    [
        (b"a,b\n1,2\n", Dialect("utf-8", ",")),
        ("\ufeffname;größe\nx;1,5\n".encode(), Dialect("utf-8-sig", ";")),
        ("name;größe\nMüller, Co;1,5\n".encode("cp1252"), Dialect("cp1252", ";")),
        ("a\tb\n1\t2\n".encode("utf-16"), Dialect("utf-16", "\t")),
        (b'a|b\n"x,y,z"|2\n', Dialect("utf-8", "|")),
        (b"one_column\n1\n", Dialect("utf-8", ",")),
        ("a,b\nx,ü".encode()[:-1], Dialect("utf-8", ",")),
    ],
)
def test_encoding_and_delimiter_are_found(head: bytes, dialect: Dialect) -> None:
    assert sniff(head) == dialect


@pytest.mark.parametrize("head", [b"", b" \n", b"PK\x03\x04\x00", b"a,\x81", b"\xff\xfe\x00\xd8a\0"])
def test_what_is_no_text_is_refused_in_words(head: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"\.$"):
        sniff(head)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(head: bytes) -> None:
    try:
        dialect = sniff(head)
        text = head.decode(dialect.encoding, errors="replace")
        list(read_rows(io.StringIO(text, newline=""), dialect.delimiter))
    except UnreadableFile as refusal:
        assert str(refusal).endswith(".")


def rows(text: str) -> list[Row]:
    return list(read_rows(io.StringIO(text, newline=""), ","))


def test_rows_carry_their_line_and_their_problem() -> None:
    assert rows('id, name\r\n1," Ada\nByron "\r\n\r\n2\r\n3,Cem,x\r\n') == [
        Row(3, {"id": "1", "name": "Ada\nByron"}),
        Row(5, {"id": "2"}, "has 1 cells instead of 2"),
        Row(6, {"id": "3", "name": "Cem"}, "has 3 cells instead of 2"),
    ]


@pytest.mark.parametrize("text", ["", "a,a\n", "a,,b\n", ",\n", "a\n\0\n", "a\n" + "x" * 200_000])
def test_tables_without_a_sound_header_or_body_are_refused(text: str) -> None:
    with pytest.raises(UnreadableFile):
        rows(text)


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1", "+1+1", "-1+1", "@SUM(A1)", "-", "-1-1", "+49 30 1234", "=cmd|' /C calc'!A0", "\tplain",
        "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\u200b=1", "\ufeff=1",
        "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "\ufe621", "\u22121",
    ],
)  # fmt: skip
def test_formulas_become_text(cell: str) -> None:
    assert neutralize(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a=b", "ada@example.com", "-5", "-1,234.50", "-12.5%", "12", " plain", "'=1"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert neutralize(cell) == cell


@given(st.text(max_size=20))
def test_no_exported_cell_starts_a_formula(text: str) -> None:
    out = neutralize(text)
    assert out in (text, f"'{text}")
    assert neutralize(None) == ""
    assert neutralize(-5) == "-5"
    if out == text and out.lstrip()[:1] in ("=", "+", "-", "@") and out.strip():
        assert out[0] == "-"
        assert set(out[1:]) <= set("0123456789.,%")
