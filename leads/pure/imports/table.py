"""An imported file as a table: found out how to read, then read as often as wanted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from leads.pure.table_file import Dialect, Row, UnreadableFile, read_rows, sniff

MAX_BYTES = 50 * 1024 * 1024
SNIFFED_BYTES = 64 * 1024
WORDS_FROM = 10_000


@dataclass(frozen=True, slots=True)
class Table:
    """A file that can be read: its columns, and how."""

    content: bytes
    header: tuple[str, ...]
    dialect: Dialect

    def rows(self) -> Iterator[Row]:
        """The rows, from the top, as often as wanted. Raises UnreadableFile where the file ends to be a table."""
        return read_rows(_text(self.content, self.dialect), self.dialect.delimiter)

    def words(self, column: str, *, most: int = 40, among: int = WORDS_FROM) -> list[str]:
        """The different cells of a column ``among`` the first rows, most frequent first."""
        cells = Counter(row.cells.get(column, "") for row in islice(self.rows(), among))
        return [word for word, _ in cells.most_common(most)]


def open_table(content: bytes) -> Table:
    """Find out how to read a file. Raises UnreadableFile with a message for people."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Cut it into parts.")
    dialect = sniff(content[:SNIFFED_BYTES])
    if dialect.encoding == "utf-8" and not _decodes(content, "utf-8"):
        # The first accent may come late: the head was plain ASCII, the rest is what Excel writes in Europe.
        dialect = Dialect("cp1252", dialect.delimiter)
    try:
        header = next(csv.reader(_text(content, dialect), delimiter=dialect.delimiter), [])
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnreadableFile(f"The first line cannot be read: {error}.") from error
    return Table(content, tuple(name.strip() for name in header), dialect)


def count_rows(table: Table) -> int:
    """How many rows the file has; reads it to the end. Raises UnreadableFile, also for a file without rows."""
    count = sum(1 for _ in table.rows())
    if not count:
        raise UnreadableFile("The file has column names but no rows.")
    return count


def _text(content: bytes, dialect: Dialect) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding=dialect.encoding, newline="")


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
