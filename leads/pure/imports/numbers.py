"""Amounts and counts as files write them, and the decimal sign that a file's own cells tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache

from babel import Locale

from leads.pure.imports.guess import Guess
from leads.pure.spelling.countries import LANGUAGES
from leads.pure.spelling.months import is_month
from leads.pure.spelling.texts import ascii_digits

DECIMAL_SIGNS: Mapping[str, str] = {".": "Decimal point: 1,234.50", ",": "Decimal comma: 1.234,50"}
# Symbols that stand for one currency; others ("$", "kr") say nothing by themselves.
_SYMBOLS: dict[str, str] = {
    **{symbol: code for code, symbol in Locale("en").currency_symbols.items() if not symbol.isascii()},
    "R$": "BRL", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "lei": "RON", "CHF": "CHF", "Fr.": "CHF", "SFr.": "CHF",
    "£": "GBP", "€": "EUR", "US$": "USD", "$US": "USD", "CA$": "CAD", "C$": "CAD", "$CA": "CAD", "A$": "AUD",
    "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "₺": "TRY", "₽": "RUB", "руб.": "RUB", "руб": "RUB",
    "р.": "RUB", "₴": "UAH", "грн": "UAH", "грн.": "UAH", "฿": "THB", "R": "ZAR", "RM": "MYR", "Rp": "IDR",
    "元": "CNY", "円": "JPY", "원": "KRW", "лв.": "BGN", "Euro": "EUR", "Euros": "EUR", "euro": "EUR", "euros": "EUR",
}  # fmt: skip
_SHARED = {
    "$": frozenset(["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "CLP", "COP", "ARS", "BRL"]),
    "kr": frozenset(["SEK", "NOK", "DKK", "ISK"]),
    "kr.": frozenset(["SEK", "NOK", "DKK", "ISK"]),
    "¥": frozenset(["JPY", "CNY"]),
    "￥": frozenset(["JPY", "CNY"]),
    "Rs": frozenset(["INR", "PKR", "LKR", "NPR", "MUR", "SCR"]),
    "Rs.": frozenset(["INR", "PKR", "LKR", "NPR", "MUR", "SCR"]),
}
_APART = r"' \u00a0\u202f\u2009’"
_BODY = re.compile(rf"\d[\d.,{_APART}]*|[.,]\d+", re.ASCII)
_GROUPS = re.compile(rf"[{_APART}]")
# Blanks and apostrophes part groups of three: "10 20" is two numbers, and not 1020.
_GROUPED = re.compile(rf"\d{{1,3}}(?:[{_APART}]\d{{3}})+", re.ASCII)
_SIZE = re.compile(
    r"(?:size:?\s*)?(?:(?P<under><=?|≤|under|less than|fewer than|up to|max\.?|bis(?: zu)?|jusqu'à|hasta)|>=?|≥|~|≈"
    r"|ca\.?|circa|more than|over|about|approx\.?|at least|ab|über|mehr als|plus de|más de|between|zwischen|from|von)?"
    r"\s*(?P<lower>\d[\d.,' \u00a0\u202f]*)(?P<thousands>k)?"
    r"\s*(?:\+|plus|or more|and more|and above|und mehr|et plus|o más"
    r"|(?:-|–|—|\.\.|to|bis|and|und|à|a)\s*\d[\d.,' \u00a0\u202f]*k?\+?)?"
    r"\s*(?:employees?|people|persons?|staff|mitarbeiter(?:innen)?|mitarbeitende|beschäftigte|employés|salariés|personnes"
    r"|empleados|dipendenti|medewerkers|funcionários)?",
    re.IGNORECASE,
)
# A webinar's attendance: hours, minutes and seconds, in signs or in words; a bare number counts minutes.
_CLOCK = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})")
_SPAN = re.compile(
    r"(?:(\d{1,2})\s*h(?:ours?|rs?|\.)?)?[\s,]*(?:(\d{1,4})\s*m(?:in(?:ute[ns]?|s|\.)?)?)?[\s,]*(?:(\d{1,5})\s*s(?:ec(?:onds?|s|\.)?)?)?"
)
_MINUTES = re.compile(r"\d{1,5}(?:[.,]\d{1,4})?")
# A range such as 2-10 or 11-50, as spreadsheets show it once they took it for a day or a month.
_RANGE_AS_DATE = re.compile(
    r"\d{1,2}[-. /]+([^\W\d_]{3,}\.?)|([^\W\d_]{3,}\.?)[-. /]+\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d{2}-\d{2}.*"
)
_ONE_PERSON = frozenset(["self-employed", "self employed", "myself only", "just me", "freelancer", "selbstständig"])
_COUNT = re.compile(r"\d+(?:[.,]0{1,2})?|\d{1,3}(?:[.,' \u00a0\u202f]\d{3})+", re.ASCII)
_SHORT = re.compile(r"\d{1,4}(?:[.,]\d)?", re.ASCII)
_NO_CENTS = re.compile(r"[.,]0{1,2}$")
# "1'200.-" and "1.200,--" have no cents, and no minus.
_NO_MINUS = re.compile(r"\s*[-\u2012\u2013\u2014\u2212]{1,2}|:-")
_NO_SIGN = str.maketrans("-\u2212+", "   ")
# As accountants write what is negative, with the currency within or without: "$(1,234.50)", "(5.00) EUR".
_BRACKETED = re.compile(r"([^()]*)\(([^()]*)\)([^()]*)")
# Lakhs and crores of India: "12,34,567".
_LAKHS = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}", re.ASCII)


class InvalidNumber(ValueError):
    """The text is not a number; the message says why."""


def guess_decimal(cells: Iterable[str]) -> Guess:
    """The decimal sign with which all these cells are numbers; "" where none of them needs one."""
    signs, telling, unclear = set(), "", ""
    for cell in cells:
        body = _GROUPS.sub("", _parts(cell)[1])
        sign = _told(body)
        if sign:
            signs.add(sign)
            telling = telling or cell
        elif "." in body or "," in body:
            unclear = unclear or cell
    if len(signs) == 1:
        return Guess(signs.pop(), example=telling)
    if signs or unclear:
        return Guess("", is_open=True, choices=tuple(DECIMAL_SIGNS), example=telling or unclear)
    return Guess("")


def plain_amount(text: str, decimal: str, currency: str = "") -> tuple[str, str]:
    """The amount as "-1234.50" and the currency that the text itself names ("" if it names none).

    ``currency`` is the one expected: it decides what "$" means. Raises InvalidNumber.
    """
    mark, body, is_negative = _parts(text)
    if not body:
        raise InvalidNumber(f"{text[:40]!r} is not an amount such as 1234.50.")
    named = _currency(mark, currency, text)
    return ("-" if is_negative else "") + _plain(body, decimal, text), named


def currency_code(text: str, expected: str = "") -> str:
    """The code of the currency that a cell names by its code, sign or name: "eur", "€", "EUR (€)", "US Dollar".

    ``expected`` decides what "$" means. Raises InvalidNumber for a sign of several currencies; what is none of these
    comes back in capitals.
    """
    mark = " ".join(text.replace("(", " ").replace(")", " ").split())
    if name := _currency_names().get(mark.casefold()):
        return name
    try:
        return _currency(mark, expected, text)
    except InvalidNumber:
        if mark in _SHARED:
            raise
        return text.upper()


@cache
def _currency_names() -> dict[str, str]:
    """Names of currencies in the languages whose names of countries we read, those of one currency alone."""
    found: dict[str, set[str]] = {}
    for language in LANGUAGES:
        for code, name in Locale.parse(language).currencies.items():
            found.setdefault(name.casefold(), set()).add(code)
    return {name: min(codes) for name, codes in found.items() if len(codes) == 1}


def whole_count(text: str) -> int:
    """A count of people: "1,200", "1.200", "51-200" and "10,001+" as their lower end. Raises InvalidNumber."""
    plain = ascii_digits(text.strip())
    if plain.casefold() in _ONE_PERSON:
        return 1
    match = _SIZE.fullmatch(plain)
    lower = match["lower"].strip() if match else ""
    is_short = match is not None and match["thousands"] is not None
    if match is None or not (_SHORT.fullmatch(lower) if is_short else _COUNT.fullmatch(lower)):
        if (dated := _RANGE_AS_DATE.fullmatch(plain)) and is_month(dated[1] or dated[2] or "may"):
            raise InvalidNumber(
                f"{text[:40]!r} was a range such as 2-10 before a spreadsheet took it for a date. Format the column as "
                "text and export it again."
            )
        raise InvalidNumber(f"{text[:40]!r} is not a whole number such as 1200, or a range such as 51-200.")
    if match["under"]:
        return 1
    if is_short:
        return int(Decimal(lower.replace(",", ".")) * 1000)
    return int(re.sub(r"\D", "", _NO_CENTS.sub("", lower), flags=re.ASCII))


def whole_minutes(text: str) -> int:
    """How long somebody was there, in whole minutes: "58", "58.5", "1:02:30", "1 h 2 min 30 s". Raises InvalidNumber.

    Less than a minute is one: whoever came was there.
    """
    plain = ascii_digits(text.strip()).casefold()
    if (match := _CLOCK.fullmatch(plain)) or ((match := _SPAN.fullmatch(plain)) and any(match.groups())):
        hours, minutes, seconds = (int(each or 0) for each in match.groups())
    elif _MINUTES.fullmatch(plain):
        hours, minutes, seconds = 0, 0, int(Decimal(plain.replace(",", ".")) * 60)
    else:
        raise InvalidNumber(f"{text[:40]!r} is no duration such as 58, 1:02:30 or 1 h 2 min.")
    total = hours * 3600 + minutes * 60 + seconds
    return max(total // 60, 1) if total else 0


def _parts(text: str) -> tuple[str, str, bool]:
    """What is no number (a currency), the digits with their signs, and whether a minus or brackets say "negative"."""
    text = ascii_digits(text.strip())
    is_negative = (match := _BRACKETED.fullmatch(text)) is not None
    text = " ".join(match.groups()).strip() if match else text
    match = _BODY.search(text)
    if match is None:
        return text, "", is_negative
    behind = text[match.end() :]
    if match[0].endswith((".", ",")) or behind.startswith(":-"):
        behind = _NO_MINUS.sub("", behind, count=1)
    around = f"{text[: match.start()]} {behind}"
    mark = " ".join(around.translate(_NO_SIGN).split())
    return mark, match[0].strip(), is_negative or "-" in around or "\u2212" in around


def _told(body: str) -> str:
    """The decimal sign that this number can only have; "" if it tells nothing."""
    dots, commas = body.count("."), body.count(",")
    if dots and commas:
        return "." if body.rindex(".") > body.rindex(",") else ","
    for sign, other, count in ((".", ",", dots), (",", ".", commas)):
        if count > 1:
            return other
        if count == 1:
            before, _, after = body.partition(sign)
            is_group = len(after) == 3 and 1 <= len(before) <= 3 and not before.startswith("0")
            return "" if is_group else sign
    return ""


def _plain(body: str, decimal: str, text: str) -> str:
    if _GROUPS.search(body):
        if not _GROUPED.fullmatch(body.partition(decimal)[0]):
            raise InvalidNumber(f"{text[:40]!r} is not one amount: its digits are not grouped by three.")
        if _GROUPS.search(body.partition(decimal)[2]):
            raise InvalidNumber(f"{text[:40]!r} is not one amount: there is more behind its decimals.")
        body = _GROUPS.sub("", body)
    group = "," if decimal == "." else "."
    whole, sign, rest = body.partition(decimal)
    groups = whole.split(group)
    is_grouped = len(groups) == 1 or (1 <= len(groups[0]) <= 3 and all(len(each) == 3 for each in groups[1:]))
    is_grouped = is_grouped or (group == "," and _LAKHS.fullmatch(whole) is not None)
    if not is_grouped or group in rest or decimal in rest or (sign and not rest and not whole):
        raise InvalidNumber(f"{text[:40]!r} is not an amount with a decimal {'point' if decimal == '.' else 'comma'}.")
    return f"{''.join(groups)}{'.' + rest if rest else ''}"


def _currency(mark: str, expected: str, text: str) -> str:
    if not mark:
        return ""
    if mark in _SHARED:
        if expected in _SHARED[mark]:
            return expected
        raise InvalidNumber(f"{text[:40]!r}: {mark} is the sign of several currencies. Name the currency of the file.")
    if mark in _SYMBOLS:
        return _SYMBOLS[mark]
    if len(mark) == 3 and mark.isascii() and mark.isalpha():
        return mark.upper()
    for symbol, code in (mark.split(), mark.split()[::-1]) if mark.count(" ") == 1 else ():
        if _SYMBOLS.get(symbol) == code.upper() or code.upper() in _SHARED.get(symbol, ()):
            return code.upper()
    raise InvalidNumber(f"{text[:40]!r} is not an amount such as 1234.50.")
