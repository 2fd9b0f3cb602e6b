"""Tables as files: reading the CSV people upload, and writing cells that no spreadsheet takes for a
formula."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_LINES = 20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)*%?")


class UnreadableFile(ValueError):
    """The bytes are no table we can read; the message tells a person why and what to do."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read the file: a Python codec name (which drops a byte order mark) and the delimiter."""

    encoding: str
    delimiter: str


@dataclass(frozen=True, slots=True)
class Row:
    """A data row: its line number in the file, cells by column name, and what is wrong with it ("" if
    nothing)."""

    number: int
    cells: dict[str, str]
    problem: str = ""


def sniff(head: bytes) -> Dialect:
    """Encoding and delimiter, judged by the first bytes of the file (64 KiB are plenty, they may end
    anywhere).

    UTF-8 if it decodes, else Windows-1252 as Excel writes it in Europe. Raises UnreadableFile.
    """
    encoding = next((name for mark, name in _BOMS if head.startswith(mark)), "")
    text = ""
    for name in [encoding] if encoding else ["utf-8", "cp1252"]:
        try:
            text = codecs.getincrementaldecoder(name)().decode(head)
        except UnicodeDecodeError:
            continue
        encoding = name
        break
    else:
        raise UnreadableFile("The file is not text. Save it as CSV (UTF-8) and upload it again.")
    if not text.strip():
        raise UnreadableFile("The file is empty.")
    if "\0" in text:
        raise UnreadableFile("The file is not text but perhaps a spreadsheet. Save it as CSV (UTF-8).")
    return Dialect(encoding, _delimiter(text))


def read_rows(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    """The rows below the header, which names the columns; blank lines are skipped, cells are stripped.

    `lines` is a text file opened with `newline=""`. A row with too many or too few cells is given with its
    problem. Raises UnreadableFile for a missing, blank or repeated column name and for cells beyond 128 KiB.
    """
    reader = csv.reader(_without_nul(lines), delimiter=delimiter)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header)
        for values in reader:
            cells = [value.strip() for value in values]
            if not any(cells):
                continue
            problem = "" if len(cells) == len(header) else f"has {len(cells)} cells instead of {len(header)}"
            yield Row(reader.line_num, dict(zip(header, cells, strict=False)), problem)
    except csv.Error as error:
        raise UnreadableFile(f"Line {reader.line_num} cannot be read: {error}.") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"After line {reader.line_num} there are bytes that are no {error.encoding}.") from error


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


def _delimiter(text: str) -> str:
    """The delimiter that cuts the most lines into as many cells as the first; more cells win, then the usual
    order."""
    best, best_rank = ",", (0, 0)
    for delimiter in DELIMITERS:
        rows = []
        try:
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
                rows.append(len(row))
                if len(rows) > SAMPLE_LINES:
                    break
        except csv.Error:
            continue
        if not rows or rows[0] < 2:
            continue
        rank = (sum(width == rows[0] for width in rows), rows[0])
        if rank > best_rank:
            best, best_rank = delimiter, rank
    return best


def _check_header(header: list[str]) -> None:
    if not any(header):
        raise UnreadableFile("The first line must name the columns.")
    seen: set[str] = set()
    for position, name in enumerate(header, start=1):
        if not name:
            raise UnreadableFile(f"Column {position} has no name.")
        if name in seen:
            raise UnreadableFile(f"Two columns are named {name!r}.")
        seen.add(name)


def _without_nul(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise UnreadableFile(f"Line {number} contains a NUL character; the file is not plain text.")
        yield line
