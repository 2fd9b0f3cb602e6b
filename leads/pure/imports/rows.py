"""The rows of an imported table: what each says.

A row either becomes a record (:class:`LeadRecord`, :class:`DealRecord`, :class:`CostRecord`) or is refused whole with
the field at fault; nothing is guessed, cut or half taken.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from leads.pure.imports.fields import CHANNEL_WORDS, COSTS, FIELDS, LEADS, OPPORTUNITIES, plain
from leads.pure.money import InvalidAmount, currency_decimals, to_cents
from leads.pure.refused import FieldRefused
from leads.pure.spelling.identity import InvalidCountry, InvalidEmail, normalize_country, normalize_email
from leads.pure.table_file import Row
from leads.pure.week import local_date, midnight

OLDEST_YEAR = 1990
_LONGEST_ID = 120
_GERMAN_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)


class RowRefused(FieldRefused):
    """The row cannot be taken; ``field`` names the field at fault ("" for the row as a whole)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to read the rows of one file.

    ``columns`` maps fields to column names. ``channels`` maps the file's words, in any spelling, to channel keys;
    ``default_channel`` is for rows of files without a channel column ("": the campaign's, else "other").
    """

    kind: str
    columns: Mapping[str, str]
    at: datetime
    tz: ZoneInfo
    currency: str
    channels: Mapping[str, str] = field(default_factory=dict)
    default_channel: str = ""
    status: str = ""
    keeps_other_columns: bool = False

    def channel_of(self, text: str) -> str:
        """The channel key for a word of the file; a word nobody mapped is "other"."""
        return self.channels.get(plain(text)) or CHANNEL_WORDS.get(plain(text), "other")


@dataclass(frozen=True, slots=True)
class LeadRecord:
    """A person and their first contact; ``occurred_at`` is None where the file does not say."""

    email: str
    external_id: str
    details: Mapping[str, str | int]
    occurred_at: datetime | None
    channel: str
    landing_page: str
    campaign: str
    attributes: Mapping[str, str]

    def identities(self) -> list[tuple[str, ...]]:
        """What must not occur twice in a file."""
        return [pair for pair in (("e-mail", self.email), ("external id", self.external_id)) if pair[1]]


@dataclass(frozen=True, slots=True)
class DealRecord:
    """A deal; ``stage`` is the file's word for the stage or status ("" if it gives none).

    ``closed_at`` may lie in the future: of an open deal it is the day expected.
    """

    external_id: str
    lead_external_id: str
    lead_email: str
    name: str
    stage: str
    opened_at: datetime | None
    closed_at: datetime | None
    amount_cents: int | None
    currency: str
    lost_reason: str
    owner_email: str
    attributes: Mapping[str, str]

    def identities(self) -> list[tuple[str, ...]]:
        """What must not occur twice in a file."""
        return [("external id", self.external_id)]


@dataclass(frozen=True, slots=True)
class CostRecord:
    """What a campaign cost on a day."""

    campaign: str
    spent_on: date
    amount_cents: int
    currency: str

    def identities(self) -> list[tuple[str, ...]]:
        """What must not occur twice in a file."""
        return [("campaign and day", self.campaign, self.spent_on.isoformat())]


Record = LeadRecord | DealRecord | CostRecord


# --- rows ------------------------------------------------------------------------------------------------------------


def parse_row(row: Row, plan: Plan) -> Record:
    """What a row says. Raises RowRefused."""
    if row.problem:
        raise RowRefused("", f"The row {row.problem}.")
    return _PARSERS[plan.kind](_Cells(row.cells, plan))


class _Cells:
    """The cells of a row by field, each read with its refusal."""

    def __init__(self, cells: Mapping[str, str], plan: Plan) -> None:
        self.cells, self.plan = cells, plan
        self.most = {each.name: each.most for each in FIELDS[plan.kind]}

    def text(self, name: str) -> str:
        column = self.plan.columns.get(name)
        text = self.cells.get(column, "") if column else ""
        if len(text) > self.most[name]:
            raise RowRefused(name, f"has {len(text)} characters, at most {self.most[name]} are kept.")
        return text

    def email(self, name: str) -> str:
        text = self.text(name)
        try:
            return normalize_email(text) if text else ""
        except InvalidEmail as error:
            raise RowRefused(name, str(error)) from error

    def moment(self, name: str, *, may_come: bool = False) -> datetime | None:
        text = self.text(name)
        if not text:
            return None
        try:
            at = parse_moment(text, self.plan.tz)
        except ValueError as error:
            raise RowRefused(name, str(error)) from error
        if at.year < OLDEST_YEAR:
            raise RowRefused(name, f"{text!r} lies before {OLDEST_YEAR}.")
        if at > self.plan.at and not may_come:
            raise RowRefused(name, f"{text!r} lies in the future.")
        return at

    def money(self) -> tuple[int | None, str]:
        currency = self.text("currency").upper() or self.plan.currency
        try:
            currency_decimals(currency)
        except InvalidAmount as error:
            raise RowRefused("currency", str(error)) from error
        text = self.text("amount")
        try:
            return (to_cents(text, currency) if text else None), currency
        except InvalidAmount as error:
            raise RowRefused("amount", str(error)) from error

    def others(self) -> dict[str, str]:
        """Columns that feed no field, where they are wanted."""
        if not self.plan.keeps_other_columns:
            return {}
        used = set(self.plan.columns.values())
        return {column: text for column, text in self.cells.items() if text and column not in used}


def _lead(cells: _Cells) -> LeadRecord:
    email, external_id = cells.email("email"), cells.text("external_id")
    if not email and not external_id:
        raise RowRefused("", "The row has neither an e-mail address nor an external id.")
    texts = ("first_name", "last_name", "company", "job_title", "phone", "region", "postal_code", "industry")
    details: dict[str, str | int] = {name: cells.text(name) for name in texts}
    if not details["first_name"] and not details["last_name"]:
        details["first_name"], _, details["last_name"] = cells.text("name").partition(" ")
    if country := cells.text("country"):
        try:
            details["country"] = normalize_country(country)
        except InvalidCountry as error:
            raise RowRefused("country", str(error)) from error
    if size := cells.text("company_size"):
        if not (size.isascii() and size.isdigit()) or int(size) > 2_000_000_000:
            raise RowRefused("company_size", f"{size!r} is not a whole number.")
        details["company_size"] = int(size)
    attributes, channel, campaign = cells.others(), cells.plan.default_channel, cells.text("campaign")
    if column := cells.plan.columns.get("channel"):
        word = cells.text("channel")
        channel = cells.plan.channel_of(word)
        if word:
            attributes[column] = word
    return LeadRecord(
        email=email,
        external_id=external_id,
        details={name: value for name, value in details.items() if value != ""},
        occurred_at=cells.moment("occurred_at"),
        channel=channel or ("" if campaign else "other"),
        landing_page=cells.text("landing_page"),
        campaign=campaign,
        attributes=attributes,
    )


def _deal(cells: _Cells) -> DealRecord:
    lead_external_id, lead_email = cells.text("lead_external_id"), cells.email("lead_email")
    # A file without ids of its own has one deal per lead, as far as anybody can tell.
    external_id = cells.text("external_id") or (_deal_of(lead_external_id) if lead_external_id else "")
    if not external_id:
        raise RowRefused("external_id", "The row has no external id.")
    opened_at, closed_at = cells.moment("opened_at"), cells.moment("closed_at", may_come=True)
    amount_cents, currency = cells.money()
    attributes = cells.others()
    for name in ("segment", "lead_type"):
        if text := cells.text(name):
            attributes[cells.plan.columns[name]] = text
    # A name or a number is no fault: it finds nobody and stays with the deal, as an address of nobody here does.
    owner = cells.text("owner")
    owner_email = cells.email("owner") if "@" in owner else ""
    if owner:
        attributes[cells.plan.columns["owner"]] = owner
    return DealRecord(
        external_id=external_id,
        lead_external_id=lead_external_id,
        lead_email=lead_email,
        name=cells.text("name"),
        stage=cells.text("stage") or cells.plan.status,
        opened_at=opened_at,
        closed_at=closed_at,
        amount_cents=amount_cents,
        currency=currency,
        lost_reason=cells.text("lost_reason"),
        owner_email=owner_email,
        attributes=attributes,
    )


def _deal_of(lead_external_id: str) -> str:
    """The id of a lead's only deal, the same each time; where there is no room for all of it, it ends in a digest."""
    name = f"deal of {lead_external_id}"
    if len(name) <= _LONGEST_ID:
        return name
    digest = hashlib.sha256(lead_external_id.encode()).hexdigest()[:16]
    return f"{name[: _LONGEST_ID - len(digest) - 1]}-{digest}"


def _cost(cells: _Cells) -> CostRecord:
    campaign = cells.text("campaign").lower()
    if not campaign:
        raise RowRefused("campaign", "The row names no campaign.")
    spent_at = cells.moment("spent_on")
    if spent_at is None:
        raise RowRefused("spent_on", "The row has no day.")
    amount_cents, currency = cells.money()
    if amount_cents is None:
        raise RowRefused("amount", "The row has no amount. Write 0 where nothing was spent.")
    if amount_cents < 0:
        raise RowRefused("amount", "A cost must not be negative.")
    return CostRecord(campaign, local_date(spent_at, cells.plan.tz), amount_cents, currency)


_PARSERS: Mapping[str, Callable[[_Cells], Record]] = {LEADS: _lead, OPPORTUNITIES: _deal, COSTS: _cost}


def parse_moment(text: str, tz: ZoneInfo) -> datetime:
    """A moment in UTC, from an ISO date (its first moment in ``tz``), an ISO moment, or a date such as 31.12.2018.

    Without an offset the moment is local. Slashes are refused: 3/4/2018 is two days. Raises ValueError.
    """
    german = _GERMAN_DATE.fullmatch(text)
    try:
        if german:
            return midnight(date(int(german[3]), int(german[2]), int(german[1])), tz)
        at = datetime.fromisoformat(text)
        if ":" not in text:
            return midnight(at.date(), tz)
        return (at if at.utcoffset() is not None else at.replace(tzinfo=tz)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:40]!r} is not a date such as 2018-12-31 or a moment such as 2018-12-31 14:05."
        ) from None
