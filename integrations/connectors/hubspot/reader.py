"""Reads of HubSpot's records: batches by id, lists, searches, and deals with their people and companies.

Inside a window a search goes by `hs_object_id > last`, never by offsets: no page can shift under us while records move
out of the window, equal stamps do not matter, and no search comes near its cap of 10,000 results.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from ..base import Account, Kind, Outage, Page, RemoteRecord, ScopeMissing, Window
from ..errors import Reading
from ..http import Answer
from .records import (
    ACCOUNT_FIELDS,
    DEAL_FIELDS,
    KEY,
    MERGED,
    MODIFIED,
    OBJECTS,
    PROPERTIES,
    contacts,
    links,
    moment,
    record,
)
from .session import VERSION, HubSpotSession

SEARCH_PAGE, LIST_PAGE, BATCH, LINKED_BATCH = 200, 100, 100, 1000
"""The most that HubSpot gives: results of a search, of a list; inputs of a batch, of a batch of associations."""
OURS: Mapping[Kind, frozenset[str]] = {
    "person": frozenset(),
    "deal": frozenset(each.name for each in DEAL_FIELDS),
    "account": frozenset(each.name for each in ACCOUNT_FIELDS) - {"name", "domain", "industry"},
}
"""Names of ours that a mapping may read and HubSpot does not know."""
Rows = list[Mapping[str, Any]]
Pages = Iterator[tuple[Rows, str | None]]


class HubSpotReader:
    """Reads over one session. It remembers the account's currency."""

    def __init__(self, link: HubSpotSession, account: Account, page_size: int | None = None) -> None:
        self._link, self._account, self._page_size = link, account, page_size
        self._currency: str | None = None

    def _properties(self, kind: Kind) -> list[str]:
        further = self._account.fields.get(kind, ())
        mine = (KEY,) if kind == "person" else ()
        return list(
            dict.fromkeys(
                (
                    *PROPERTIES[kind],
                    *mine,
                    MERGED,
                    MODIFIED[kind],
                    *(each.removeprefix("properties.") for each in further if each not in OURS[kind]),
                )
            )
        )

    def batch(
        self,
        kind: Kind,
        ids: Sequence[str],
        is_archived: bool = False,
        with_history: Sequence[str] = (),
        *,
        id_property: str = "",
        properties: Sequence[str] | None = None,
    ) -> Rows:
        """Up to 100 records (50 with history) by id or by a unique property; unknown ones are absent."""
        if not ids:
            return []
        path = f"/crm/objects/{VERSION}/{OBJECTS[kind]}/batch/read"
        body: dict[str, Any] = {
            "inputs": [{"id": each} for each in ids],
            "properties": list(properties or self._properties(kind)),
            "propertiesWithHistory": list(with_history),
        }
        if id_property:
            body["idProperty"] = id_property
        answer = self._link.call("POST", path, params={"archived": "true"} if is_archived else None, body=body)
        return _page(path, answer)[0]

    def first_load(self, kind: Kind, window: Window, resume: str | None) -> Pages:
        params = {"limit": min(self._page_size or LIST_PAGE, LIST_PAGE), "properties": ",".join(self._properties(kind))}
        for rows, following in self.listing(f"/crm/objects/{VERSION}/{OBJECTS[kind]}", params, resume):
            with Reading("list"):
                inside = [row for row in rows if _stamp(kind, row) < window.until]
            yield inside, following

    def listing(self, path: str, params: Mapping[str, Any], resume: str | None, *, has_ids: bool = True) -> Pages:
        places = {resume}
        while True:
            answer = self._link.call("GET", path, params={**params, **({"after": resume} if resume else {})})
            rows, following = _page(path, answer, has_ids=has_ids)
            if following is not None and following in places:
                raise _stuck(path)
            resume = following
            places.add(following)
            yield rows, resume
            if resume is None:
                return

    def listed(self, path: str, params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for rows, _ in self.listing(path, {"limit": LIST_PAGE, **params}, None):
            yield from rows

    def found(self, kind: Kind, filters: Sequence[Mapping[str, str]], resume: str | None) -> Pages:
        """What a search finds, by id; each page asks for ids beyond the last, so nothing shifts or is capped."""
        path = f"/crm/objects/{VERSION}/{OBJECTS[kind]}/search"
        while True:
            beyond = [{"propertyName": "hs_object_id", "operator": "GT", "value": resume}] if resume else []
            body = {
                "filterGroups": [{"filters": [*filters, *beyond]}],
                "sorts": ["hs_object_id"],
                "properties": self._properties(kind),
                "limit": min(self._page_size or SEARCH_PAGE, SEARCH_PAGE),
                "after": "0",
            }
            rows, further = _page(path, self._link.search(path, body))
            with Reading(path):
                last = max((str(row["id"]) for row in rows), key=int, default=None)
            if further is not None and (last is None or (resume and int(last) <= int(resume))):
                raise _stuck(path)
            resume = last if further is not None else None
            yield rows, resume
            if resume is None:
                return

    def count(self, kind: Kind, filters: Sequence[Mapping[str, str]]) -> int:
        """How many a search finds."""
        path = f"/crm/objects/{VERSION}/{OBJECTS[kind]}/search"
        body = {"filterGroups": [{"filters": list(filters)}], "properties": [], "limit": 1, "after": "0"}
        answer = self._link.search(path, body)
        with Reading(path):
            return int(answer.payload["total"])

    def _record(self, kind: Kind, row: Mapping[str, Any], currency: str = "") -> RemoteRecord:
        zone = self._zone() if kind == "deal" else UTC
        with Reading("a record"):
            return record(kind, row, currency=currency, zone=zone)

    def _zone(self) -> tzinfo:
        """The account's, in which its people name the days of a deal; asked for once where nobody knows it yet."""
        if self._link.zone is None:
            self._link.details()
        return self._link.zone or UTC

    def records(self, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> tuple[RemoteRecord, ...]:
        if kind == "deal":
            return tuple(each for page in self.deal_pages([(list(rows), None)]) for each in page.records)
        return tuple(self._record(kind, row) for row in rows)

    def deal_pages(self, pages: Sequence[tuple[Rows, str | None]]) -> Iterator[Page]:
        """Deals with their people and companies, both read once for all pages."""
        rows = [row for held, _ in pages for row in held]
        currency = self.default_currency(rows)
        with Reading("deals"):
            ids = list(dict.fromkeys(str(row["id"]) for row in rows))
        people, companies = self.linked("deals", ids, "contacts"), self.linked("deals", ids, "companies")
        for held, following in pages:
            yield Page(
                tuple(
                    replace(
                        self._record("deal", row, currency),
                        contacts=contacts(people.get(str(row["id"]), ())),
                        account_id=_company(companies.get(str(row["id"]), ())),
                    )
                    for row in held
                ),
                following,
            )

    def linked(self, one: str, ids: Sequence[str], others: str) -> dict[str, list[tuple[str, str]]]:
        """(other id, label) by id, a thousand a call."""
        path = f"/crm/associations/{VERSION}/{one}/{others}/batch/read"
        found: dict[str, list[tuple[str, str]]] = {}
        ask = [{"id": each} for each in ids]
        places: set[tuple[str, str]] = set()
        while ask:
            answer = self._link.call("POST", path, body={"inputs": ask[:LINKED_BATCH]})
            with Reading(path):
                some, further = links(answer.payload)
            for each, linked in some.items():
                found.setdefault(each, []).extend(linked)
            following = {(each["id"], each["after"]) for each in further}
            if following & places:
                raise _stuck(path)
            places |= following
            ask = ask[LINKED_BATCH:] + further
        return found

    def default_currency(self, rows: Any) -> str:
        """The account's currency, asked for when some deal names none."""
        with Reading("deals"):
            is_needed = any(not row["properties"].get("deal_currency_code") for row in rows)
        return self.own_currency() if is_needed else self._currency or ""

    def own_currency(self) -> str:
        """What the account counts in; empty where we may not know."""
        if self._currency is None:
            try:
                self._currency = str(self._link.details().get("companyCurrency") or "")
            except ScopeMissing:
                self._currency = ""
        return self._currency


def _stamp(kind: Kind, row: Mapping[str, Any]) -> datetime:
    """When a row was changed last."""
    return moment(row["properties"].get(MODIFIED[kind]) or row["updatedAt"])


def _page(path: str, answer: Answer, *, has_ids: bool = True) -> tuple[Rows, str | None]:
    """The results of a page and the token of the next one."""
    with Reading(path):
        rows = answer.payload["results"]
        if not isinstance(rows, list):
            raise TypeError("results is no list")
        for row in rows if has_ids else ():
            row["id"]
        following = ((answer.payload.get("paging") or {}).get("next") or {}).get("after")
        return rows, None if following is None else str(following)


def _company(linked: Sequence[tuple[str, str]]) -> str | None:
    """The primary company where one is marked, else the first."""
    primary = [each for each, label in linked if label == "Primary"]
    return next(iter([*primary, *(each for each, _ in linked)]), None)


def parts(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Values in parts of this size."""
    return (values[start : start + size] for start in range(0, len(values), size))


def _stuck(path: str) -> Outage:
    return Outage(f"{path} gives the same place twice.", code="unreadable")
