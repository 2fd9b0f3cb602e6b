"""How a file is laid out: what cuts its cells, and which line names its columns."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence

from leads.pure.imports.fields import guess_columns
from leads.pure.table_file import UnreadableFile, column_names, read_records

DELIMITERS = {",": "Comma  ,", ";": "Semicolon  ;", "\t": "Tab", "|": "Bar  |"}
SAMPLE_LINES = 30
_SEP = re.compile(r"sep=(.)\s*", re.IGNORECASE)


def guess_delimiter(text: str) -> str:
    """The delimiter that cuts the most lines into the same number of cells; more cells win, then the usual order.

    ``text`` is the beginning of the file and may end anywhere.
    """
    named = _SEP.match(text)
    if named and named[1] in DELIMITERS:
        return named[1]
    best, best_rank = ",", (0, 0)
    for delimiter in DELIMITERS:
        widths = Counter(len(cells) for cells in _sample(text, delimiter) if len(cells) > 1)
        rank = max(((count, width) for width, count in widths.items()), default=(0, 0))
        if rank > best_rank:
            best, best_rank = delimiter, rank
    return best


def guess_header_line(text: str, delimiter: str, kind: str) -> int:
    """The line that names the columns, from 1: of lines with about as many cells as the table has, the one whose cells
    are names we know, else the first."""
    records: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for number, cells, _ in read_records(io.StringIO(text, newline=""), delimiter):
            records.append((start, cells))
            start = number + 1
            if len(records) >= SAMPLE_LINES:
                break
    except UnreadableFile:
        pass  # reading the whole file names the line at fault
    filled = {number: sum(map(bool, cells)) for number, cells in records}
    widest = max(filled.values(), default=0)
    likely = [(number, cells) for number, cells in records if filled[number] * 2 > widest]
    if not likely or _SEP.fullmatch(text.partition("\n")[0].strip()):
        likely = [each for each in likely if each[0] > 1] or likely
    if not likely:
        return 1
    # A row of data rarely has two cells that are names of fields.
    known = {number: len(guess_columns(kind, column_names(cells))) if kind else 0 for number, cells in likely}
    best = max(known.values())
    return next(number for number, _ in likely if known[number] == best) if best > 1 else likely[0][0]


def first_lines(text: str, most: int = 12) -> Sequence[str]:
    """The first lines, shortened, to choose the header among."""
    return [line.rstrip("\r\n")[:120] for line in io.StringIO(text, newline="").readlines()[:most]]


def _sample(text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) > SAMPLE_LINES:
                break
    except csv.Error:
        return []
    return rows
