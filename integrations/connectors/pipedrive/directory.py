"""Who is there already: ids by a term, listed where that costs less than searching.

Pipedrive counts tokens: 20 for a search, 10 for a page of 500. A batch that has to ask often lists instead, on from
where the last batch stopped, and no more pages than it has questions: so that a large account costs at most half as
much again as searching alone, and a small one next to nothing. Once everything is listed, a batch reads what changed
since and searches no more.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import Reading
from .records import Row, stamp

Pages = Callable[[str, Mapping[str, Any], str | None], Iterator[tuple[list[Row], str | None]]]
FEWEST = 5
"""Questions of one batch from which on listing is tried."""
MOST = 500_000
"""Records that are kept in mind at most."""
LAG = timedelta(hours=1)
"""How long a search may not show yet what was just made."""
ORDER = {"sort_by": "update_time", "sort_direction": "asc"}


class Directory:
    """The ids of one kind of record by term."""

    def __init__(
        self,
        path: str,
        pages: Pages,
        terms: Callable[[Row], Iterable[str]],
        search: Callable[[str], Iterable[int]],
    ) -> None:
        self._path, self._pages, self._terms, self._search = path, pages, terms, search
        self._ids: dict[str, set[int]] = {}
        self._pages_left, self._listed = 0, 0
        self._cursor: str | None = None
        self._until = ""
        self._is_fresh = False
        self.is_whole = False

    def ready(self, questions: int) -> None:
        """For a batch that will ask so often."""
        self._is_fresh = False
        if self.is_whole and questions:
            self._list({"updated_since": self._until} if self._until else {}, None)
        elif questions >= FEWEST and self._listed < MOST:
            self._pages_left += questions
            self.is_whole = self._list({}, self._cursor)

    def ids(self, term: str) -> list[int]:
        """The ids for a term, the oldest first."""
        found = self._ids.get(term, ()) if self.is_whole else self._search(term)
        return sorted(found)

    def newest(self, term: str) -> list[int]:
        """`ids`, those included that a search does not show yet."""
        found = self.ids(term)
        if found or self.is_whole:
            return found
        if not self._is_fresh:
            self._is_fresh = True
            self._list({"updated_since": stamp(datetime.now(UTC) - LAG)}, None)
        return sorted(self._ids.get(term, ()))

    def add(self, record_id: int, terms: Iterable[str]) -> None:
        """A record that was made just now."""
        for term in terms:
            self._ids.setdefault(term, set()).add(record_id)

    def _list(self, params: Mapping[str, str], cursor: str | None) -> bool:
        """Whether the end was reached; a listing of everything stops where its pages are spent."""
        is_all = not params
        for rows, following in self._pages(self._path, {**params, **ORDER}, cursor):
            with Reading(self._path):
                for row in rows:
                    self.add(int(row["id"]), self._terms(row))
                    if is_all or self.is_whole:
                        self._until = max(self._until, str(row["update_time"] or ""))
            if not is_all:
                continue
            self._listed += len(rows)
            self._pages_left -= 1
            self._cursor = following
            if following and (self._pages_left <= 0 or self._listed >= MOST):
                return False
        return True
