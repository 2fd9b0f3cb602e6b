"""What a landing page's address tells about the visit: campaign tags, and the click ids that ad networks append."""

from __future__ import annotations

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
    "obclid": Click("taboola", "native"),
    # Appended to every link that leaves the service, so that it tells the source alone.
    "fbclid": Click("facebook", ""),
    "igshid": Click("instagram", ""),
    "igsh": Click("instagram", ""),
    "epik": Click("pinterest", ""),
}
CLICKED = f"[?&;]({'|'.join(CLICK_IDS)})="
"""Regular expression of addresses with a click id, for databases; to be compared without regard to case."""


def parameters(address: str) -> dict[str, str]:
    """The parameters of an address, names in lower case, each with its first value that is not empty.

    Names come in any case, and with the ``amp;`` that a link copied out of HTML keeps. Nothing is read from an address
    that is none, or that has more than a hundred.
    """
    try:
        pairs = parse_qsl(urlsplit(address).query, max_num_fields=100)
    except ValueError:
        return {}
    found: dict[str, str] = {}
    for name, value in pairs:
        if value.strip():
            found.setdefault(name.strip().casefold().removeprefix("amp;"), value)
    return found


def tags_of(given: Mapping[str, str]) -> dict[str, str]:
    """Source, medium, campaign, term and content, as far as the parameters hold them; else empty."""
    return {name: given.get(f"utm_{name}", "") for name in TAGS}


def click_of(given: Mapping[str, str]) -> Click | None:
    """The network whose click id the parameters hold; one that only paid links carry goes before one of all links."""
    return next((click for name, click in CLICK_IDS.items() if name in given), None)
