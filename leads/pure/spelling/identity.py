"""Who is who: one spelling for each e-mail address, domain and country.

Every function is idempotent: what it returns, it accepts and returns unchanged.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from urllib.parse import SplitResult, urlsplit

import idna

from leads.pure.spelling.countries import country_code
from leads.pure.spelling.free_mail import FREE_MAIL_DOMAINS, FREE_MAIL_FAMILIES

MAX_EMAIL = 254
MAX_LOCAL = 64
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_AROUND_EMAIL = re.compile(
    r"""(?:[^<>@,;]*<(?:mailto:)?([^<>@\s]+@[^<>@\s,;]+)>|["']?(?:mailto:)?([^<>@\s"']+@[^<>@\s,;"'?]+)["']?)[\s;,]*""",
    re.IGNORECASE,
)
_LOCAL_SIGNS = frozenset("!#$%&'*+/=?^_`{|}~.-")
# Where companies without a website of their own have a page.
_SITES_OF_MANY = (
    "linkedin.com", "facebook.com", "instagram.com", "twitter.com", "x.com", "xing.com", "youtube.com", "tiktok.com",
    "crunchbase.com", "sites.google.com", "g.page", "goo.gl", "maps.google.com", "linktr.ee", "yelp.com", "github.com",
    "medium.com", "t.me", "wa.me", "bit.ly", "angel.co", "wellfound.com", "google.com",
)  # fmt: skip


class InvalidEmail(ValueError):
    """The text is not one usable e-mail address; the message tells a person why."""


class InvalidDomain(ValueError):
    """The text is not a domain name; the message tells a person why."""


class InvalidCountry(ValueError):
    """The text is neither a code nor a name of a country; the message says why."""


def normalize_email(raw: str) -> str:
    """One address as `local@domain`, lower-case, NFC, domain in its ASCII (IDNA) form; at most 254
    characters.

    Lower-casing the local part is a choice: no large provider tells case apart, and people do not type it
    alike. Raises InvalidEmail, also for quoted local parts, addresses lists and display names.
    """
    text = _fold(raw.strip(" \t\r\n\u00a0"))
    if not text:
        raise InvalidEmail("Enter an email address.")
    if len(text) > MAX_EMAIL:
        raise InvalidEmail(f"An email address has at most {MAX_EMAIL} characters.")
    if any(unicodedata.category(sign)[0] in "CZ" for sign in text):
        raise InvalidEmail("An email address contains no spaces or control characters.")
    if any(sign in text for sign in ",;<>"):
        raise InvalidEmail("Enter a single email address, without a name or a list.")
    local, at_sign, domain = text.rpartition("@")
    if not at_sign or "@" in local:
        raise InvalidEmail("An email address contains exactly one @.")
    _check_local(local)
    try:
        email = f"{local}@{_ascii_domain(domain)}"
    except InvalidDomain as error:
        raise InvalidEmail(f"The part after the @ is not a domain: {error}") from error
    if len(email.encode()) > MAX_EMAIL:
        raise InvalidEmail(f"An email address has at most {MAX_EMAIL} characters.")
    return email


def bare_email(text: str) -> str:
    """The address that a cell holds beside what programs put around it: "Ada <ada@a.example>", "mailto:ada@a.example".

    Anything else comes back as it is; what is left is for `normalize_email` to judge.
    """
    match = _AROUND_EMAIL.fullmatch(text.strip().replace("\uff20", "@"))
    return match[1] or match[2] if match else text


def email_domain(email: str) -> str:
    """The domain of a normalized address."""
    return email.rpartition("@")[2]


def is_free_mail(domain: str) -> bool:
    """Whether anybody can get a mailbox under this normalized domain."""
    if domain in FREE_MAIL_DOMAINS:
        return True
    name, _, ending = domain.partition(".")
    # "yahoo.co.uk" is the provider; "yahoo.example.com" is somebody's host name.
    return name in FREE_MAIL_FAMILIES and (len(ending) <= 3 or re.fullmatch(r"com?\.[a-z]{2}", ending) is not None)


def company_domain(email: str) -> str | None:
    """The domain that stands for the employer of a normalized address; None for free mail."""
    domain = email_domain(email)
    return None if not domain or is_free_mail(domain) else domain


def is_internal(email: str, own_domains: Collection[str]) -> bool:
    """Whether a normalized address belongs to one of our own domains or to a host below one."""
    return is_below(email_domain(email), own_domains)


def is_below(domain: str, others: Iterable[str]) -> bool:
    """Whether a domain is one of the others, or a host below one; empty ones are nobody's."""
    return any(domain == other or domain.endswith(f".{other}") for other in others if other)


def normalize_domain(raw: str) -> str:
    """A bare host name in lower-case ASCII form, from a host name or an address of a page. Raises
    InvalidDomain."""
    try:
        host = _address(raw).hostname or ""
    except ValueError as error:
        raise InvalidDomain("Enter a domain such as example.com.") from error
    domain = _ascii_domain(host)
    while domain.startswith("www.") and domain.count(".") > 1:
        domain = domain.removeprefix("www.")
    return domain


def is_site_of_many(domain: str) -> bool:
    """Whether a site such as linkedin.com has pages of many companies."""
    return is_below(domain, _SITES_OF_MANY)


def site_of_page(raw: str) -> str:
    """The host, where an address is a page of one company on a site of many; else ""."""
    try:
        parts = _address(raw)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return ""
    return host if parts.path.strip("/") and is_site_of_many(host) else ""


def normalize_country(raw: str) -> str:
    """An ISO 3166-1 alpha-2 code in capitals, from a code, or a name in thirty languages. Raises InvalidCountry."""
    if code := country_code(raw):
        return code
    raise InvalidCountry(f"{raw.strip()[:40]!r} is not a country. Write its name, or a code such as DE or US.")


def _address(raw: str) -> SplitResult:
    """The parts of an address, which may be a bare host name. Raises ValueError."""
    text = _fold(raw.strip())
    return urlsplit(text if "//" in text else f"//{text}")


def _fold(text: str) -> str:
    """Lower-case NFC; composed on both sides of lower(), which can take a composed letter apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def _check_local(local: str) -> None:
    if not local:
        raise InvalidEmail("The part before the @ is missing.")
    if len(local.encode()) > MAX_LOCAL:
        raise InvalidEmail(f"The part before the @ has at most {MAX_LOCAL} characters.")
    if local.startswith(".") or local.endswith(".") or ".." in local:
        raise InvalidEmail("The part before the @ has a dot in a wrong place.")
    for sign in local:
        if sign not in _LOCAL_SIGNS and unicodedata.category(sign)[0] not in "LM" and not sign.isdecimal():
            raise InvalidEmail(f"The part before the @ must not contain {sign!r}.")


def _ascii_domain(domain: str) -> str:
    name = domain.removesuffix(".")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True, std3_rules=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError) as error:
            raise InvalidDomain("it has characters that no domain may have.") from error
    labels = name.split(".")
    if len(labels) < 2:
        raise InvalidDomain("it needs a dot, as in example.com.")
    # Checked by hand for ASCII: real host names such as r3---sn.example break IDNA's rule on hyphens.
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidDomain("it has parts that are empty, too long or misspelt.")
    if labels[-1].isdigit():
        raise InvalidDomain("it ends in a number; use a name, not an IP address.")
    return name
