"""SOQL for what we read in Salesforce, with every value escaped or checked, and lists cut to what a URL holds."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ..base import Misuse, Window
from .session import Select

KEY = "Portal_Id__c"
"""The external id that holds our key, on Lead and Contact alike."""
SYSTEM = ("Id", "CreatedDate", "SystemModstamp", "IsDeleted")
LEAD = (
    "Email", "FirstName", "LastName", "Company", "Title", "Phone", "Country", "State", "PostalCode", "Industry",
    "NumberOfEmployees", "OwnerId", "LeadSource", "Status",
)  # fmt: skip
CONVERSION = ("IsConverted", "ConvertedContactId", "ConvertedAccountId", "ConvertedOpportunityId")
# A Lead's fields by what they are called on the Contact that it becomes; the company is the Contact's account.
CONTACT = {
    "Email": "Email", "FirstName": "FirstName", "LastName": "LastName", "Title": "Title", "Phone": "Phone",
    "Country": "MailingCountry", "State": "MailingState", "PostalCode": "MailingPostalCode", "OwnerId": "OwnerId",
    "LeadSource": "LeadSource", "CountryCode": "MailingCountryCode", "StateCode": "MailingStateCode",
}  # fmt: skip
CODES = {"Country": "CountryCode", "State": "StateCode"}
"""What names of places are written by in orgs that have picklists of them."""
OF_ACCOUNT = {"Company": "Name", "Industry": "Industry", "NumberOfEmployees": "NumberOfEmployees"}
ACCOUNT = ("Name", "Website", "Industry", "OwnerId")
DEAL = ("Name", "StageName", "Amount", "CloseDate", "IsClosed", "IsWon", "OwnerId", "AccountId", "LastStageChangeDate")
CURRENCY = "CurrencyIsoCode"
LIST_ROOM = 10_000
"""Characters of a list of values as they stand in a URL; Salesforce takes 16,384 with headers and all."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


@dataclass(frozen=True, slots=True)
class Source:
    """An object that is read by windows: its name, what to select, and a further condition."""

    sobject: str
    fields: tuple[str, ...]
    where: str = ""

    @property
    def head(self) -> str:
        """The query as far as its conditions."""
        return " ".join(("SELECT", ", ".join(self.fields), "FROM", self.sobject))


@dataclass(frozen=True, slots=True)
class Place:
    """The last row read: its stamp as Salesforce wrote it, and its id."""

    stamp: str
    row_id: str


def window_select(source: Source, window: Window, after: Place | None = None) -> Select:
    """Rows of the window in the order (SystemModstamp, Id), past `after`; deleted and merged ones too."""
    parts = [f"SystemModstamp < {moment(window.until)}"]
    if window.since is not None:
        parts.insert(0, f"SystemModstamp >= {moment(window.since)}")
    if after is not None:
        stamp = moment(datetime.fromisoformat(after.stamp))
        parts.append(f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > {record_id(after.row_id)}))")
    if source.where:
        parts.append(source.where)
    return Select(f"{source.head} WHERE {' AND '.join(parts)} ORDER BY SystemModstamp, Id", everything=True)


def roles_select(window: Window) -> Select | None:
    """Contact roles made, changed or taken away in the window: none of it moves the stamp of their opportunity."""
    if window.since is None:
        return None
    source = Source("OpportunityContactRole", ("Id", "OpportunityId"))
    since, until = moment(window.since), moment(window.until)
    where = f"SystemModstamp >= {since} AND SystemModstamp < {until}"
    return Select(f"{source.head} WHERE {where}", everything=True)


def list_selects(source: Source, field: str, values: Sequence[str], *, everything: bool = False) -> list[Select]:
    """As many queries as it takes to ask for rows whose `field` is one of `values`, quoted already."""
    where = f" AND {source.where}" if source.where else ""
    return [
        Select(f"{source.head} WHERE {field} IN ({','.join(part)}){where}", everything=everything)
        for part in _parts(values)
    ]


def moment(at: datetime) -> str:
    """A dateTime literal. Salesforce knows milliseconds; between two of them, no stamp lies below the later one."""
    at = at.astimezone(UTC)
    at += timedelta(microseconds=-at.microsecond % 1000)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def text(value: str) -> str:
    """A string literal. Raises `Misuse` for control characters, which no key of ours holds."""
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise Misuse("A key holds control characters.", code="key_malformed")
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def record_id(value: str) -> str:
    """The literal of a Salesforce id; raises `Misuse` for anything else."""
    if not is_id(value):
        raise Misuse("This is no id of Salesforce.", code="id_malformed")
    return f"'{value}'"


def is_id(value: str) -> bool:
    """Whether it has the form of an id, 15 or 18 letters and digits."""
    return bool(_ID.fullmatch(value))


def field_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names that a mapping asks for, each once and in the form of a field; raises `Misuse` for others."""
    bad = next((name for name in names if not _NAME.fullmatch(name)), None)
    if bad is not None:
        raise Misuse(f"{bad[:60]!a} is no name of a field in Salesforce.", code="field_malformed")
    return tuple(dict.fromkeys(names))


def _parts(values: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    room = LIST_ROOM
    for value in values:
        # Letters, digits and quotes stand as they are; anything else may take three characters a byte.
        size = 1 + sum(1 if char.isascii() and (char.isalnum() or char in "'-_") else 12 for char in value)
        if part and size > room:
            yield part
            part, room = [], LIST_ROOM
        part.append(value)
        room -= size
    if part:
        yield part


def campaigns_select(*, has_currencies: bool) -> Select:
    """All campaigns, in the order of their ids."""
    names = (
        "Id", "Name", "Type", "StartDate", "EndDate", "BudgetedCost", "ActualCost", "IsActive", "ParentId",
        *((CURRENCY,) if has_currencies else ()),
    )  # fmt: skip
    return Select(f"{Source('Campaign', names).head} ORDER BY Id")


def members_select(window: Window) -> Select:
    """Members of campaigns changed in the window."""
    names = (
        "Id", "CampaignId", "LeadId", "ContactId", "Status", "CreatedDate", "SystemModstamp", "HasResponded",
        "FirstRespondedDate", f"Lead.{KEY}", f"Contact.{KEY}",
    )  # fmt: skip
    return replace(window_select(Source("CampaignMember", names), window), everything=False)
