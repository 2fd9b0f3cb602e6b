"""Reading Salesforce by keys, ids and windows of SystemModstamp."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ..base import (
    Account,
    CampaignMember,
    Kind,
    Misuse,
    Page,
    Quota,
    RemoteActivity,
    RemoteCampaign,
    RemoteContact,
    RemoteRecord,
    StageChange,
    Window,
)
from ..http import Limits
from .activities import activity, activity_sources
from .currency import Currency
from .records import (
    CONTACT_PREFIX,
    LEAD_PREFIX,
    Row,
    account_record,
    campaign,
    contact_record,
    deal_record,
    lead_record,
    member,
    role_contacts,
    stage_changes,
)
from .resume import Resume
from .session import Rows, SalesforceSession, Select, repeated
from .shape import Reading
from .soql import (
    ACCOUNT,
    CONTACT,
    CONVERSION,
    CURRENCY,
    DEAL,
    KEY,
    LEAD,
    OF_ACCOUNT,
    SYSTEM,
    Source,
    campaigns_select,
    field_names,
    is_id,
    list_selects,
    members_select,
    moment,
    record_id,
    roles_select,
    text,
    window_select,
)

OBJECTS: Mapping[Kind, str] = {"person": "Lead", "account": "Account", "deal": "Opportunity"}


class SalesforceReader:
    """The reading half of the connector."""

    def __init__(self, account: Account, *, limits: Limits | None = None) -> None:
        self._session = SalesforceSession(account, limits=limits)
        self._extras: dict[Kind, tuple[str, ...]] = {
            kind: field_names([name.removeprefix("properties.") for name in account.fields.get(kind, ())])
            for kind in OBJECTS
        }
        # Whoever takes over people of the CRM reads all its contacts; else only those who carry our key.
        self._contacts_where = "" if account.settings.get("takes_people") else f"{KEY} != null"
        self._contact_names = contact_names(account)
        self._currency = Currency(self._session)
        self._read_at: datetime | None = None  # the server's clock at the last `reference`
        self._ahead: dict[Select, Rows] = {}
        self._ahead_of: Window | None = None

    @property
    def calls(self) -> int:
        """Requests sent so far, sign-ins included."""
        return self._session.calls

    @property
    def quota(self) -> Quota | None:
        """The org's calls in the last 24 hours, by the header of the last answer."""
        return self._session.quota

    def close(self) -> None:
        """Let go of the sockets."""
        self._session.close()

    # --- reading by key and id ---

    def find(self, kind: Kind, keys: Sequence[str]) -> dict[str, RemoteRecord]:
        """Persons by our key: the lead, or the contact once it was converted. About 250 keys an object and query."""
        if kind != "person" or not keys:
            return {}
        wanted = list(dict.fromkeys(keys))
        literals = [text(key) for key in wanted]
        sources = self._sources("person")
        rows = self._lists([(source, KEY, literals) for source in sources])
        found: dict[str, RemoteRecord] = {}
        with Reading("/query"):
            for record in (self._person(row) for row in rows):
                before = found.get(record.key or "")
                if record.key in wanted and (before is None or before.converted is not None):
                    found[record.key] = record
        return found

    def fetch(self, kind: Kind, ids: Sequence[str]) -> dict[str, RemoteRecord]:
        """Records by id, deleted ones too while Salesforce keeps them (15 days). 2,500 ids a call."""
        good = [each for each in dict.fromkeys(ids) if is_id(each)]
        asked = []
        for source in self._sources(kind):
            prefix = {"Lead": LEAD_PREFIX, "Contact": CONTACT_PREFIX}.get(source.sobject, "")
            literals = [record_id(each) for each in good if each.startswith(prefix)]
            if literals:
                asked.append((replace(source, where=""), "Id", literals))
        rows = self._lists(asked, everything=True)
        with Reading("/query"):
            records = self._records(kind, rows)
        return {each: record for record in records for each in good if each[:15] == record.remote_id[:15]}

    def _lists(self, asked: Sequence[tuple[Source, str, Sequence[str]]], *, everything: bool = False) -> list[Row]:
        selects = [
            select
            for source, field, literals in asked
            for select in list_selects(source, field, literals, everything=everything)
        ]
        # By id: a page may repeat rows of the one before.
        return list({row.get("Id"): row for rows in self._session.all_rows(selects) for row in rows}.values())

    # --- reading by windows ---

    def changes(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Pages of up to 2,000 rows, one call each; deals take another for their people. The last page of the leads
        carries the first one of the contacts."""
        sources = self._sources(kind)
        place = Resume.load(resume, len(sources)) if resume else Resume()
        is_first = not resume
        places = {place}
        while True:
            with Reading("/query"):
                rows, following = self._page(sources, window, place, is_first=is_first and kind == "deal")
                records = tuple(self._records(kind, rows))
            if following is not None and following in places:
                raise repeated()
            yield Page(records, following.dump() if following else None)
            if following is None:
                return
            place, is_first = following, False
            places.add(following)

    def _page(
        self, sources: Sequence[Source], window: Window, place: Resume, *, is_first: bool
    ) -> tuple[list[Row], Resume | None]:
        found: list[Row] = []
        while True:
            source = sources[place.source]
            extra = roles_select(window) if is_first else None
            if extra is not None:
                rows, roles = self._firsts([window_select(source, window), extra], window)
                found += self._with_other_people(source, window, rows, roles)
            elif place.locator or place.row_id:
                rows = self._rows(source, window, place)
            else:
                (rows,) = self._firsts([window_select(source, window)], window)
            found += rows.rows
            if rows.more:
                stamp, row_id = max(
                    ((row["SystemModstamp"], row["Id"]) for row in rows.rows), default=(place.stamp, place.row_id)
                )
                return found, Resume(place.source, rows.more, stamp, row_id)
            if place.source + 1 == len(sources):
                return found, None
            place = Resume(place.source + 1)

    def _with_other_people(self, source: Source, window: Window, rows: Rows, roles: Rows) -> list[Row]:
        """Opportunities outside the window whose people changed in it. No call where each of them is on its page."""
        here = {row["Id"] for row in rows.rows}
        deals = {str(row["OpportunityId"]) for row in self._session.rest(roles)} - here
        if not deals or window.since is None:
            return []
        outside = replace(source, where=f"SystemModstamp < {moment(window.since)}")
        return self._lists([(outside, "Id", [record_id(each) for each in sorted(deals)])])

    def _firsts(self, selects: Sequence[Select], window: Window) -> list[Rows]:
        """First pages of a window. A sync asks for the same window of every kind: the first one asked for brings the
        others along, in the same call. Only of windows that are over: what changes meanwhile leaves them."""
        is_over = self._read_at is not None and window.until <= self._read_at
        if window.since is not None and is_over and window != self._ahead_of:
            sources = [source for kind in OBJECTS for source in self._sources(kind)]
            roles = roles_select(window)
            every = [*(window_select(source, window) for source in sources), *([roles] if roles else [])]
            pages, _ = self._session.first_pages(every)
            self._ahead, self._ahead_of = dict(zip(every, pages, strict=True)), window
        if all(select in self._ahead for select in selects):
            return [self._ahead.pop(select) for select in selects]
        return self._session.first_pages(selects)[0]

    def _rows(self, source: Source, window: Window, place: Resume) -> Rows:
        if place.locator:
            try:
                return self._session.more(place.locator)
            except Misuse as error:
                if error.code != "INVALID_QUERY_LOCATOR":
                    raise
        return self._session.query(window_select(source, window, place.after))[0]

    def _sources(self, kind: Kind) -> tuple[Source, ...]:
        extras = self._extras[kind]
        if kind == "person":
            named = [self._contact_names[name] for name in (*LEAD, *extras) if name in self._contact_names]
            contact = (*SYSTEM, "MasterRecordId", KEY, "AccountId", *dict.fromkeys(named))
            lead = (*SYSTEM, "MasterRecordId", KEY, *CONVERSION, *dict.fromkeys((*LEAD, *extras)))
            return (
                Source("Lead", lead),
                Source(
                    "Contact", (*contact, *(f"Account.{name}" for name in OF_ACCOUNT.values())), self._contacts_where
                ),
            )
        if kind == "account":
            return (Source("Account", tuple(dict.fromkeys((*SYSTEM, "MasterRecordId", *ACCOUNT, *extras)))),)
        currency = (CURRENCY,) if self._currency.is_multi() else ()
        return (Source("Opportunity", tuple(dict.fromkeys((*SYSTEM, *DEAL, *currency, *extras)))),)

    def _records(self, kind: Kind, rows: Sequence[Row]) -> list[RemoteRecord]:
        extras = self._extras[kind]
        if kind == "person":
            return [self._person(row) for row in rows]
        if kind == "account":
            return [account_record(row, extras) for row in rows]
        people = self._people([row["Id"] for row in rows])
        return [deal_record(row, extras, people.get(row["Id"], ()), self._currency.default) for row in rows]

    def _person(self, row: Row) -> RemoteRecord:
        if row["attributes"]["type"] == "Contact":
            return contact_record(row, self._contact_names)
        return lead_record(row, self._extras["person"], LEAD)

    def _people(self, ids: Sequence[str]) -> dict[str, list[RemoteContact]]:
        """By opportunity. A subquery would count against the page's 2,000 rows; lists of ids go five to a call."""
        if not ids:
            return {}
        roles = ("Id", "OpportunityId", "ContactId", "Role", "IsPrimary", f"Contact.{KEY}")
        rows = self._lists(
            [(Source("OpportunityContactRole", roles), "OpportunityId", [record_id(each) for each in ids])]
        )
        strange = {row["ContactId"] for row in rows if row["ContactId"] and not (row.get("Contact") or {}).get(KEY)}
        return role_contacts(rows, self._keys_of_converted(sorted(strange)))

    def _keys_of_converted(self, contact_ids: Sequence[str]) -> dict[str, str]:
        """Our keys of contacts whose lead was converted without carrying the key over."""
        source = Source("Lead", ("Id", KEY, "ConvertedContactId"), f"IsConverted = true AND {KEY} != null")
        rows = self._lists([(source, "ConvertedContactId", [record_id(each) for each in contact_ids])])
        return {row["ConvertedContactId"]: row[KEY] for row in rows}

    def gone(self, kind: Kind, window: Window, resume: str | None = None, *, lists: bool = True) -> Iterator[Page]:
        """Nothing: deleted and merged records come with the changes."""
        return iter(())

    def living(self, kind: Kind, made_before: datetime) -> int | None:
        """Nothing: what is gone comes with the changes."""
        return None

    def stage_history(self, ids: Sequence[str]) -> Iterator[StageChange]:
        """About 450 deals a query, five queries a call; further calls past 2,000 lines a query."""
        good = [each for each in dict.fromkeys(ids) if is_id(each)]
        if not good:
            return
        currency = (CURRENCY,) if self._currency.is_multi() else ()
        names = ("Id", "OpportunityId", "StageName", "Amount", "CreatedDate", "CreatedById", *currency)
        rows = self._lists(
            [(Source("OpportunityHistory", names), "OpportunityId", [record_id(each) for each in good])],
            everything=True,
        )
        with Reading("/query"):
            lines: dict[str, list[Row]] = {}
            for row in rows:
                lines.setdefault(row["OpportunityId"][:15], []).append(row)
            changes = [
                line for each in good for line in stage_changes(lines.get(each[:15], ()), self._currency.default)
            ]
        yield from changes

    # --- campaigns ---

    def campaigns(self) -> Iterator[RemoteCampaign]:
        """All campaigns, 2,000 a call."""
        select, window = campaigns_select(has_currencies=self._currency.is_multi()), self._ahead_of
        # Members are asked for next, mostly in the window of everything else.
        further = [members_select(window)] if window else []
        (rows, *others), _ = self._session.first_pages([select, *further])
        self._ahead |= dict(zip(further, others, strict=True))
        with Reading("/query"):
            found = [campaign(row, self._currency.default) for row in self._session.rest(rows)]
        yield from found

    def members(self, window: Window) -> Iterator[CampaignMember]:
        """Members changed in the window, 2,000 a call."""
        select = members_select(window)
        rows: Rows | None = self._ahead.pop(select, None) or self._session.query(select)[0]
        places: set[str] = set()
        while rows is not None:
            if rows.more in places:
                raise repeated()
            places |= {rows.more} if rows.more else set()
            with Reading("/query"):
                found = [each for row in rows.rows if (each := member(row)) is not None]
            yield from found
            rows = self._session.more(rows.more) if rows.more else None

    # --- activities ---

    def activities(self, kinds: Sequence[str], window: Window, names: Sequence[str] = ()) -> Iterator[RemoteActivity]:
        """Tasks and events changed in the window, deleted ones among them, 2,000 a call."""
        for source in activity_sources(kinds):
            place: Resume | None = Resume()
            places: set[Resume] = set()
            while place is not None:
                if place in places:
                    raise repeated()
                places.add(place)
                rows = self._rows(source, window, place)
                with Reading("/query"):
                    found = [each for row in rows.rows if (each := activity(row)) is not None and each.kind in kinds]
                    last = max(((row["SystemModstamp"], row["Id"]) for row in rows.rows), default=("", ""))
                yield from found
                place = Resume(0, rows.more, *last) if rows.more else None


def contact_names(account: Account) -> dict[str, str]:
    """What a Lead's fields are called on a Contact: the standard ones, and custom ones as far as they are described."""
    described = account.described.get("person")
    if described is None:
        return dict(CONTACT)
    return {each.name: each.contact_name for each in described.fields if each.contact_name}
