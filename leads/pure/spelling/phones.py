"""Telephone numbers: what may be kept as one, and one spelling for comparing (libphonenumber)."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

from leads.pure.spelling.texts import clean_text, is_placeholder

# "tel:" of links, "p:" of lead forms of Meta.
_SCHEME = re.compile(r"(?:tel|p|phone|callto):\s*", re.IGNORECASE)
# What programs that take a number for a float write: "49301234567.0".
_FLOAT = re.compile(r"(\+?\d{6,})\.0+", re.ASCII)
_SECOND = re.compile(r"\s*(?:[/;,|]|\bor\b|\boder\b)\s*(?=\+|00)")
_SHORTENED = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+")


class InvalidPhone(ValueError):
    """The text is not a telephone number; the message says why."""


def clean_phone(raw: str) -> str:
    """The number as it was written, without invisible signs; "" where it only says that there is none.

    Raises InvalidPhone for a number that a spreadsheet shortened (its last digits are gone) and for text without
    digits.
    """
    text = _SCHEME.sub("", clean_text(raw))
    if not text or is_placeholder(text) or not text.strip("0-/+() "):
        return ""
    if _SHORTENED.fullmatch(text):
        raise InvalidPhone(
            f"{text[:40]!r} is a number that a spreadsheet shortened: its last digits are lost. Format the column as "
            "text and export it again."
        )
    if match := _FLOAT.fullmatch(text):
        return match[1]
    if not any(sign.isdecimal() for sign in text):
        raise InvalidPhone(f"{text[:40]!r} has no digits.")
    return text


def normalize_phone(raw: str, country: str = "") -> str:
    """E.164 where the country is known, else bare digits, for comparing; "" if there are none. Never raises."""
    text = "".join(str(unicodedata.digit(sign)) if sign.isdecimal() else sign for sign in raw.strip())
    text = _SECOND.split(text)[0] or text  # of two numbers in one field the first
    digits = "".join(sign for sign in text if sign.isdecimal())
    if not digits:
        return ""
    if digits.startswith("00") and len(digits) > 4 and not text.lstrip("( ").startswith("+"):
        text = f"+{text.lstrip('( ').removeprefix('00')}"
    if text.lstrip("( ").startswith("+"):
        text = text.replace("(0)", "")
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is not None and phonenumbers.is_possible_number(number):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"+{digits}" if text.lstrip("( ").startswith("+") else digits
