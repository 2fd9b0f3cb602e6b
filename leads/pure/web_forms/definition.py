"""What a form asks: its fields in order, each a property of the lead or an attribute of the company's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from leads.pure.refused import Refused

MAX_FIELDS = 40
MAX_OPTIONS = 100
EMAIL = "email"
ATTRIBUTE = "attribute"
"""Marks a field that is no property of the lead: it is kept among the lead's attributes, under its name."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property of the lead that a form may ask for; ``autocomplete`` is the browser's word for it."""

    label: str
    longest: int
    input: str = "text"
    autocomplete: str = "off"


PROPERTIES: Mapping[str, Property] = {
    EMAIL: Property("Email", 254, "email", "email"),
    "first_name": Property("First name", 120, autocomplete="given-name"),
    "last_name": Property("Last name", 120, autocomplete="family-name"),
    "company": Property("Company", 200, autocomplete="organization"),
    "job_title": Property("Job title", 160, autocomplete="organization-title"),
    "phone": Property("Phone", 40, "tel", "tel"),
    "country": Property("Country", 60, autocomplete="country-name"),
    "region": Property("Region or state", 80, autocomplete="address-level1"),
    "postal_code": Property("Postal code", 20, autocomplete="postal-code"),
    "industry": Property("Industry", 80),
    "company_size": Property("Company size", 8, "number"),
}
INPUTS: Mapping[str, str] = {
    "text": "One line",
    "textarea": "Several lines",
    "select": "One of a list",
    "checkbox": "Yes or no",
    "number": "Number",
    "date": "Date",
}
"""How an attribute may be asked for."""
LONGEST_ATTRIBUTE = 2000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Names the form itself sends.
_TAKEN = frozenset(["consent", "token", "homepage", "landing_page", "referrer", "visitor_id"])


class DefinitionRefused(Refused):
    """The fields of a form cannot be as they were given; the message says why."""


@dataclass(frozen=True, slots=True)
class Field:
    """One question; ``target`` is the lead's property, or `ATTRIBUTE`.

    A hidden field is not shown: it always answers with ``value``.
    """

    target: str
    name: str
    label: str
    help: str = ""
    input: str = "text"
    options: tuple[str, ...] = ()
    is_required: bool = False
    is_hidden: bool = False
    value: str = ""

    @property
    def is_attribute(self) -> bool:
        """Whether the answer is kept among the lead's attributes."""
        return self.target == ATTRIBUTE

    @property
    def longest(self) -> int:
        """Signs an answer may have."""
        return LONGEST_ATTRIBUTE if self.is_attribute else PROPERTIES[self.target].longest

    @property
    def autocomplete(self) -> str:
        """The browser's word for it."""
        return "off" if self.is_attribute else PROPERTIES[self.target].autocomplete

    def stored(self) -> dict[str, Any]:
        """As JSON, for `fields_of`."""
        return {**asdict(self), "options": list(self.options)}


def fields_of(stored: Sequence[Mapping[str, Any]]) -> list[Field]:
    """The fields as they were stored."""
    return [Field(**{**each, "options": tuple(each.get("options", ()))}) for each in stored]


def default_fields() -> list[Field]:
    """What a new form asks."""
    return [
        Field("first_name", "first_name", "First name"),
        Field("last_name", "last_name", "Last name"),
        Field(EMAIL, EMAIL, "Email", input="email", is_required=True),
        Field("company", "company", "Company"),
    ]


def checked(fields: Sequence[Field]) -> list[Field]:
    """The fields, if a form can ask them. Raises DefinitionRefused.

    Each name is asked once, and an email address always: it says who the person is.
    """
    if not 1 <= len(fields) <= MAX_FIELDS:
        raise DefinitionRefused(f"A form has 1 to {MAX_FIELDS} fields.")
    seen: set[str] = set()
    for each in fields:
        _check(each)
        if each.name in seen:
            raise DefinitionRefused(f"“{each.label or each.name}” is asked twice.")
        seen.add(each.name)
    if not any(each.target == EMAIL and each.is_required and not each.is_hidden for each in fields):
        raise DefinitionRefused("A form asks for the email address, and requires it.")
    return list(fields)


def _check(each: Field) -> None:
    called = each.label or each.name
    if not each.is_attribute and each.target not in PROPERTIES:
        raise DefinitionRefused(f"There is no property “{each.target}”.")
    if each.is_attribute and (not _NAME.fullmatch(each.name) or each.name in PROPERTIES or each.name in _TAKEN):
        raise DefinitionRefused(
            f"“{each.name}” cannot be the name of an attribute: use small letters, digits and _, such as team_size."
        )
    if not each.is_attribute and each.name != each.target:
        raise DefinitionRefused(f"“{called}” must be called {each.target}.")
    if each.is_attribute and each.input not in INPUTS:
        raise DefinitionRefused(f"“{called}” cannot be asked so.")
    if not each.is_hidden and not each.label.strip():
        raise DefinitionRefused("Every field that is shown needs a label.")
    if each.is_hidden and not each.value.strip():
        raise DefinitionRefused(f"The hidden field “{called}” needs a value.")
    if each.input == "select" and not 1 <= len(each.options) <= MAX_OPTIONS:
        raise DefinitionRefused(f"“{called}” needs 1 to {MAX_OPTIONS} options, one a line.")
