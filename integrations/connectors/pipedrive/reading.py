"""Reading Pipedrive: pages of a window, records by id or by our key, the past of deals.

Reads are batched: a hundred records by id in one call. Deleted deals come with the changes, archived ones by `gone`;
people who vanished are told by webhooks and by the reconcile's `fetch`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from ..base import (
    Account,
    CampaignMember,
    Kind,
    Misuse,
    Outage,
    Page,
    Quota,
    RemoteActivity,
    RemoteCampaign,
    RemoteContact,
    RemoteRecord,
    StageChange,
    Window,
)
from ..errors import Reading
from ..http import Answer, Limits
from . import records as read
from .activities import PATH, activity, wanted
from .directory import Directory
from .history import has_moved, stage_changes
from .organizations import Organizations
from .session import open_session, quota_of

KEY_FIELD = "Portal lead ID"
IDS, PAGE = 100, 500
PATHS: dict[Kind, str] = {
    "person": "/api/v2/persons",
    "deal": "/api/v2/deals",
    "account": "/api/v2/organizations",
}
FIELD_PATHS: dict[Kind, str] = {
    "person": "/api/v2/personFields",
    "deal": "/api/v2/dealFields",
    "account": "/api/v2/organizationFields",
}
ARCHIVED = "/api/v2/deals/archived"
STATUSES = "open,won,lost,deleted"
COUNTED = {"include_fields": "participants_count"}


class PipedriveReader:
    """The half of the connector that only reads."""

    def __init__(self, account: Account, *, limits: Limits | None = None, page_size: int = PAGE) -> None:
        self._account, self._page_size = account, page_size
        self._quota: Quota | None = None
        self._session = open_session(account, limits, self._hear)
        self._key_code = ""
        self._places: dict[str, str] = {}
        self._organizations = Organizations(self._session, self._pages)
        self._people = Directory(PATHS["person"], self._pages, self._terms, self._search_term)
        described = account.described.get("person")
        self._types = {each.name.partition(".")[2]: each.type for each in described.fields} if described else {}
        self._made: dict[str, str] = {}
        self._met: dict[str, RemoteRecord] = {}

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._session.calls

    @property
    def quota(self) -> Quota | None:
        """The day's tokens that are left."""
        return self._quota

    def close(self) -> None:
        """Let go of the sockets."""
        self._session.close()

    def _hear(self, headers: Mapping[str, str]) -> None:
        self._quota = quota_of(headers) or self._quota

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        return self._session.call("GET", path, params=params)

    def _find_key_code(self) -> str:
        if not self._key_code:
            path = FIELD_PATHS["person"]
            rows = [row for page, _ in self._pages(path, {}) for row in page]
            with Reading(path):
                found = [str(row["field_code"]) for row in rows if row["field_name"] == KEY_FIELD]
                self._places = {name: str(row["field_code"]) for name, row in read.places(rows).items()}
            self._key_code = found[0] if found else ""
        return self._key_code

    def _key(self) -> str:
        code = self._find_key_code()
        if not code:
            raise Misuse(f"People have no field {KEY_FIELD!r} yet: prepare the connection first.", code="not_prepared")
        return code

    # --- records ---

    def find(self, kind: Kind, keys: Sequence[str]) -> dict[str, RemoteRecord]:
        """A search by key, and one call per 100 people found, since a search says not in which field it matched."""
        if kind != "person":
            return {}
        self._key()
        ids = [each for key in keys for each in self._search(key, "custom_fields")]
        people = self.fetch("person", list(dict.fromkeys(ids)))
        found: dict[str, RemoteRecord] = {}
        for record in sorted(people.values(), key=lambda each: int(each.remote_id), reverse=True):
            if record.key in keys:
                found[record.key or ""] = record  # the oldest wins, should somebody have copied the field
        return found

    def fetch(self, kind: Kind, ids: Sequence[str]) -> dict[str, RemoteRecord]:
        """One call per 100 ids, and one more where deals are missing: they may be archived."""
        known = [each for each in ids if each.isascii() and each.isdigit()]
        found: dict[str, RemoteRecord] = {}
        for start in range(0, len(known), IDS):
            part = known[start : start + IDS]
            found |= self._by_id(kind, PATHS[kind], part)
            if kind == "deal" and (missing := [each for each in part if each not in found]):
                found |= self._by_id(kind, ARCHIVED, missing)
        return found

    def _by_id(self, kind: Kind, path: str, ids: Sequence[str]) -> dict[str, RemoteRecord]:
        further = {"status": STATUSES, **COUNTED} if kind == "deal" else {}
        code = self._key() if kind == "person" else ""
        answer = self._get(path, {"ids": ",".join(ids), "limit": IDS, **further})
        with Reading(path):
            rows = list(answer.payload["data"] or [])
            records = [read.record(kind, row, code, self._places) for row in rows]
        return {record.remote_id: record for record in self._completed(rows, records)}

    def _completed(self, rows: Sequence[Mapping[str, Any]], records: Sequence[RemoteRecord]) -> list[RemoteRecord]:
        """Deals with everybody who takes part, people with the name of their company."""
        ids = {int(each.account_id) for each in records if each.kind == "person" and each.account_id}
        if not ids:
            return self._with_participants(rows, records)
        names = self._organizations.names_of(ids)
        told = {str(each): name for each, name in names.items()}
        return [
            replace(each, fields={**each.fields, "company": told.get(each.account_id or "", "")}) for each in records
        ]

    def _with_participants(
        self, rows: Sequence[Mapping[str, Any]], records: Sequence[RemoteRecord]
    ) -> list[RemoteRecord]:
        """Deals with everybody who takes part, the deal's own person first; a call for each deal that has others."""
        found: list[RemoteRecord] = []
        for row, each in zip(rows, records, strict=True):
            if each.kind != "deal" or each.is_archived or int(row.get("participants_count") or 0) < 2:
                found.append(each)
                continue
            path = f"/api/v1/deals/{each.remote_id}/participants"
            answer = self._get(path, {"limit": PAGE})
            with Reading(path):
                others = [read.participant(told) for told in answer.payload["data"] or []]
            first = [contact.person_id for contact in each.contacts]
            ids = dict.fromkeys([*first, *(other for other in others if other)])
            found.append(replace(each, contacts=tuple(RemoteContact(person, None) for person in ids)))
        return found

    def changes(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Pages of up to 500 by the time of the last change; deleted deals among them."""
        further = {"status": STATUSES, **COUNTED} if kind == "deal" else {}
        return self._window(kind, PATHS[kind], window, resume, further)

    def gone(self, kind: Kind, window: Window, resume: str | None = None, *, lists: bool = True) -> Iterator[Page]:
        """Archived deals, which have a path of their own; nothing of other kinds."""
        if kind != "deal":
            return iter(())
        return self._window(kind, ARCHIVED, window, resume, {"status": STATUSES})

    def living(self, kind: Kind, made_before: datetime) -> int | None:
        """Nothing: archived deals are listed by the time of their last change."""
        return None

    def _window(
        self, kind: Kind, path: str, window: Window, resume: str | None, more: Mapping[str, str]
    ) -> Iterator[Page]:
        code = self._key() if kind == "person" else ""
        # Pipedrive keeps whole seconds: a part of one counts as the whole.
        params: dict[str, Any] = {"updated_until": read.stamp(window.until + timedelta(microseconds=999_999)), **more}
        if window.since is not None:
            params["updated_since"] = read.stamp(window.since)
        params |= {"sort_by": "update_time", "sort_direction": "asc"}
        for rows, following in self._pages(path, params, resume):
            with Reading(path):
                records = [read.record(kind, row, code, self._places) for row in rows]
                if kind == "account":
                    self._organizations.note(rows)
            yield Page(tuple(self._completed(rows, records)), following)

    def _pages(
        self, path: str, params: Mapping[str, Any], cursor: str | None = None
    ) -> Iterator[tuple[list[Mapping[str, Any]], str | None]]:
        places = {cursor}
        while True:
            query = {**params, "limit": self._page_size, **({"cursor": cursor} if cursor else {})}
            answer = self._get(path, query)
            with Reading(path):
                rows = list(answer.payload["data"] or [])
                following = (answer.payload.get("additional_data") or {}).get("next_cursor") or None
            if following is not None and following in places:
                raise Outage(f"GET {path} gave the same cursor twice.", code="unreadable")
            cursor = following
            places.add(following)
            yield rows, cursor
            if cursor is None:
                return

    def _search(self, term: str, field: str) -> list[str]:
        """Ids of people by an exact term of one field, oldest first."""
        path = "/api/v2/persons/search"
        answer = self._get(path, {"term": term, "fields": field, "exact_match": "true", "limit": IDS})
        with Reading(path):
            return sorted((str(row["item"]["id"]) for row in answer.payload["data"]["items"]), key=int)

    def _search_term(self, term: str) -> list[int]:
        field, _, text = term.partition(":")
        return [int(each) for each in self._search(text, field)]

    def _terms(self, row: Mapping[str, Any]) -> Iterator[str]:
        """By which a person is found: each email address, and our key."""
        for each in row.get("emails") or ():
            yield read.email_term(str(each.get("value") or ""))
        if key := (row.get("custom_fields") or {}).get(self._key_code):
            yield read.key_term(str(key))

    def stage_history(self, ids: Sequence[str]) -> Iterator[StageChange]:
        """One call per 100 deals, and one for each that ever moved or closed: the others' past is their creation."""
        for start in range(0, len(ids), IDS):
            deals = self.fetch("deal", ids[start : start + IDS])
            for record in deals.values():
                path = f"/api/v1/deals/{record.remote_id}/changelog"
                lines: list[Mapping[str, Any]] = []
                if has_moved(record):
                    lines = [line for rows, _ in self._pages(path, {}) for line in rows]
                with Reading(path):
                    past = stage_changes(record, lines)
                yield from past

    def campaigns(self) -> Iterator[RemoteCampaign]:
        """Nothing: Pipedrive's API has no campaigns."""
        return iter(())

    def members(self, window: Window) -> Iterator[CampaignMember]:
        """Nothing: Pipedrive's API has no campaigns."""
        return iter(())

    def activities(self, kinds: Sequence[str], window: Window, names: Sequence[str] = ()) -> Iterator[RemoteActivity]:
        """Activities changed in the window, 500 a call, deleted ones as far as Pipedrive still lists them."""
        if not wanted(kinds):
            return
        # Pipedrive keeps whole seconds: a part of one counts as the whole.
        params: dict[str, Any] = {"updated_until": read.stamp(window.until + timedelta(microseconds=999_999))}
        if window.since is not None:
            params["updated_since"] = read.stamp(window.since)
        params |= {"sort_by": "update_time", "sort_direction": "asc"}
        for rows, _ in self._pages(PATH, params):
            with Reading(PATH):
                found = [activity(row, self._zone()) for row in rows]
            yield from (each for each in found if each is not None and each.kind in kinds)

    def _zone(self) -> tzinfo:
        try:
            return ZoneInfo(str(self._account.settings.get("time_zone") or "UTC"))
        except (ValueError, OSError, KeyError):
            return UTC
