"""Files of every make: encodings, delimiters, header lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.imports.encodings import guess_encoding
from leads.pure.imports.table import MAX_BYTES, Reading, count_rows, open_table
from leads.pure.table_file import UnreadableFile


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        (b"id,name\n1,Zo\xc3\xab\n", {"id": "1", "name": "Zoë"}),
        (b"\xef\xbb\xbfid;name\r\n1;Zo\xc3\xab\r\n", {"id": "1", "name": "Zoë"}),
        (b"id\tname\n1\tZo\xeb\n", {"id": "1", "name": "Zoë"}),
        ("id,name\n1,Zoë\n".encode("utf-16"), {"id": "1", "name": "Zoë"}),
        ("id,name\n1,ZoÃ«\n".encode(), {"id": "1", "name": "Zoë"}),
        (b'id,name\n="007","=""Ada"""\n', {"id": "007", "name": "Ada"}),
        (b"id,name\nR&amp;D,M&uuml;ller\n", {"id": "R&D", "name": "Müller"}),
        (b"id,name\n=&quot;0049&quot;,&#39;=a\n", {"id": "0049", "name": "=a"}),
        (b"id,name\n1,Smith &Co; Sons\n", {"id": "1", "name": "Smith &Co; Sons"}),
        ("\ufeff\ufeffid,name\n1,Ada\n".encode(), {"id": "1", "name": "Ada"}),
        (b"id,name\n1,Ada\n\x1a", {"id": "1", "name": "Ada"}),
        ("id,name\n1,\u516c\u53f8\n".encode("gb18030"), {"id": "1", "name": "\u516c\u53f8"}),
        ("id,name\n1,Zoë\n".encode("utf-16-le"), {"id": "1", "name": "Zoë"}),
        ("id,name\n1,Zoë\n".encode("utf-16-be"), {"id": "1", "name": "Zoë"}),
        (b'id,name\n1,"two\nlines, ""quoted"""\n', {"id": "1", "name": 'two\nlines, "quoted"'}),
    ],
    ids=[
        "utf-8",
        "bom",
        "cp1252",
        "utf-16",
        "stored twice",
        "guarded",
        "web page",
        "web page, guarded",
        "no web page",
        "two marks",
        "Ctrl-Z",
        "Chinese",
        "little-endian",
        "big-endian",
        "quoted",
    ],
)
def test_files_of_every_make(content: bytes, cells: dict[str, str]) -> None:
    table = open_table(content)
    assert [row.cells for row in table.rows()] == [cells]
    assert [row.cells for row in table.rows()] == [cells]
    assert table.header == ("id", "name")


def test_a_thousand_columns() -> None:
    header = [f"c{n}" for n in range(1000)]
    table = open_table((",".join(header) + "\n" + ",".join("x" * 1000) + "\n").encode())
    assert len(next(table.rows()).cells) == len(table.header) == 1000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"id,name\n", "no rows"),
        (b"id,name\n1,a\x00b\n", "not text"),
        (b"id,name\n" + b"1,a\n" * 30_000 + b"2,\x00\n", "NUL"),
        ("id,name\n1,Müller\n".encode() + b"2,Zo\xeb\n", "Line 3 has bytes that are not UTF-8"),
        (b"PK\x03\x04\x00\x00", "not text"),
        (b"<html><table><tr><td>Report</td></tr></table></html>", "a web page"),
        (b"%PDF-1.7\n%\xe2\xe3", "a document"),
        (b"x" * (MAX_BYTES + 1), "larger than 50 MB"),
    ],
)
def test_files_that_cannot_be_read(content: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile, match=message):
        count_rows(open_table(content))


def test_an_accent_after_the_head_of_a_windows_file() -> None:
    table = open_table(b"id,name\n" + b"1,plain\n" * 20_000 + b"2,Zo\xeb\n")
    assert list(table.rows())[-1].cells["name"] == "Zoë"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        count_rows(open_table(content, "leads"))
    except UnreadableFile as refusal:
        assert str(refusal).endswith(".")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Jana Dvořáková", "cp1250"),
        ("Łódź", "cp1250"),
        ("Müller", "mac_roman"),
        ("Müller", "cp1252"),
        ("Zoë", "cp1252"),
        ("Jürgen Groß", "cp850"),
        ("5 €", "cp1252"),
        ("Иван Петров", "cp1251"),
        ("Γιώργος Παπαδόπουλος", "cp1253"),
        ("山田太郎", "shift_jis"),
    ],
)
def test_the_encoding_is_proposed_with_examples(text: str, encoding: str) -> None:
    content = f"email,name\nada@a.example,{text}\n".encode(encoding)
    guess = guess_encoding(content)
    assert guess.examples[guess.encoding] == [text]
    assert next(open_table(content).rows()).cells["name"] == text


def test_the_encoding_can_be_chosen() -> None:
    content = "id,name\n1,Müller\n".encode("cp1252")
    chosen = open_table(content, given=Reading(encoding="mac_roman"))
    assert next(chosen.rows()).cells["name"] == "M¸ller"
    with pytest.raises(UnreadableFile, match="not UTF-8"):
        open_table(content, given=Reading(encoding="utf-8-sig"))


@pytest.mark.parametrize(
    ("text", "line", "delimiter"),
    [
        ("email,name,company,,,\nada@a.example,Ada,Engines,,,\n", 1, ","),
        ("Contacts of November\nemail,name,company\nada@a.example,Ada,Engines\n", 2, ","),
        ("Contacts of November,,\n,,\nemail,name,company\nada@a.example,Ada,Engines\n", 3, ","),
        ('Campaign report\n"November 1, 2026 - November 30, 2026"\nemail,name\na@a.example,Ada\n', 3, ","),
        ("sep=;\nemail;name\na@a.example;Ada, Lady\n", 2, ";"),
        ("email\nada@a.example\n", 1, ","),
        ("email;size\na@a.example;1,5\nb@b.example;2,5\nc@c.example;3,5\n", 1, ";"),
    ],
)
def test_the_header_line_is_proposed(text: str, line: int, delimiter: str) -> None:
    table = open_table(text.encode(), "leads")
    assert (table.reading.header_line, table.reading.delimiter) == (line, delimiter)
    assert table.header[0] == "email"
    assert next(table.rows()).cells["email"].endswith("a.example")


def test_the_header_line_can_be_chosen() -> None:
    table = open_table(b"id,name\nx,y\n1,Ada\n", "leads", Reading(header_line=2))
    assert table.header == ("x", "y")
    assert count_rows(table) == 1


def test_a_file_without_column_names_is_refused() -> None:
    with pytest.raises(UnreadableFile, match=r"must name the columns, but holds 'ada@a\.example'"):
        open_table(b"ada@a.example,Ada\nbob@b.example,Bob\n", "leads")
