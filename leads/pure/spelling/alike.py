"""Spellings under which one person may be known twice: mailboxes, telephone numbers, names at a company.

Keys only suggest: what has the same key is shown to a person, and nothing is merged because of it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from leads.pure.spelling.identity import company_domain, email_domain
from leads.pure.spelling.phones import normalize_phone

MAILBOX, PHONE, NAME_DOMAIN, NAME_COMPANY = "mailbox", "phone", "name@domain", "name@company"
REASONS = {
    MAILBOX: "same mailbox but for dots or a plus tag",
    PHONE: "same telephone number",
    NAME_DOMAIN: "same name at the same company's domain",
    NAME_COMPANY: "same name and company",
}
# How sure a reason makes: a mailbox and a number are one person's more often than a name is.
STRENGTH = {MAILBOX: 4, PHONE: 3, NAME_DOMAIN: 3, NAME_COMPANY: 2}
# What more leads than this have in common says nothing of any two: a switchboard, "Info" at a large company.
COMMON = 12
_FEWEST_DIGITS = 7
_GMAIL = frozenset({"gmail.com", "googlemail.com"})
# Letters that no accent can be taken off, and how they are written without them.
_LETTERS = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i", "ħ": "h",
        "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "ё": "e", "є": "e", "ж": "zh", "з": "z",
        "и": "i", "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
        "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "",
        "ы": "y", "ь": "", "э": "e", "ю": "iu", "я": "ia",
        "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l",
        "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f",
        "χ": "ch", "ψ": "ps", "ω": "o",
    }
)  # fmt: skip
# German writes ü as ue where it must, French and Swedish names come without their accents: all are one spelling here.
_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))
_LEGAL = frozenset({
    "gmbh", "mbh", "ag", "kg", "ohg", "ug", "gbr", "se", "inc", "incorporated", "corp", "corporation", "co", "company",
    "ltd", "limited", "llc", "llp", "plc", "sa", "sas", "sarl", "srl", "spa", "bv", "nv", "ab", "as", "oy", "aps",
    "doo", "sro", "kft", "zrt", "pty", "the", "und", "and", "et", "y",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """What is compared of a lead."""

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    phone: str = ""
    country: str = ""


def keys_of(person: Person) -> list[str]:
    """The keys of a lead, ``kind:value`` each; a detail that says too little makes none."""
    found: dict[str, str] = {}
    if person.email:
        found[MAILBOX] = mailbox(person.email)
    number = normalize_phone(person.phone, person.country) if person.phone else ""
    if sum(sign.isdigit() for sign in number) >= _FEWEST_DIGITS:
        found[PHONE] = number
    # A single word is no name by which anybody is known.
    name = " ".join(sorted(_words(f"{person.first_name} {person.last_name}")))
    if " " in name:
        domain = company_domain(person.email) if person.email else None
        if domain:
            found[NAME_DOMAIN] = f"{name}@{domain}"
        if company := " ".join(word for word in _words(person.company) if word not in _LEGAL):
            found[NAME_COMPANY] = f"{name}@{company}"
    return [f"{kind}:{value}"[:240] for kind, value in found.items()]


def mailbox(email: str) -> str:
    """Where mail to a normalized address arrives: without what follows a plus; with Gmail without dots, too."""
    local, domain = email.rpartition("@")[0], email_domain(email)
    local = local.partition("+")[0] or local
    if domain in _GMAIL:
        local, domain = local.replace(".", "") or local, "gmail.com"
    return f"{local}@{domain}"


def plain_spelling(text: str) -> str:
    """Lower case, without accents, in Latin letters; ü, ue and u are one."""
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    folded = "".join(sign for sign in folded if not unicodedata.combining(sign)).translate(_LETTERS)
    for pair, letter in _UMLAUTS:
        folded = folded.replace(pair, letter)
    return folded


def reason_of(key: str) -> str:
    """The kind of a key."""
    return key.partition(":")[0]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", plain_spelling(text))
