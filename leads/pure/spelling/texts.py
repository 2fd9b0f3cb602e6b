"""Texts as people meant them: without invisible signs, and what stands for "nothing" in files and forms."""

from __future__ import annotations

import unicodedata

# Spellings, not words: "Null" and "Nan" are names of people.
_PLACEHOLDERS = frozenset(
    [
        "-",
        "--",
        "---",
        "–",
        "—",
        "_",
        ".",
        "?",
        "/",
        "*",
        "N/A",
        "n/a",
        "N.A.",
        "n.a.",
        "#N/A",
        "#NA",
        "N/D",
        "n/d",
        "k.A.",
        "NULL",
        "null",
        "(null)",
        "[null]",
        "<null>",
        "\\N",
        "nil",
        "NIL",
        "none",
        "NONE",
        "None",
        "(none)",
        "(blank)",
        "(empty)",
        "(leer)",
        "undefined",
        "NaN",
        "nan",
        "#NULL!",
        "#REF!",
        "#VALUE!",
        "#NAME?",
    ]
) | {"k. A."}
_SIGNS = str.maketrans("\u066c\u066b\uff0c\uff0e\uff0f\uff1a\uff0d", ",.,./:-")
# Needed by scripts and emoji: they join letters and never turn the direction of a text.
_JOINERS = "\u200c\u200d"


def clean_text(raw: str) -> str:
    """NFC, one line, without signs that cannot be seen or that turn the direction of what follows."""
    if raw.isascii() and raw.isprintable():
        return " ".join(raw.split())  # most texts: nothing in them is composed or cannot be seen
    signs = []
    for sign in unicodedata.normalize("NFC", raw):
        category = unicodedata.category(sign)
        if sign.isspace():
            signs.append(" ")
        elif category not in ("Cc", "Cf", "Cs", "Co", "Cn") or sign in _JOINERS:
            signs.append(sign)
    return " ".join("".join(signs).split())


def ascii_digits(text: str) -> str:
    """Digits of any script, and the signs that go with them, as those of English."""
    if text.isascii():
        return text
    digits = (str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)
    return "".join(digits).translate(_SIGNS)


def is_placeholder(text: str) -> bool:
    """Whether the text only says that there is nothing: N/A, a dash, NULL."""
    return text.strip() in _PLACEHOLDERS
