"""The three vendors behind one face: a connection to each dialect, what its people do, and what its records hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from integrations.models import Connection
from integrations.sandbox_crm.dialects import Dialect, Record
from integrations.sandbox_crm.dialects.hubspot.schema import OWNERS
from integrations.sandbox_crm.dialects.pipedrive.objects import PERSON
from integrations.sandbox_crm.dialects.scenario import Fault
from tests.integrations.sandbox_crm.running import TOKEN
from tests.integrations.world import connect

WINDOW = timedelta(seconds=2)
"""Windows end at the whole second of the CRM's clock: what was changed in this second belongs to the next one."""


@dataclass
class World(ABC):
    """One vendor's sandbox, seen by its own people; `dialect` may be a second handle on the file of another process."""

    dialect: Any
    kind: ClassVar[str]
    secrets: ClassVar[dict[str, Any]]
    person: ClassVar[str]
    deal: ClassVar[str]
    write: ClassVar[str]
    """The route that writes people."""
    read: ClassVar[str]
    """Routes that read pages of people and deals."""
    quota: ClassVar[Fault]
    """The answer that says the day's calls are spent."""
    stages: ClassVar[Sequence[Mapping[str, Any]]]
    """Members that move a deal on, and those that win it."""

    def connect(self, url: str) -> Connection:
        """A connection of this kind."""
        return connect(f"{url}/{self.kind}", slug=self.kind, kind=self.kind, secret="", **self.secrets)

    def later(self, **amount: float) -> None:
        """Time goes by over there."""
        self.dialect.clock.skew += timedelta(**amount) if amount else WINDOW

    @abstractmethod
    def key_of(self, record: Record) -> str:
        """Our id of the lead in a person's record."""

    @abstractmethod
    def first_name_of(self, record: Record) -> str:
        """Their first name, wherever that person lives on."""

    def people(self) -> list[Record]:
        """Everybody alive who carries an id of ours."""
        rows = self.dialect.records.listing(self.person, limit=100_000)
        return [each for each in rows if self.key_of(each)]

    def keys(self) -> Counter[str]:
        """How many living records there are for each id of ours."""
        return Counter(self.key_of(each) for each in self.people())

    @abstractmethod
    def add_deal(self, person_id: str, name: str, amount: int) -> str:
        """A deal of this person in the first stage."""

    @abstractmethod
    def move_deal(self, deal_id: str, step: int = 0) -> None:
        """Move it on, or win it."""

    def end_deal(self, deal_id: str) -> None:
        """Delete it."""
        self.dialect.records.delete(self.deal, deal_id)

    def end_person(self, person_id: str) -> None:
        """Delete a person."""
        self.dialect.records.delete(self.person, person_id)

    def merge(self, loser: str, winner: str) -> None:
        """Merge two people."""
        self.dialect.records.merge(self.person, loser, winner)

    def now(self) -> datetime:
        """The CRM's clock."""
        moment: datetime = self.dialect.records.now()
        return moment

    @abstractmethod
    def add_person(self, email: str, first: str, last: str, *, owner: str | None = None, **more: Any) -> str:
        """Somebody that sales enters over there; returns the record's id."""

    @abstractmethod
    def owner_of(self, email: str) -> str:
        """The id of the CRM's user with this address."""

    @abstractmethod
    def owner_id_of(self, person_id: str) -> str:
        """Who owns the person over there."""

    @abstractmethod
    def email_of(self, record: Record) -> str:
        """The person's e-mail address."""

    @abstractmethod
    def add_call(self, person_id: str, at: datetime, *, is_answered: bool = True) -> tuple[str, str]:
        """A call that was made; its object and id."""

    @abstractmethod
    def add_meeting(self, person_id: str, ends: datetime, *, is_done: bool | None = None) -> tuple[str, str]:
        """A meeting; done, canceled or (None) left to its time. Its object and id."""

    @abstractmethod
    def move_meeting(self, made: tuple[str, str], ends: datetime) -> None:
        """It took place at another time."""

    def end_activity(self, made: tuple[str, str]) -> None:
        """Delete it."""
        self.dialect.records.delete(*made)

    def person_count(self, email: str) -> int:
        """How many living records have this address."""
        rows = self.dialect.records.listing(self.person, limit=100_000)
        return sum(self.email_of(each).lower() == email.lower() for each in rows)

    def restamp(self, moment: datetime) -> None:
        """All deals and people were last changed at this moment."""
        for kind in (self.person, self.deal):
            rows = self.dialect.records.listing(kind, limit=100_000)
            self.dialect.records.restamp(kind, [each.id for each in rows], moment)


class Salesforce(World):
    kind = "salesforce"
    secrets: ClassVar = {"secrets": {"client_id": "c1", "client_secret": TOKEN}}
    person, deal = "Lead", "Opportunity"
    write, read = "PATCH *", "*/quer*"
    quota = Fault("status", status=403)
    stages = ({"StageName": "Qualification"}, {"StageName": "Closed Won"})

    def key_of(self, record: Record) -> str:
        return str(record.members.get("Portal_Id__c") or "")

    def first_name_of(self, record: Record) -> str:
        contact = record.members.get("ConvertedContactId")
        return str((self.dialect.records["Contact", contact] if contact else record).members.get("FirstName") or "")

    def add_person(self, email: str, first: str, last: str, *, owner: str | None = None, **more: Any) -> str:
        members = {"Email": email or None, "FirstName": first, "LastName": last, "Company": "Prospect", **more}
        members |= {"OwnerId": owner or self.owner_of("portal@acme.example"), "IsConverted": False}
        return str(self.dialect.records.add("Lead", members).id)

    def owner_of(self, email: str) -> str:
        users = self.dialect.records.listing("User", limit=100)
        return str(next(each.id for each in users if each.members["Email"] == email))

    def owner_id_of(self, person_id: str) -> str:
        return str(self.dialect.records["Lead", person_id].members["OwnerId"])

    def email_of(self, record: Record) -> str:
        return "" if record.members.get("IsConverted") else str(record.members.get("Email") or "")

    def add_call(self, person_id: str, at: datetime, *, is_answered: bool = True) -> tuple[str, str]:
        members = {"WhoId": person_id, "Subject": "Call", "Status": "Completed", "TaskSubtype": "Call",
                   "CompletedDateTime": at.isoformat(), "CallDurationInSeconds": 90 if is_answered else 0}  # fmt: skip
        return "Task", str(self.dialect.records.add("Task", members).id)

    def add_meeting(self, person_id: str, ends: datetime, *, is_done: bool | None = None) -> tuple[str, str]:
        times = {"StartDateTime": (ends - timedelta(hours=1)).isoformat(), "EndDateTime": ends.isoformat()}
        return "Event", str(self.dialect.records.add("Event", {"WhoId": person_id, "Subject": "Demo", **times}).id)

    def move_meeting(self, made: tuple[str, str], ends: datetime) -> None:
        self.dialect.records.change(*made, {"EndDateTime": ends.isoformat()})

    def person_count(self, email: str) -> int:
        contacts = self.dialect.records.listing("Contact", limit=100_000)
        return super().person_count(email) + sum(self.email_of(each).lower() == email.lower() for each in contacts)

    def add_deal(self, person_id: str, name: str, amount: int) -> str:
        members = self.dialect.records["Lead", person_id].members
        contact = members.get("ConvertedContactId") or self.dialect.convert_lead(person_id)["contact"]
        return str(self.dialect.add_deal({"Name": name, "Amount": float(amount)}, contact))

    def move_deal(self, deal_id: str, step: int = 0) -> None:
        self.dialect.records.change("Opportunity", deal_id, self.stages[step])


class HubSpot(World):
    kind = "hubspot"
    secrets: ClassVar = {
        "secrets": {"client_secret": TOKEN, "refresh_token": TOKEN},
        "settings": {"client_id": "c1"},
    }
    person, deal = "contacts", "deals"
    write, read = "POST *batch/upsert", "*objects*"
    quota = Fault("status", status=429, code="DAILY")
    stages = ({"dealstage": "qualifiedtobuy"}, {"dealstage": "closedwon"})

    def key_of(self, record: Record) -> str:
        return str(record.members.get("revops_portal_id") or "")

    def first_name_of(self, record: Record) -> str:
        return str(record.members.get("firstname") or "")

    def add_person(self, email: str, first: str, last: str, *, owner: str | None = None, **more: Any) -> str:
        members = {"email": email.lower() or None, "firstname": first, "lastname": last, **more}
        return str(self.dialect.records.add("contacts", members | {"hubspot_owner_id": owner}).id)

    def owner_of(self, email: str) -> str:
        return str(next(each["id"] for each in OWNERS if each["email"] == email))

    def owner_id_of(self, person_id: str) -> str:
        return str(self.dialect.records["contacts", person_id].members["hubspot_owner_id"])

    def email_of(self, record: Record) -> str:
        return str(record.members.get("email") or "")

    def add_call(self, person_id: str, at: datetime, *, is_answered: bool = True) -> tuple[str, str]:
        connected, busy = "f240bbac-87c9-4f6e-bf70-924b57d47db7", "9d9162e7-6cf3-4944-bf63-4dff82258764"
        members = {"hs_timestamp": at.isoformat(), "hs_call_title": "Call", "hs_call_status": "COMPLETED",
                   "hs_call_disposition": connected if is_answered else busy}  # fmt: skip
        return "calls", str(self.dialect.engage("calls", members, [person_id]))

    def add_meeting(self, person_id: str, ends: datetime, *, is_done: bool | None = None) -> tuple[str, str]:
        outcome = {True: "COMPLETED", False: "CANCELED", None: "SCHEDULED"}[is_done]
        members = {"hs_timestamp": (ends - timedelta(hours=1)).isoformat(), "hs_meeting_end_time": ends.isoformat(),
                   "hs_meeting_title": "Demo", "hs_meeting_outcome": outcome}  # fmt: skip
        return "meetings", str(self.dialect.engage("meetings", members, [person_id]))

    def move_meeting(self, made: tuple[str, str], ends: datetime) -> None:
        self.dialect.records.change(*made, {"hs_meeting_end_time": ends.isoformat()})

    def end_activity(self, made: tuple[str, str]) -> None:
        self.dialect.records.archive(*made)

    def add_deal(self, person_id: str, name: str, amount: int) -> str:
        members = {"dealname": name, "amount": str(amount), "deal_currency_code": "EUR"}
        return str(self.dialect.add_deal(members, contacts=[(person_id, "")]))

    def move_deal(self, deal_id: str, step: int = 0) -> None:
        self.dialect.move_deal(deal_id, **self.stages[step])

    def end_deal(self, deal_id: str) -> None:
        self.dialect.records.archive(self.deal, deal_id)

    def end_person(self, person_id: str) -> None:
        self.dialect.records.archive(self.person, person_id)

    def merge(self, loser: str, winner: str) -> None:
        self.dialect.merge(self.person, loser, winner)


class Pipedrive(World):
    kind = "pipedrive"
    secrets: ClassVar = {
        "secrets": {"client_secret": TOKEN, "refresh_token": TOKEN},
        "settings": {"client_id": "c1"},
    }
    person, deal = "person", "deal"
    write, read = "POST */persons", "GET */api/v2/*"
    quota = Fault("status", status=429, code="daily")
    stages = ({"stage_id": 2}, {"status": "won"})

    def key_of(self, record: Record) -> str:
        if not hasattr(self, "_code") or not self._code:
            fields = self.dialect.records.listing("personField", limit=500)
            found = [each.members["field_code"] for each in fields if each.members["field_name"] == "Portal lead ID"]
            self._code = found[0] if found else ""
        return str(record.members["custom_fields"].get(self._code) or "")

    def first_name_of(self, record: Record) -> str:
        return str(record.members["first_name"])

    def add_person(self, email: str, first: str, last: str, *, owner: str | None = None, **more: Any) -> str:
        members = {**PERSON, "name": f"{first} {last}", "first_name": first, "last_name": last, **more}
        members |= {"emails": [{"value": email, "primary": True, "label": "work"}] if email else []}
        members |= {"owner_id": int(owner or 1)}
        return str(self.dialect.records.add("person", members).id)

    def owner_of(self, email: str) -> str:
        users = self.dialect.records.listing("user", limit=100)
        return str(next(each.id for each in users if each.members["email"] == email))

    def owner_id_of(self, person_id: str) -> str:
        return str(self.dialect.records["person", person_id].members["owner_id"])

    def email_of(self, record: Record) -> str:
        return next((str(each["value"]) for each in record.members["emails"]), "")

    def add_call(self, person_id: str, at: datetime, *, is_answered: bool = True) -> tuple[str, str]:
        return self._activity("call", person_id, at, is_answered)

    def add_meeting(self, person_id: str, ends: datetime, *, is_done: bool | None = None) -> tuple[str, str]:
        return self._activity("meeting", person_id, ends, ends <= self.now() if is_done is None else is_done)

    def move_meeting(self, made: tuple[str, str], ends: datetime) -> None:
        self.dialect.records.change(*made, {"due_date": f"{ends:%Y-%m-%d}", "due_time": f"{ends:%H:%M}"})

    def _activity(self, kind: str, person_id: str, at: datetime, is_done: bool) -> tuple[str, str]:
        members = {"type": kind, "subject": kind.capitalize(), "due_date": f"{at:%Y-%m-%d}", "due_time": f"{at:%H:%M}",
                   "done": is_done, "person_id": int(person_id), "marked_as_done_time": None,
                   "participants": [{"person_id": int(person_id), "primary": True}]}  # fmt: skip
        return "activity", str(self.dialect.records.add("activity", members).id)

    def add_deal(self, person_id: str, name: str, amount: int) -> str:
        return str(self.dialect.add_deal({"title": name, "value": amount, "person_id": int(person_id)}).id)

    def move_deal(self, deal_id: str, step: int = 0) -> None:
        self.dialect.change_deal(deal_id, self.stages[step])


WORLDS: Mapping[str, type[World]] = {each.kind: each for each in (Salesforce, HubSpot, Pipedrive)}


def world_of(kind: str, dialect: Dialect) -> World:
    """The vendor behind this dialect. Its searches are not slowed down: the pace has tests of its own."""
    if hasattr(dialect, "search_bucket"):
        dialect.search_bucket = None
    return WORLDS[kind](dialect)
