"""What conditions can look at, and the operators that each kind of property offers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """How a property's values are compared and asked for."""

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    DATE = "date"
    FLAG = "flag"
    POSTCODE = "postcode"
    DOMAIN = "domain"
    EVENT = "event"
    ATTRIBUTE = "attribute"


class Operator(StrEnum):
    """How a property is compared."""

    IS = "is"
    IS_NOT = "is_not"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    LIKE = "like"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BETWEEN = "between"
    KNOWN = "known"
    UNKNOWN = "unknown"
    BEFORE = "before"
    AFTER = "after"
    LAST_DAYS = "last_days"
    OLDER_THAN = "older_than"
    POSTCODES = "postcodes"
    IN_DOMAIN = "in_domain"
    NOT_IN_DOMAIN = "not_in_domain"
    FREE_MAIL = "free_mail"
    COMPANY_MAIL = "company_mail"
    HAPPENED = "happened"
    NEVER = "never"


Op = Operator
_PRESENCE = (Op.KNOWN, Op.UNKNOWN)
_TEXT = (Op.IS, Op.IS_NOT, Op.CONTAINS, Op.NOT_CONTAINS, Op.STARTS_WITH, Op.LIKE)
OPERATORS: dict[Kind, tuple[Operator, ...]] = {
    Kind.TEXT: (*_TEXT, *_PRESENCE),
    Kind.CHOICE: (Op.IS, Op.IS_NOT, *_PRESENCE),
    Kind.NUMBER: (Op.AT_LEAST, Op.AT_MOST, Op.BETWEEN, Op.IS, Op.IS_NOT, *_PRESENCE),
    Kind.DATE: (Op.LAST_DAYS, Op.OLDER_THAN, Op.BEFORE, Op.AFTER, Op.BETWEEN, *_PRESENCE),
    Kind.FLAG: (Op.IS,),
    Kind.POSTCODE: (Op.POSTCODES, Op.STARTS_WITH, Op.IS, Op.IS_NOT, *_PRESENCE),
    Kind.DOMAIN: (Op.IN_DOMAIN, Op.NOT_IN_DOMAIN, Op.FREE_MAIL, Op.COMPANY_MAIL, Op.CONTAINS, *_PRESENCE),
    Kind.EVENT: (Op.HAPPENED, Op.NEVER, Op.AT_MOST, Op.BETWEEN),
    Kind.ATTRIBUTE: (*_TEXT, Op.AT_LEAST, Op.AT_MOST, Op.BETWEEN, *_PRESENCE),
}
"""The operators that a kind offers, the most usual first."""

LABELS: dict[Operator, str] = {
    Op.IS: "is any of",
    Op.IS_NOT: "is none of",
    Op.CONTAINS: "contains any of",
    Op.NOT_CONTAINS: "contains none of",
    Op.STARTS_WITH: "starts with any of",
    Op.LIKE: "matches any of the patterns",
    Op.AT_LEAST: "is at least",
    Op.AT_MOST: "is at most",
    Op.BETWEEN: "is between",
    Op.KNOWN: "is known",
    Op.UNKNOWN: "is unknown",
    Op.BEFORE: "is before",
    Op.AFTER: "is after",
    Op.LAST_DAYS: "is in the last … days",
    Op.OLDER_THAN: "is more than … days ago",
    Op.POSTCODES: "is in the postal code range",
    Op.IN_DOMAIN: "is in the domain",
    Op.NOT_IN_DOMAIN: "is not in the domain",
    Op.FREE_MAIL: "is a free email domain",
    Op.COMPANY_MAIL: "is not a free email domain",
    Op.HAPPENED: "happened at least",
    Op.NEVER: "never happened",
}
_EVENT_LABELS = {Op.AT_MOST: "happened at most", Op.BETWEEN: "happened between"}
_FLAG_LABELS = {Op.IS: "is"}


@dataclass(frozen=True, slots=True)
class Property:
    """One thing that conditions look at.

    ``choices`` are (stored value, label); ``says_values`` prints the stored value in sentences ("DE"). ``group`` is the
    heading it is listed under.
    """

    key: str
    label: str
    kind: Kind
    group: str = "Lead"
    choices: tuple[tuple[str, str], ...] = ()
    says_values: bool = False

    @property
    def operators(self) -> tuple[Operator, ...]:
        return OPERATORS[self.kind]

    def operator_label(self, operator: Operator) -> str:
        """The operator in words, as this kind says it."""
        if self.kind == Kind.EVENT:
            return _EVENT_LABELS.get(operator, LABELS[operator])
        return _FLAG_LABELS.get(operator, LABELS[operator]) if self.kind == Kind.FLAG else LABELS[operator]

    def said(self, value: object) -> str:
        """A value as sentences show it."""
        text = str(value)
        return text if self.says_values else dict(self.choices).get(text, text)


EVENT, ATTRIBUTE = "event:", "attribute:"
"""Prefixes of the keys of events and of custom attributes."""
YES, NO = "yes", "no"
DEEDS = {
    "form_submission": "Submitted a form",
    "email_signup": "Signed up for email",
    "webinar_registration": "Registered for webinar",
    "webinar_attendance": "Attended webinar",
    "email_open": "Opened email",
    "email_click": "Clicked in email",
    "email_reply": "Replied to email",
    "email_bounce": "Email bounced",
    "email_unsubscribe": "Unsubscribed",
    "email_complaint": "Marked an email as spam",
    "page_view": "Visited page",
    "ad_click": "Clicked an ad",
    "event_visit": "Visited us at an event",
    "import": "Imported contact",
    "crm_record": "Added in the CRM",
    "call": "Call",
    "meeting": "Meeting",
    "list_membership": "Joined a list",
}


class Catalog(Mapping[str, Property]):
    """Properties by key, in the order in which they are offered.

    Keys of events and attributes that are not listed are still known, so that a rule outlives the last lead that has
    the attribute; they are not offered.
    """

    def __init__(self, properties: Iterable[Property]) -> None:
        self._listed = {each.key: each for each in properties}

    def __getitem__(self, key: str) -> Property:
        if key in self._listed:
            return self._listed[key]
        if key.startswith(EVENT) and key != EVENT:
            return event(key.removeprefix(EVENT))
        if key.startswith(ATTRIBUTE) and key != ATTRIBUTE:
            return attribute(key.removeprefix(ATTRIBUTE))
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    @property
    def listed(self) -> frozenset[str]:
        """The keys that are offered."""
        return frozenset(self._listed)

    def without(self, *keys: str) -> Catalog:
        """The same catalog without some properties."""
        return Catalog(each for each in self._listed.values() if each.key not in keys)

    def of_kinds(self, *kinds: Kind) -> Catalog:
        """The properties of some kinds."""
        return Catalog(each for each in self._listed.values() if each.kind in kinds)

    def with_choices(self, **choices: Iterable[tuple[str, str]]) -> Catalog:
        """The same catalog, with the choices of properties named by their keys."""
        return Catalog(
            replace(each, choices=tuple(choices[each.key])) if each.key in choices else each
            for each in self._listed.values()
        )

    def with_attributes(self, names: Iterable[str]) -> Catalog:
        """The same catalog and custom attributes."""
        return Catalog([*self._listed.values(), *map(attribute, names)])

    def grouped(self) -> list[tuple[str, list[Property]]]:
        """The properties under their headings."""
        found: dict[str, list[Property]] = {}
        for each in self._listed.values():
            found.setdefault(each.group, []).append(each)
        return list(found.items())


def event(kind: str) -> Property:
    """The property that counts events of a kind."""
    return Property(EVENT + kind, DEEDS.get(kind, _words(kind)), Kind.EVENT, "Activity")


def attribute(name: str) -> Property:
    """The property of a custom attribute."""
    return Property(ATTRIBUTE + name, _words(name), Kind.ATTRIBUTE, "Custom attributes")


def _words(name: str) -> str:
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


_YES_NO = ((YES, "yes"), (NO, "no"))
LEADS = Catalog(
    [
        Property("job_title", "Job title", Kind.TEXT),
        Property("country", "Country", Kind.CHOICE, says_values=True),
        Property("region", "Region", Kind.TEXT),
        Property("postal_code", "Postal code", Kind.POSTCODE),
        Property("industry", "Industry", Kind.TEXT),
        Property("company_size", "Company size", Kind.NUMBER),
        Property("company", "Company", Kind.TEXT),
        Property("email_domain", "Email domain", Kind.DOMAIN),
        Property("email", "Email", Kind.TEXT),
        Property("phone", "Phone", Kind.TEXT),
        Property("first_name", "First name", Kind.TEXT),
        Property("last_name", "Last name", Kind.TEXT),
        Property("channel", "First channel", Kind.CHOICE),
        Property("campaign", "Campaign membership", Kind.CHOICE),
        Property("created", "Created", Kind.DATE),
        Property("stage", "Lifecycle stage", Kind.CHOICE),
        Property("score", "Score", Kind.NUMBER),
        Property("owner", "Owner", Kind.CHOICE),
        Property("territory", "Territory", Kind.CHOICE),
        Property("consent", "Consent", Kind.CHOICE, "Consent"),
        Property("is_unsubscribed", "Unsubscribed from email", Kind.FLAG, "Consent", _YES_NO),
        Property("account", "Account", Kind.DOMAIN, "Account"),
        Property("account_name", "Account name", Kind.TEXT, "Account"),
        Property("account_owner", "Account owner", Kind.CHOICE, "Account"),
        *(event(kind) for kind in DEEDS),
    ]
)
"""Everything about a lead that is the same in every installation; `leads.queries.conditions` adds the rest."""
