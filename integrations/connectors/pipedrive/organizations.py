"""Organizations as the companies of people: found by name, made where there is none.

Names agree without regard to case and spaces; of several organizations of one name the oldest is taken. One that was
made with its answer lost is found again by its name, so that nothing is made twice.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from ..base import Misuse, Outage
from ..errors import Reading
from ..http import CrmSession
from .directory import Directory, Pages
from .records import Row

PATH = "/api/v2/organizations"
IDS = 100
LONGEST = 255
QUIET = timedelta(minutes=2)
"""How long an organization whose answer was lost may still appear."""


class OrganizationUnclear(Exception):
    """Perhaps made: it has to be looked for before another is made."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Organizations:
    """What is known of the account's organizations."""

    def __init__(self, session: CrmSession, pages: Pages) -> None:
        self._session = session
        self._names: dict[int, str] = {}
        self._directory = Directory(PATH, pages, _terms, self._search)

    def names_of(self, ids: Iterable[int]) -> dict[int, str]:
        """Names by id, empty where there is none any more: one call per hundred not asked for before."""
        wanted = set(ids)
        missing = sorted(wanted - self._names.keys())
        for start in range(0, len(missing), IDS):
            part = missing[start : start + IDS]
            answer = self._session.call("GET", PATH, params={"ids": ",".join(map(str, part)), "limit": IDS})
            with Reading(PATH):
                told = {int(row["id"]): str(row["name"]) for row in answer.payload["data"] or []}
            self._names |= dict.fromkeys(part, "") | told
        return {each: self._names[each] for each in wanted}

    def note(self, rows: Iterable[Row]) -> None:
        """Remember organizations that were read anyway."""
        self._names |= {int(row["id"]): str(row["name"]) for row in rows}

    def ready(self, names: Iterable[str]) -> None:
        """For a batch whose people work for these companies."""
        self._directory.ready(len({spelled(each) for each in names}))

    def find_or_make(self, name: str, address: str) -> int | None:
        """The organization of this name; None where Pipedrive refuses to make one."""
        if found := self._directory.newest(spelled(name)):
            return found[0]
        body: dict[str, Any] = {"name": name[:LONGEST]} | ({"address": {"value": address}} if address else {})
        try:
            answer = self._session.call("POST", PATH, body=body)
            with Reading(PATH):
                made = int(answer.payload["data"]["id"])
        except Misuse as refused:
            if refused.code in ("host_refused", "redirect_refused"):
                raise
            return None
        except Outage as outage:
            if outage.unclear or outage.code == "unreadable":
                raise OrganizationUnclear(outage.code) from None
            raise
        self._names[made] = body["name"]
        self._directory.add(made, {spelled(name), spelled(body["name"])})
        return made

    def _search(self, name: str) -> list[int]:
        path = f"{PATH}/search"
        params: Mapping[str, Any] = {"term": name, "fields": "name", "exact_match": "true", "limit": IDS}
        answer = self._session.call("GET", path, params=params)
        with Reading(path):
            items = [row["item"] for row in answer.payload["data"]["items"]]
            return [int(each["id"]) for each in items if spelled(str(each["name"])) == name]


def spelled(name: str) -> str:
    """A name in which spellings of one company agree."""
    return " ".join(name.casefold().split())


def _terms(row: Row) -> Iterable[str]:
    yield spelled(str(row["name"]))
