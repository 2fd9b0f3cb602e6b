"""Rows of CSV files, and cells that stay text."""

from __future__ import annotations

import csv
import io

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.table_file import (
    REJECTED,
    Row,
    UnreadableFile,
    column_names,
    mark_again,
    neutralize,
    read_rows,
    sheet_name,
)


def rows(text: str) -> list[Row]:
    return list(read_rows(io.StringIO(text, newline=""), ","))


def test_rows_carry_their_line_and_their_problem() -> None:
    assert rows('id, name\r\n1," Ada\nByron "\r\n\r\n2\r\n3,Cem,x\r\n') == [
        Row(3, {"id": "1", "name": "Ada\nByron"}),
        Row(5, {"id": "2"}, "has 1 cells instead of 2"),
        Row(6, {"id": "3", "name": "Cem", "Column 3": "x"}, "has 3 cells instead of 2"),
    ]


@pytest.mark.parametrize("text", ["", ",\n", "a\n\0\n", "a\n" + "x" * 200_000])
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


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('e,c\nada,"Engines\nbob,Bolts\ncy,Cogs', 2),
        ('e,c\nada,"Engines\nbob,"Bolts"\ncy,Cogs\n', 2),
        ('e,c\nada,"Engines\n"bob",Bolts\n', 2),
        ('e,c\nada,Engines\nbob,"Bolts\n', 3),
        ('e,c\nada,"two\nlines"\nbob,"' + "x" * 100_000 + "\n" + "y" * 100_000, 4),
        ('e,"c\nada,Engines\n', 1),
    ],
)
def test_a_quote_that_is_never_closed_refuses_the_file_and_names_its_line(text: str, line: int) -> None:
    with pytest.raises(UnreadableFile, match=f"Line {line}: a quotation mark is opened and not closed"):
        rows(text)


def test_a_quote_within_a_quoted_cell_leaves_out_its_row_alone() -> None:
    found = rows('size,name\n"12" pipe",Ada\n13,"Bob"\n14" pipe,Cy\n')
    assert found[0].problem == "has a quotation mark within a quoted cell; write it twice"
    assert found[1] == Row(3, {"size": "13", "name": "Bob"})
    assert found[2] == Row(4, {"size": '14" pipe', "name": "Cy"})


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (["email", "name", "", "", ""], ["email", "name"]),
        (["email", "", "name"], ["email", "Column 2", "name"]),
        (["id", "id", "id"], ["id", "id (2)", "id (3)"]),
    ],
)
def test_every_column_gets_a_name_and_empty_ones_at_the_end_none(header: list[str], names: list[str]) -> None:
    assert column_names(header) == names


def test_empty_cells_beyond_the_last_column_are_no_fault() -> None:
    assert rows("email,name,,\nada,Ada,,\nbob,Bob\n") == [
        Row(2, {"email": "ada", "name": "Ada"}),
        Row(3, {"email": "bob", "name": "Bob"}),
    ]


def test_lines_above_the_header_are_skipped_and_counted() -> None:
    found = list(read_rows(io.StringIO("Report\n\nid,name\n1,Ada\n", newline=""), ",", 3))
    assert found == [Row(4, {"id": "1", "name": "Ada"})]


@pytest.mark.parametrize(("cell", "value"), [("'+49 30 123 45", "+49 30 123 45"), ("'=Foo GmbH", "=Foo GmbH")])
def test_the_mark_before_a_formula_is_taken_off_again(cell: str, value: str) -> None:
    assert rows(f"id,name\n1,{cell}\n") == [Row(2, {"id": "1", "name": value})]


def test_an_apostrophe_before_a_word_stays() -> None:
    assert rows("id,name\n1,'t Hooft\n") == [Row(2, {"id": "1", "name": "'t Hooft"})]


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=5
    )
)
def test_our_file_of_rejected_rows_comes_back_as_it_was_sent(cells: list[str]) -> None:
    sent = [cell.strip() for cell in cells]
    out = io.StringIO(newline="")
    names = [f"c{position}" for position in range(len(sent))]
    writer = csv.writer(out)
    writer.writerows([[mark_again(name) for name in (*REJECTED, *names)], ["2", "a reason", *map(mark_again, sent)]])
    found = rows(out.getvalue())
    assert [row.cells for row in found] == [dict(zip(names, sent, strict=True))]


@pytest.mark.parametrize(
    ("name", "sheet"),
    [
        ("journey Prenlund Bank: Pilot", "journey Prenlund Bank Pilot"),
        ("3/4 [new] 'quoted'", "3 4 new 'quoted"),
        ("x" * 40, "x" * 31),
        ("History", "History sheet"),
        (":", "sheet"),
    ],
)
def test_a_sheet_has_a_name_that_spreadsheets_take(name: str, sheet: str) -> None:
    assert sheet_name(name) == sheet


@given(st.text())
def test_any_name_makes_a_sheet(name: str) -> None:
    with xlsxwriter.Workbook(io.BytesIO(), {"in_memory": True}) as book:
        book.add_worksheet(sheet_name(name))
