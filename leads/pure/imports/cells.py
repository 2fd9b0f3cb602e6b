"""The cells of a row by field, each read as what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from leads.pure.imports.dates import read_moment, says_no_date
from leads.pure.imports.fields import CHANNEL_WORDS, FIELDS, plain
from leads.pure.imports.numbers import InvalidNumber, currency_code, plain_amount, whole_count, whole_minutes
from leads.pure.money import InvalidAmount, check_currency, rounded_cents, to_amount
from leads.pure.refused import FieldRefused
from leads.pure.spelling.identity import (
    InvalidCountry,
    InvalidDomain,
    InvalidEmail,
    bare_email,
    normalize_country,
    normalize_domain,
    normalize_email,
    site_of_page,
)
from leads.pure.spelling.phones import InvalidPhone, clean_phone
from leads.pure.spelling.texts import clean_text, is_placeholder
from leads.pure.week import LATEST_YEAR, OLDEST_YEAR

_MOST_PEOPLE = 2_000_000_000
# "NA" is Namibia, and a name.
_NA_IS_A_WORD = frozenset(["country", "name", "first_name", "last_name", "company", "account", "external_id"])
_MOST = {kind: {each.name: each.most for each in fields} for kind, fields in FIELDS.items()}


class RowRefused(FieldRefused):
    """The row cannot be taken; ``field`` names the field at fault ("" for the row as a whole)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to read the rows of one file.

    ``columns`` maps fields to column names; ``channels``, ``stages`` and ``owners`` map the file's words, in the
    spelling of ``value_map``. ``default_channel`` is for rows of files without a channel column ("": the campaign's,
    else "other"). ``dates`` and ``decimal`` say how the file writes days and amounts ("" where nothing needs it).
    ``preset`` is the source of the advertising service whose export the file is, and ``campaigns`` the code of each
    campaign that its rows may name, by that name in lower case.
    """

    kind: str
    columns: Mapping[str, str]
    at: datetime
    tz: ZoneInfo
    currency: str
    channels: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    default_channel: str = ""
    status: str = ""
    dates: str = ""
    decimal: str = ""
    preset: str = ""
    campaigns: Mapping[str, str] = field(default_factory=dict)
    keeps_other_columns: bool = False

    def channel_of(self, text: str) -> str:
        """The channel key for a word of the file; a word nobody mapped is "other"."""
        word = plain(text)
        return self.channels.get(word) or CHANNEL_WORDS.get(word, "other")


class Cells:
    """The cells of a row by field. Each reading raises RowRefused with the field at fault."""

    def __init__(self, cells: Mapping[str, str], plan: Plan) -> None:
        self.cells, self.plan = cells, plan
        self.most = _MOST[plan.kind]

    def raw(self, name: str) -> str:
        """The cell as it stands in the file, but for signs nobody sees; "" where it only says "nothing"."""
        column = self.plan.columns.get(name)
        if not column:
            return ""
        text = clean_text(self.cells.get(column, ""))
        is_nothing = is_placeholder(text) or (text == "NA" and name not in _NA_IS_A_WORD)
        return "" if is_nothing else text

    def text(self, name: str) -> str:
        text = self.raw(name)
        if len(text) > self.most[name]:
            raise RowRefused(name, f"has {len(text)} characters, at most {self.most[name]} are kept.")
        return text

    def email(self, name: str) -> str:
        text = self.text(name)
        try:
            return normalize_email(bare_email(text)) if text else ""
        except InvalidEmail as error:
            raise RowRefused(name, str(error)) from error

    def phone(self, name: str) -> str:
        try:
            return clean_phone(self.text(name))
        except InvalidPhone as error:
            raise RowRefused(name, str(error)) from error

    def country(self, name: str) -> str:
        text = self.text(name)
        try:
            return normalize_country(text) if text else ""
        except InvalidCountry as error:
            raise RowRefused(name, str(error)) from error

    def domain(self, name: str) -> str:
        text = self.text(name)
        if site := site_of_page(text):
            raise RowRefused(name, f"{text[:60]!r} is a page on {site}, no domain of the company. Leave it empty.")
        try:
            return normalize_domain(text) if text else ""
        except InvalidDomain as error:
            raise RowRefused(name, str(error)) from error

    def count(self, name: str) -> int | None:
        text = self.text(name)
        try:
            size = whole_count(text) if text else None
        except InvalidNumber as error:
            raise RowRefused(name, str(error)) from error
        if size is not None and size > _MOST_PEOPLE:
            raise RowRefused(name, f"{text!r} is more people than there are.")
        return size

    def minutes(self, name: str) -> int | None:
        text = self.text(name)
        try:
            return whole_minutes(text) if text else None
        except InvalidNumber as error:
            raise RowRefused(name, str(error)) from error

    def moment(self, name: str, *, may_come: bool = False) -> datetime | None:
        text = self.text(name)
        if not text or says_no_date(text):
            return None
        try:
            at = read_moment(text, self.plan.tz, self.plan.dates)
        except ValueError as error:
            raise RowRefused(name, str(error)) from error
        if at.year < OLDEST_YEAR:
            raise RowRefused(name, f"{text!r} lies before {OLDEST_YEAR}.")
        if at.year > LATEST_YEAR:
            raise RowRefused(name, f"{text!r} lies after {LATEST_YEAR}.")
        if at > self.plan.at and not may_come:
            raise RowRefused(name, f"{text!r} lies in the future.")
        return at

    def money(self) -> tuple[int | None, str, str]:
        """The amount in minor units, its currency (the row's own, else the amount's, else the file's), and in words how
        it differs from the file: what is finer than the currency is rounded half to even, as amounts of CRMs are."""
        text, given = self.text("amount"), self.text("currency")
        try:
            given = check_currency(currency_code(given, self.plan.currency)) if given else ""
            currency = given or self.plan.currency
        except (InvalidAmount, InvalidNumber) as error:
            raise RowRefused("currency", str(error)) from error
        if not text:
            return None, currency, ""
        try:
            amount, named = plain_amount(text, self.plan.decimal or ".", currency)
            if named and given and named != given:
                raise RowRefused("amount", f"{text!r} is in {named}, but the row names {given}.")
            currency = named or currency
            cents = rounded_cents(Decimal(amount), currency)
        except (InvalidAmount, InvalidNumber) as error:
            raise RowRefused("amount", str(error)) from error
        kept = to_amount(cents, currency)
        is_exact = Decimal(kept) == Decimal(amount)
        return cents, currency, "" if is_exact else f"{text} was rounded to {kept} {currency}."

    def word(self, name: str, words: Mapping[str, str]) -> str:
        """The cell as the value map translates it; itself where the map does not have it."""
        text = self.text(name)
        return words.get(plain(text), text) if text else ""

    def others(self) -> dict[str, str]:
        """Columns that feed no field, where they are wanted."""
        if not self.plan.keeps_other_columns:
            return {}
        used = set(self.plan.columns.values())
        return {column: text for column, text in self.cells.items() if text and column not in used}
