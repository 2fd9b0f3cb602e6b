"""Countries by code or name: ISO 3166-1 as pycountry keeps it, names in thirty languages as CLDR (Babel) keeps them."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pycountry
from babel import Locale
from babel.core import get_global

# The languages whose names of countries are read. A name that two countries bear in two of them means neither.
LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sk", "hu", "ro", "bg", "hr", "sl", "el", "sv", "da", "nb",
    "fi", "et", "lv", "lt", "ga", "ca", "tr", "uk", "ru", "ja", "zh", "ko",
)  # fmt: skip
# Names in daily use that neither source has: former ones, short ones, and parts of the United Kingdom.
_COMMON = {
    "UK": "GB", "EL": "GR", "UAE": "AE", "Great Britain": "GB", "Britain": "GB", "England": "GB", "Scotland": "GB",
    "Wales": "GB", "Northern Ireland": "GB", "U.S.": "US", "U.S.A.": "US", "United States of America (USA)": "US",
    "America": "US", "Holland": "NL", "Turkey": "TR", "Czech Republic": "CZ", "Slovak Republic": "SK", "Burma": "MM",
    "Swaziland": "SZ", "Macedonia": "MK", "Ivory Coast": "CI", "Cape Verde": "CV", "Macao": "MO", "Macau": "MO",
    "Hong Kong": "HK", "Palestine": "PS", "Bosnia": "BA", "Vatican": "VA", "East Timor": "TL", "Korea": "KR",
    "Congo": "CG", "Kongo": "CG", "Democratic Republic of the Congo": "CD", "DR Congo": "CD", "Russia": "RU",
    "BRD": "DE", "Großbritannien": "GB", "Grande-Bretagne": "GB", "Gran Bretaña": "GB", "Republic of Ireland": "IE",
    "EE.UU.": "US", "US of A": "US", "PRC": "CN", "P.R. China": "CN", "Mainland China": "CN", "Kosovo": "XK",
    "Republic of Korea": "KR", "Hong Kong SAR": "HK", "Hong Kong S.A.R.": "HK", "Macau SAR": "MO", "Macao SAR": "MO",
    "KSA": "SA", "Emirates": "AE", "Sao Tome": "ST", "Palestinian Territory": "PS", "Faroes": "FO", "台灣": "TW",
    # What sports and mail call them, where ISO has given that code to nobody else.
    "GER": "DE", "SUI": "CH", "NED": "NL", "DEN": "DK", "POR": "PT", "CRO": "HR", "GRE": "GR", "BUL": "BG", "RSA": "ZA",
}  # fmt: skip

_PARTS = re.compile(r"[()/|,]|\s[-–—]\s")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
# "Oesterreich", as German is written where there are no umlauts.
_WITHOUT_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def country_code(text: str) -> str:
    """The ISO 3166-1 alpha-2 code of a code of two or three letters or of a name; "" if there is none."""
    word = text.strip()
    # "ß" in capitals is "SS", South Sudan.
    code = word.upper() if word.isascii() else ""
    if len(code) == 2 and code in codes():
        return code
    if len(code) == 3 and code.isdecimal():
        country = pycountry.countries.get(numeric=code)
        return country.alpha_2 if country else ""
    if found := _names().get(_plain(word)):
        return found
    # "Germany (DE)", "Schweiz/Suisse", "🇩🇪 Germany": each part says the same.
    parts = {part.strip() for part in _PARTS.split(_FLAG.sub(_flag_code, word))} - {""}
    if parts == {word}:
        return ""
    found_codes = {country_code(part) for part in parts if _plain(part) != "the"}
    return found_codes.pop() if len(found_codes) == 1 else ""


def _flag_code(flag: re.Match[str]) -> str:
    return "|{}|".format("".join(chr(ord(sign) - 0x1F1E6 + ord("A")) for sign in flag[0]))


@cache
def codes() -> frozenset[str]:
    """Every ISO 3166-1 alpha-2 code, and that of Kosovo, which ISO left to whoever needs one and CRMs use."""
    return frozenset([*(each.alpha_2 for each in pycountry.countries), "XK"])


@cache
def country_choices() -> tuple[tuple[str, str], ...]:
    """Every code with "Germany (DE)", by name, for lists to choose from."""
    names = Locale.parse("en").territories
    found = [(code, f"{names.get(code, code)} ({code})") for code in codes()]
    return tuple(sorted(found, key=lambda each: each[1]))


@cache
def _names() -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for language in LANGUAGES:
        for code, name in Locale.parse(language).territories.items():
            if code in codes():
                for spelling in {_plain(name), _plain(name.casefold().translate(_WITHOUT_UMLAUTS))}:
                    found.setdefault(spelling, set()).add(code)
    names = {name: min(each) for name, each in found.items() if len(each) == 1}
    for alias, targets in get_global("territory_aliases").items():
        if len(alias) == 3 and alias.isalpha() and len(targets) == 1 and targets[0] in codes():
            names[_plain(alias)] = targets[0]
    for country in pycountry.countries:
        for kind in ("alpha_3", "name", "official_name", "common_name"):
            if name := getattr(country, kind, ""):
                names[_plain(name)] = country.alpha_2
    return names | {_plain(name): code for name, code in _COMMON.items()}


def _plain(name: str) -> str:
    """Without regard to case, accents, punctuation, "the" and "&"."""
    text = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    letters = "".join(sign for sign in text if not unicodedata.combining(sign))
    words = "".join(sign if sign.isalnum() else " " for sign in letters.replace(".", "")).split()
    return " ".join(words[1:] if len(words) > 1 and words[0] == "the" else words)
