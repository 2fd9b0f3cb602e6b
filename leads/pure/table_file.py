"""Tables as files: reading the CSV people upload, and writing cells that no spreadsheet takes for a
formula."""

from __future__ import annotations

import csv
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)*%?")
_GUARDED = re.compile(r'="((?:[^"]|"")*)"')
_BLANKS = " \t\r\n\u00a0\u200b\ufeff"
_ENTITY = re.compile(
    r"&(?:amp|lt|gt|quot|apos|nbsp|szlig|[A-Za-z](?:uml|acute|grave|circ|tilde|cedil|ring)|#\d{2,5}|#x[0-9A-Fa-f]{2,5});"
)
_NOT_IN_SHEETS = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_LONGEST_SHEET = 31
# The first columns of a file of rejected rows. A file that has them is one of ours, mended.
REJECTED = ("rejected line", "rejected because")
# The column behind these, with the import that they were left out of.
REJECTED_FROM = "rejected from import"


class UnreadableFile(ValueError):
    """The bytes are no table we can read; the message tells a person why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A data row: its line number in the file, cells by column name, what is wrong with it, and what people should
    look at though it can be taken ("" if nothing)."""

    number: int
    cells: dict[str, str]
    problem: str = ""
    warning: str = ""


def read_rows(lines: Iterable[str], delimiter: str, header_line: int = 1) -> Iterator[Row]:
    """The rows below the header, which names the columns; blank lines are skipped, cells are stripped.

    `lines` is a text file opened with `newline=""`. A row with too many or too few cells is given with its
    problem; cells without a column are under `Column 7`. The mark that exports put before formulas is taken off
    again. Raises UnreadableFile for a quotation mark that is never closed and for cells beyond 128 KiB.
    """
    records = _records(lines, delimiter, header_line)
    _, values, _, _ = next(records, (0, [], "", []))
    names = column_names(values)
    is_ours = tuple(names[:2]) == REJECTED
    marks = {*REJECTED, REJECTED_FROM}
    for number, cells, problem, held in records:
        if not any(cell.strip("\x1a") for cell in cells):  # a lone Ctrl-Z ended files of DOS
            continue
        every: Sequence[str] = names
        if len(cells) != len(names):
            while len(cells) > len(names) and not cells[-1]:
                cells.pop()
            if not problem and len(cells) != len(names):
                problem = f"has {len(cells)} cells instead of {len(names)}"
            every = [*names, *(f"Column {position}" for position in range(len(names) + 1, len(cells) + 1))]
        # What a cell holds, its lines hold: looking there is quicker, and few lines need any of this.
        text = "".join(held)
        if "&" in text:
            cells = [_unescaped(cell) for cell in cells]
            text = "".join(cells)
        if '="' in text:
            cells = [_unguard(cell) for cell in cells]
        if is_ours or "'" in text:
            cells = [_unmark(cell, is_ours) for cell in cells]
        row = dict(zip(every, cells, strict=False))
        if is_ours:
            row = {name: cell for name, cell in row.items() if name not in marks}
        yield Row(number, row, problem, _swallowed(held, len(names), delimiter, number))


def _swallowed(lines: Sequence[str], width: int, delimiter: str, last: int) -> str:
    """What to say of lines that a quoted cell made one row, where each would be a row by itself; else ""."""
    if len(lines) < 2 or width < 2 or any(line.count(delimiter) != width - 1 for line in lines):
        return ""
    return (
        f"Lines {last - len(lines) + 1} to {last} are read as one row, because a quotation mark opens in the first and "
        "closes in the last. Each would be a row by itself: remove the marks if these are several."
    )


def column_names(header: Sequence[str]) -> list[str]:
    """The names of the columns: empty ones at the end are dropped, others get a number, repeated ones, too.

    Raises UnreadableFile where there is no name at all.
    """
    names = [_unmark(_unguard(name.strip(_BLANKS)), False) for name in header]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise UnreadableFile("The header line must name the columns.")
    taken: set[str] = set()
    for index, name in enumerate(names):
        plain = name or f"Column {index + 1}"
        count, unique = 1, plain
        while unique in taken:
            count += 1
            unique = f"{plain} ({count})"
        taken.add(unique)
        names[index] = unique
    return names


def read_records(lines: Iterable[str], delimiter: str, first_line: int = 1) -> Iterator[tuple[int, list[str], str]]:
    """Every record from a line on, blank ones too: its last line, its stripped cells, and what is wrong with it.

    Raises UnreadableFile.
    """
    for number, cells, problem, _ in _records(lines, delimiter, first_line):
        yield number, cells, problem


def _records(
    lines: Iterable[str], delimiter: str, first_line: int
) -> Iterator[tuple[int, list[str], str, Sequence[str]]]:
    """The same with the lines as they stand in the file."""
    source = _Lines(lines)
    for _ in range(first_line - 1):
        next(source, "")
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.held.clear()
        start, problem = source.number + 1, ""
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "end of data" in str(error) or len(source.held) > 1:
                raise UnreadableFile(
                    f"Line {start}: a quotation mark is opened and not closed. Close it or remove it, and upload the "
                    "file again."
                ) from error
            if "field limit" in str(error):
                raise UnreadableFile(f"Line {start} cannot be read: {error}.") from error
            values = next(csv.reader(source.held, delimiter=delimiter), [])
            problem = "has a quotation mark within a quoted cell; write it twice"
        except UnicodeDecodeError as error:
            raise UnreadableFile(f"After line {source.number} there are bytes that are no {error.encoding}.") from error
        yield source.number, [value.strip() for value in values], problem, source.held


class _Lines:
    """Lines with their numbers; `held` are those read since it was last cleared."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines, self.number = iter(lines), 0
        self.held: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.number += 1
        if "\0" in line:
            raise UnreadableFile(f"Line {self.number} contains a NUL character; the file is not plain text.")
        self.held.append(line)
        return line


def mark_again(cell: str) -> str:
    """The cell of a file that comes back to us: as :func:`neutralize`, and so that taking the mark off restores it."""
    return f"'{cell}" if cell.startswith("'") else neutralize(cell)


def _unmark(cell: str, is_ours: bool) -> str:
    """Without the quote mark that :func:`mark_again` (``is_ours``) or :func:`neutralize` put before it."""
    if not cell.startswith("'"):
        return cell
    return cell[1:] if is_ours or neutralize(cell[1:]) == cell else cell


def _unescaped(cell: str) -> str:
    """Signs as they were before a web page was made of them: "AT&amp;T"."""
    return html.unescape(cell) if _ENTITY.search(cell) else cell


def _unguard(cell: str) -> str:
    """Without the formula that exports write so that spreadsheets keep zeros in front: ="0049"."""
    match = _GUARDED.fullmatch(cell)
    return match[1].replace('""', '"') if match else cell


def sheet_name(name: str) -> str:
    """A name that spreadsheets take for a sheet: what they refuse in one is a space, and 31 characters are the most."""
    plain = " ".join(_NOT_IN_SHEETS.sub(" ", name).split())
    while len(plain.encode("utf-16-le")) > 2 * _LONGEST_SHEET:
        plain = plain[:-1]
    plain = plain.strip(" '")
    return plain if plain and plain.lower() != "history" else f"{plain} sheet".strip()  # a name of Excel's own


def neutralize(cell: object) -> str:
    """The cell as text that Excel, LibreOffice and Google Sheets show instead of running it; for CSV and XLSX
    exports.

    A quote mark is put before text that begins, perhaps after blanks or invisible signs, with = + - @ in any
    width, and before text that begins with a tab or line break. Plain numbers stay as they are, also negative
    ones.
    """
    text = "" if cell is None else str(cell)
    if _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text[:1] in ("\t", "\r", "\n") or _first_visible(text) in "=+-@\u2212" else text


def _first_visible(text: str) -> str:
    """The first sign after blanks and invisible ones, in its plain width; a blank if there is none."""
    for sign in text:
        if not sign.isspace() and unicodedata.category(sign)[0] != "C":
            return unicodedata.normalize("NFKC", sign)[:1] or " "
    return " "
