"""The fields that a column of an imported table may feed, and which column feeds which."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from leads.pure.refused import FieldRefused

LEADS, OPPORTUNITIES, COSTS, ACCOUNTS = "leads", "opportunities", "costs", "accounts"
ATTENDANCE = "attendance"
DATE, AMOUNT, WORD = "date", "amount", "word"


class MappingRefused(FieldRefused):
    """The columns do not fit the file or the kind; ``field`` names the field at fault."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a column may feed: the names files give it, and the most characters it holds.

    ``holds`` says what is in its cells: text, a date, an amount, or words that a value map may translate.
    """

    name: str
    label: str
    aliases: str = ""
    most: int = 200
    help: str = ""
    holds: str = ""

    def names(self) -> set[str]:
        """Every spelling that stands for this field."""
        told = (self.name, self.label, *self.aliases.split("|"), *_IN_OTHER_LANGUAGES.get(self.name, "").split("|"))
        return {plain(text) for text in told if text}


_IN_OTHER_LANGUAGES: Mapping[str, str] = {
    "account": "unternehmen|firma|kunde|entreprise|société|empresa|cliente",
    "amount": "betrag|wert|umsatz|montant|importe|valor",
    "campaign": "kampagne|campagne|campaña",
    "channel": "quelle|leadquelle|herkunft|origen",
    "closed_at": "abschlussdatum|geschlossen am|date de clôture|fecha de cierre",
    "company": "unternehmen|unternehmensname|firmenname|entreprise|société|empresa",
    "company_size": "mitarbeiter|mitarbeiterzahl|anzahl mitarbeiter|unternehmensgröße|effectif|número de empleados",
    "consent": "einwilligung|consentement|consentimiento",
    "country": "pays|país",
    "currency": "währung|devise|moneda",
    "email": "e mail adresse|email adresse|courriel|adresse e mail|correo electrónico",
    "first_name": "prénom",
    "industry": "branche|secteur",
    "job_title": "berufsbezeichnung|funktion|poste|fonction|puesto|cargo",
    "last_name": "familienname|nom de famille|apellidos|apellido",
    "lost_reason": "verlustgrund|motif de perte|motivo de pérdida",
    "name": "vollständiger name|geschäftsname|verkaufschance|nom complet|nom de la transaction|nombre completo"
    "|nombre del negocio",
    "occurred_at": "erstkontakt|erstellt|erstellt am|erstelldatum|date de création|fecha de creación",
    "opened_at": "eröffnet|erstellt|erstellt am|erstelldatum|date de création|fecha de creación",
    "owner": "besitzer|inhaber|zuständig|verantwortlich|propriétaire|propietario",
    "phone": "telefon|telefonnummer|mobiltelefon|handy|téléphone|teléfono",
    "postal_code": "postleitzahl|code postal|código postal",
    "product": "produkt|produit|producto",
    "region": "bundesland|région|provincia",
    "spent_on": "tag|datum|jour|fecha",
    "stage": "phase|étape|etapa",
    "unsubscribed": "abgemeldet|désabonné",
}
"""What German, French and Spanish exports call a field."""
_BETWEEN_WORDS = str.maketrans("_-./", "    ")
_COMPANY_SIZE = Field(
    "company_size",
    "Company size",
    "employees|headcount|number of employees",
    40,
    "a number, or a range such as 51-200, which counts as its lower end",
)
FIELDS: Mapping[str, tuple[Field, ...]] = {
    LEADS: (
        Field("external_id", "External id", "id|lead id|mql id|contact id|record id|key", 120),
        Field("email", "Email", "mail|e mail|e mail address|email address|work email|email work|primary email", 254),
        Field("name", "Full name", "contact|contact name|person|display name", 240, "split at the first blank"),
        Field("first_name", "First name", "given name|forename|vorname", 120),
        Field("last_name", "Last name", "surname|family name|nachname", 120),
        Field(
            "company", "Company", "company name|associated company|account name|organization|organisation|account|firma"
        ),
        Field("job_title", "Job title", "title|position|role", 160),
        Field("phone", "Phone", "telephone|mobile|mobile phone|mobile number|phone number|work phone|phone work", 40),
        Field("country", "Country", "country code|land", 80, "a name or a code such as DE"),
        Field("region", "Region", "state|province|county", 80),
        Field("postal_code", "Postal code", "zip|zip code|postcode|plz", 20),
        Field("industry", "Industry", "sector|segment", 80),
        _COMPANY_SIZE,
        Field(
            "occurred_at",
            "First contact",
            "first contact date|date|created|created at|created on|created date|create date|created time|date created"
            "|date added|lead created at|optin time|signup date|registration date|contact date|captured at",
            60,
            "a date or a moment; without an offset in the company's time zone",
            DATE,
        ),
        Field("channel", "Channel", "origin|source|lead source|original source|medium", 120, "", WORD),
        Field("landing_page", "Landing page", "landing page id|page|url|first page", 1000),
        Field("campaign", "Campaign code", "campaign|utm campaign|campaign name", 120),
        Field("stage", "Lifecycle stage", "stage|lead status|status|lead stage", 80, "", WORD),
        Field(
            "owner",
            "Owner",
            "lead owner|contact owner|sales owner|owner email|owner name|sales rep|assigned to",
            254,
            "a name or an email address",
            WORD,
        ),
        Field(
            "consent",
            "Consent",
            "consent text|opt in|marketing consent|newsletter consent|gdpr consent|opted in",
            2000,
            "yes or no, or the words that the person agreed to",
        ),
        Field(
            "consent_at",
            "Consent given",
            "consent date|opt in date|consent given at|opted in at",
            60,
            "without it: the first contact",
            DATE,
        ),
        Field(
            "unsubscribed",
            "Unsubscribed",
            "unsubscribed from all email|opt out|opted out|email opt out|do not email",
            40,
            "yes or no",
        ),
    ),
    OPPORTUNITIES: (
        Field("external_id", "External id", "id|deal id|opportunity id|seller id|record id", 120),
        Field("lead_external_id", "Lead's external id", "lead id|mql id|contact id", 120),
        Field("lead_email", "Lead's email", "email|mail|e mail|contact email", 254),
        Field("name", "Name", "deal name|opportunity name|title|opportunity|deal"),
        Field("account", "Account", "account name|company|company name|associated company|organization|customer"),
        Field("account_domain", "Account's domain", "domain|company domain|website|company domain name", 253),
        Field(
            "opened_at",
            "Opened",
            "open date|created|created at|created on|created date|create date|deal created|add time|engage date",
            60,
            "",
            DATE,
        ),
        Field(
            "stage_since",
            "In this stage since",
            "stage date|stage changed|last stage change date|date entered stage|stage since",
            60,
            "of deals still open; without it since they opened",
            DATE,
        ),
        Field(
            "closed_at",
            "Closed",
            "won date|close date|closed date|closed on|deal closed on|won at|won time|closing date",
            60,
            "when it was won or lost, or of an open deal the day expected",
            DATE,
        ),
        Field("stage", "Stage or status", "status|deal stage|stage name|pipeline stage|state", 80, "", WORD),
        Field("amount", "Amount", "value|deal value|close value|revenue|price|deal amount", 40, "", AMOUNT),
        Field("currency", "Currency", "currency code|currency of value|deal currency", 40),
        Field("lost_reason", "Lost because", "loss reason|closed lost reason", 120),
        Field(
            "owner",
            "Owner",
            "owner email|owner name|deal owner|opportunity owner|sales rep|sales agent|rep|sr id",
            254,
            "a name or an email address",
            WORD,
        ),
        Field("product", "Product", "product name|products|line item|sku", 200, "kept with the deal"),
        Field("segment", "Segment", "business segment|industry"),
        Field("lead_type", "Lead type", "type"),
    ),
    COSTS: (
        Field("campaign", "Campaign code", "utm campaign|code|campaign name", 120),
        Field("spent_on", "Day", "date|spent on|spend date|cost date", 60, "", DATE),
        Field("amount", "Amount", "cost|spend|costs|amount spent", 40, "", AMOUNT),
        Field("currency", "Currency", "currency code", 40),
    ),
    ATTENDANCE: (
        Field("email", "Email", "mail|e mail|e mail address|email address|user email|attendee email|work email", 254),
        Field(
            "joined_at",
            "Joined",
            "join time|joined|time joined|joined at|entry time|first join time|first join",
            60,
            "",
            DATE,
        ),
        Field(
            "minutes",
            "Minutes",
            "time in session|time in session minutes|duration|duration minutes|minutes attended|attendance duration"
            "|in meeting duration",
            40,
            "a person with 0 minutes did not come",
        ),
        Field("attended", "Attended", "attendance|has attended|participated|status", 40, "yes or no"),
    ),
    ACCOUNTS: (
        Field("name", "Name", "account|account name|company|company name|organization|firma"),
        Field("domain", "Domain", "company domain name|company domain|website|website url|web|url", 253),
        Field("industry", "Industry", "sector|segment|branch", 80),
        _COMPANY_SIZE,
        Field("country", "Country", "country code|country region|office location|land|billing country", 80),
        Field("region", "Region", "state|state region|province|county|billing state", 80),
        Field(
            "owner",
            "Owner",
            "account owner|company owner|owner email|owner name|sales rep",
            254,
            "a name or an email address",
            WORD,
        ),
    ),
}
# Of each group at least one field needs a column.
REQUIRED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    LEADS: (("external_id", "email"),),
    OPPORTUNITIES: (("external_id", "lead_external_id"),),
    COSTS: (("campaign",), ("spent_on",), ("amount",)),
    ACCOUNTS: (("name", "domain"),),
    ATTENDANCE: (("email",),),
}
# What files call the channels that every installation starts with.
CHANNEL_WORDS: Mapping[str, str] = {
    "organic search": "organic-search",
    "seo": "organic-search",
    "paid search": "paid-search",
    "sea": "paid-search",
    "ppc": "paid-search",
    "social": "organic-social",
    "social media": "organic-social",
    "paid social": "paid-social",
    "direct traffic": "direct",
    "direct": "direct",
    "email": "email",
    "e mail": "email",
    "newsletter": "email",
    "referral": "referral",
    "referrals": "referral",
    "email marketing": "email",
    "email campaign": "email",
    "ai referrals": "referral",
    "word of mouth": "referral",
    "employee referral": "referral",
    "external referral": "referral",
    "customer referral": "referral",
    "empfehlung": "referral",
    "display": "display",
    "display ads": "display",
    "retargeting": "retargeting",
    "remarketing": "retargeting",
    "google ads": "paid-search",
    "google adwords": "paid-search",
    "adwords": "paid-search",
    "bing ads": "paid-search",
    "microsoft ads": "paid-search",
    "linkedin ads": "paid-social",
    "facebook ads": "paid-social",
    "meta ads": "paid-social",
    "social ads": "paid-social",
    "organic social": "organic-social",
    "linkedin": "organic-social",
    "facebook": "organic-social",
    "trade show": "events",
    "tradeshow": "events",
    "conference": "events",
    "event": "events",
    "events": "events",
    "messe": "events",
    "webinar": "webinar",
    "webinars": "webinar",
    "partner": "partner",
    "partners": "partner",
    "partner referral": "partner",
    "reseller": "partner",
    "affiliate": "partner",
    "content": "content",
    "content marketing": "content",
    "blog": "content",
    "other campaigns": "other",
    "offline sources": "other",
    "offline": "other",
    "other": "other",
    "other publicities": "other",
    "unknown": "other",
    "": "other",
}


def guess_columns(kind: str, header: Collection[str]) -> dict[str, str]:
    """The column that most probably feeds each field, by its name; each column feeds one field at most.

    Names as exports decorate them are understood, too: "Deal - Title", "Associated Company (Primary)"; and those of the
    CRMs' APIs, which run words together: "dealname", "CloseDate".
    """
    found: dict[str, str] = {}
    for bare in (plain, lambda name: plain(_undecorated(name)), _run_together):
        free: dict[str, str] = {}
        for name in header:
            if name not in found.values():
                free.setdefault(bare(name), name)
        for wanted in (lambda field: {plain(field.name), plain(field.label)}, Field.names):
            for each in FIELDS[kind]:
                names = {bare(name) for name in wanted(each)}
                found_name = next((name for name in free if name in names), None)
                if each.name not in found and found_name is not None:
                    found[each.name] = free.pop(found_name)
    return {each.name: found[each.name] for each in FIELDS[kind] if each.name in found}


def _undecorated(name: str) -> str:
    return re.sub(r"\(.*?\)", "", name.split(" - ")[-1]).strip(" *:")


def _run_together(name: str) -> str:
    return plain(_undecorated(name)).replace(" ", "")


def check_columns(kind: str, columns: Mapping[str, str], header: Collection[str]) -> None:
    """Raises MappingRefused for unknown fields, columns the file lacks, and fields that need a column."""
    known = {each.name: each for each in FIELDS[kind]}
    for name, column in columns.items():
        if name not in known:
            raise MappingRefused(name, f"There is no field {name!r}. Fields: {', '.join(known)}.")
        if column not in header:
            raise MappingRefused(name, f"The file has no column {column!r}.")
    for group in REQUIRED[kind]:
        if not columns.keys() & set(group):
            labels = " or ".join(known[name].label for name in group)
            raise MappingRefused(group[0], f"Choose the column for {labels}.")


def fields_holding(kind: str, holds: str) -> tuple[str, ...]:
    """The fields of a kind whose cells are dates, amounts or words."""
    return tuple(each.name for each in FIELDS[kind] if each.holds == holds)


def value_map(words: Mapping[str, str]) -> dict[str, str]:
    """A value map in the spelling in which words are looked up."""
    return {plain(word): key for word, key in words.items()}


def plain(text: str) -> str:
    """A name without regard to case, underscores, dashes and double blanks."""
    return " ".join(text.casefold().translate(_BETWEEN_WORDS).split())
