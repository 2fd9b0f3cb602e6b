"""What a landing page's address tells about the visit: campaign tags, and the click ids that ad networks append."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

TAGS = ("source", "medium", "campaign", "term", "content")


class Click(NamedTuple):
    """Whose click id it is; ``medium`` is empty where the network marks free links as well."""

    source: str
    medium: str


# Parameter in lower case → what it says. Names as the networks document them for auto-tagging.
CLICK_IDS: Mapping[str, Click] = {
    "gclid": Click("google", "cpc"),
    "gbraid": Click("google", "cpc"),
    "wbraid": Click("google", "cpc"),
    "dclid": Click("google", "display"),
    "msclkid": Click("bing", "cpc"),
    "yclid": Click("yandex", "cpc"),
    "li_fat_id": Click("linkedin", "paid-social"),
    "ttclid": Click("tiktok", "paid-social"),
    "twclid": Click("twitter", "paid-social"),
    "rdt_cid": Click("reddit", "paid-social"),
    "sccid": Click("snapchat", "paid-social"),
    "qclid": Click("quora", "paid-social"),
    "dicbo": Click("outbrain", "native"),
    "obclid": Click("outbrain", "native"),
    "tblci": Click("taboola", "native"),
    "vmcid": Click("yahoo", "display"),
    "gad_source": Click("google", "cpc"),
    "gad_campaignid": Click("google", "cpc"),
    # Links in mails of email services.
    "_hsenc": Click("hubspot", "email"),
    "_hsmi": Click("hubspot", "email"),
    "mc_eid": Click("mailchimp", "email"),
    "mkt_tok": Click("marketo", "email"),
    "_kx": Click("klaviyo", "email"),
    "vero_id": Click("vero", "email"),
    "ck_subscriber_id": Click("convertkit", "email"),
    "ml_subscriber_hash": Click("mailerlite", "email"),
    "elqtrackid": Click("eloqua", "email"),
    # Links of partners.
    "irclickid": Click("impact", "affiliate"),
    "cjevent": Click("cj", "affiliate"),
    "awc": Click("awin", "affiliate"),
    # Appended to every link that leaves the service, so that it tells the source alone.
    "fbclid": Click("facebook", ""),
    "igshid": Click("instagram", ""),
    "igsh": Click("instagram", ""),
    "epik": Click("pinterest", ""),
    "srsltid": Click("google", ""),
    "ysclid": Click("yandex", ""),
}
CLICKED = f"[?&;#]({'|'.join(CLICK_IDS)})="
"""Regular expression of addresses with a click id, for databases; to be compared without regard to case."""


# Between parameters, where a name of ours follows: elsewhere these signs belong to a value.
_CUT = re.compile(rf"[?;&](?=(?:amp;)?(?:utm_[a-z]+|{'|'.join(CLICK_IDS)})=)", re.IGNORECASE)
_NO_TAG = frozenset(
    ["(none)", "(not set)", "(not provided)", "(other)", "(direct)", "(no value)", "none", "null", "undefined",
     "not set", "n/a", "-", "nan"]
)  # fmt: skip
_NOT_FILLED_IN = re.compile(r"\{\{?[^{}]*\}?\}|%%?[A-Za-z_.]+%%?|\[\[?[^\[\]]*\]?\]|\$\{[^{}]*\}|<[^<>]*>")


def parameters(address: str) -> dict[str, str]:
    """The parameters of an address, names in lower case, each with its first value that is not empty.

    Names come in any case, and with the ``amp;`` that a link copied out of HTML keeps. Tags stand behind a second "?",
    a ";" or "#" as well, and in the value of another that a link shortener encoded twice. Nothing is read from an
    address that is none, or that has more than a hundred.
    """
    try:
        parts = urlsplit(address)
        behind = parts.fragment.rpartition("?")[2]
        pairs = _pairs(parts.query) + (_pairs(behind) if "=" in behind else [])
    except ValueError:
        return {}
    found: dict[str, str] = {}
    for name, value in pairs:
        if value.strip():
            found.setdefault(name.strip().casefold().removeprefix("amp;"), value)
    return found


def tags_of(given: Mapping[str, str]) -> dict[str, str]:
    """Source, medium, campaign, term and content, as far as the parameters hold them; else empty."""
    return {name: meant(given.get(f"utm_{name}", "")) for name in TAGS}


def meant(tag: str) -> str:
    """A tag, or nothing where it says that there is none, or where a program should have filled in a value."""
    word = tag.strip()
    return "" if word.casefold() in _NO_TAG or _NOT_FILLED_IN.fullmatch(word) else tag


def click_of(given: Mapping[str, str]) -> Click | None:
    """The network whose click id the parameters hold; one that only paid links carry goes before one of all links."""
    return next((click for name, click in CLICK_IDS.items() if name in given), None)


def _pairs(query: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in parse_qsl(_CUT.sub("&", query), max_num_fields=100):
        first, *inner = _CUT.split(value)
        found.append((name, first))
        for more in inner:
            found += parse_qsl(more, max_num_fields=100)
    return found
