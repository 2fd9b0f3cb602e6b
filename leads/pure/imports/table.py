"""An imported file as a table: found out how to read, then read as often as wanted."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from leads.pure.imports.encodings import ENCODINGS, can_decode, guess_encoding
from leads.pure.imports.layout import DELIMITERS, guess_delimiter, guess_header_line
from leads.pure.table_file import REJECTED, REJECTED_FROM, Row, UnreadableFile, column_names, read_records, read_rows

MAX_BYTES = 50 * 1024 * 1024
HEAD_BYTES = 64 * 1024
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a file: a Python codec, the delimiter, and the line that names the columns; empty where not given."""

    encoding: str = ""
    delimiter: str = ""
    header_line: int = 0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Reading:
        """As it is kept among a file's settings."""
        line = str(settings.get("header_line", ""))
        return cls(settings.get("encoding", ""), settings.get("delimiter", ""), int(line) if line.isdecimal() else 0)

    def settings(self) -> dict[str, Any]:
        """The form that :meth:`of` takes."""
        return {"encoding": self.encoding, "delimiter": self.delimiter, "header_line": self.header_line}


@dataclass(frozen=True, slots=True)
class Table:
    """A file that can be read: its columns, and how."""

    content: bytes
    header: tuple[str, ...]
    reading: Reading
    rejected_from: str = ""
    """Of a file of rejected rows that we wrote: the id of their import."""
    counted: dict[str, Counter[str]] = field(default_factory=dict, compare=False, repr=False)

    def rows(self) -> Iterator[Row]:
        """The rows, from the top, as often as wanted. Raises UnreadableFile where the file ends to be a table."""
        return read_rows(self._text(), self.reading.delimiter, self.reading.header_line)

    def sample(self, most: int = 50) -> Iterator[Row]:
        """The first rows."""
        return islice(self.rows(), most)

    def columns(self, names: Iterable[str]) -> dict[str, Counter[str]]:
        """How often each cell of these columns occurs; columns that were not counted before take one reading."""
        wanted = list(names)
        new: dict[str, Counter[str]] = {name: Counter() for name in wanted if name not in self.counted}
        for row in self.rows() if new else ():
            for name, counter in new.items():
                counter[row.cells.get(name, "")] += 1
        self.counted.update(new)
        return {name: self.counted[name] for name in wanted}

    def head(self) -> str:
        """The beginning of the file as text."""
        return decoded_head(self.content, self.reading.encoding)

    def _text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(self.content), encoding=self.reading.encoding, newline="")


def open_table(content: bytes, kind: str = "", given: Reading | None = None) -> Table:
    """Find out what of reading the file is not given. Raises UnreadableFile with a message for people."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Cut it into parts.")
    if not content.strip():
        raise UnreadableFile("The file is empty.")
    given = given or Reading()
    encoding = given.encoding or guess_encoding(content).encoding
    if encoding not in ENCODINGS:
        raise UnreadableFile(f"There is no encoding {encoding!r}. Encodings: {', '.join(ENCODINGS)}.")
    if not can_decode(content, encoding):
        raise UnreadableFile(f"The file is not {ENCODINGS[encoding]}: it has bytes that are no letters there.")
    head = decoded_head(content, encoding)
    if not head.strip():
        raise UnreadableFile("The file is empty.")
    delimiter = given.delimiter or guess_delimiter(head)
    if delimiter not in DELIMITERS:
        raise UnreadableFile(f"{delimiter!r} is no delimiter. Delimiters: comma, semicolon, tab, bar.")
    line = given.header_line or guess_header_line(head, delimiter, kind)
    reading = Reading(encoding, delimiter, line)
    lines = io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline="")
    records = read_records(lines, delimiter, line)
    _, values, _ = next(records, (0, [], ""))
    names = header = column_names(values)
    rejected_from = ""
    if tuple(names[: len(REJECTED)]) == REJECTED:
        header = names[len(REJECTED) :]
        if header[:1] == [REJECTED_FROM]:
            header = header[1:]
            _, cells, _ = next(records, (0, [], ""))
            rejected_from = "".join(cells[len(REJECTED) : len(REJECTED) + 1])
    if data := next((name for name in header if _EMAIL.fullmatch(name)), ""):
        raise UnreadableFile(
            f"Line {line} must name the columns, but holds {data[:60]!r}: that person would be lost. Put a line with "
            "names above, such as email, name."
        )
    return Table(content, tuple(header), reading, rejected_from)


def count_rows(table: Table) -> int:
    """How many rows the file has; reads it to the end. Raises UnreadableFile, also for a file without rows."""
    count = sum(1 for _ in table.rows())
    if not count:
        raise UnreadableFile("The file has column names but no rows.")
    return count


def decoded_head(content: bytes, encoding: str) -> str:
    """The first lines of the file; what a cut in the middle of a letter leaves is dropped."""
    return content[:HEAD_BYTES].decode(encoding, errors="ignore")
