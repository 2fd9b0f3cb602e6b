"""How the letters of a file are written: a proposal, and examples by which a person can tell."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from charset_normalizer import from_bytes

from leads.pure.imports.twice import TWICE
from leads.pure.table_file import UnreadableFile

# Python's codecs, likely ones first: of two that explain a file equally well, the earlier is proposed.
ENCODINGS: Mapping[str, str] = {
    "utf-8-sig": "UTF-8",
    TWICE: "UTF-8, stored twice",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16, little-endian without a mark",
    "utf-16-be": "UTF-16, big-endian without a mark",
    "cp1252": "Western European (Windows-1252)",
    "mac_roman": "Western European (Mac)",
    "cp1250": "Central European (Windows-1250)",
    "iso8859_15": "Western European (ISO 8859-15)",
    "iso8859_2": "Central European (ISO 8859-2)",
    "cp850": "Western European (DOS)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1257": "Baltic (Windows-1257)",
    "shift_jis": "Japanese (Shift JIS)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "euc_kr": "Korean (EUC-KR)",
}
WIDE = ("utf-16", "utf-16-le", "utf-16-be")
# What reports are exported as under the name of a spreadsheet.
_DOCUMENTS = (b"%pdf", b"<html", b"<!doctype", b"<?xml", b"<table", b"{\\rtf")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# Letters beyond a to z of languages that share the Latin script: a word in one language uses those of one row.
_ALPHABETS = tuple(
    frozenset(letters)
    for letters in [
        "äöüß",
        "àâæçéèêëîïôœùûüÿ",
        "áéíñóúü",
        "áâãàçéêíóôõúü",
        "àèéìíîòóù",
        "åäöé",
        "æøåé",
        "ąćęłńóśźż",
        "áčďéěíňóřšťúůýž",
        "áäčďéíĺľňóôŕšťúýž",
        "áéíóöőúüű",
        "ăâîșşțţ",
        "čćđšž",
        "çğıöşü",
        "ąčęėįšųūž",
        "āčēģīķļņšūž",
        "äõöüšž",
        "áðéíóúýþæö",
        "éèëïóöü",
    ]
)
_CYRILLIC_VOWELS = frozenset("аеёиоуыэюяіїєъ")
_SIGNS = frozenset("€£–—‘’“”„»«…×\u00a0")
_SAMPLE_LINES = 400
_MOST_CHAOS = 0.2


@dataclass(frozen=True, slots=True)
class EncodingGuess:
    """The codec proposed, and pieces of the file as each codec that can read it shows them.

    ``is_certain`` says that no other reading makes as much sense; without such pieces the file is plain ASCII.
    """

    encoding: str
    is_certain: bool
    examples: Mapping[str, Sequence[str]]


def guess_encoding(content: bytes) -> EncodingGuess:
    """How to read the bytes. Raises UnreadableFile for what is no text."""
    for mark, name in _BOMS:
        if content.startswith(mark):
            if not can_decode(content, name):
                raise UnreadableFile("The file is not text. Save it as CSV (UTF-8) and upload it again.")
            return EncodingGuess(name, True, {})
    if content[:1024].lstrip().lower().startswith(_DOCUMENTS):
        raise UnreadableFile(
            "The file is a web page or a document, whatever its name says. Open it in a spreadsheet program and save "
            "it as CSV (UTF-8)."
        )
    if wide := _without_mark(content):
        return EncodingGuess(wide, True, {})
    if b"\0" in content[:65536]:
        raise UnreadableFile("The file is not text but perhaps a spreadsheet. Save it as CSV (UTF-8).")
    if can_decode(content, "utf-8"):
        if twice := _encoded_twice(content):
            return EncodingGuess(
                TWICE, True, {TWICE: examples(twice, TWICE), "utf-8-sig": examples(twice, "utf-8-sig")}
            )
        return EncodingGuess("utf-8-sig", True, {})
    lines = _telling_lines(content)
    _refuse_broken_utf8(content)
    found = {each for match in from_bytes(lines, cp_isolation=_single_names()) for each in _codecs(match)}
    ranked = sorted(
        (name for name in ENCODINGS if name in found), key=lambda name: (-_sense(lines.decode(name)), _place(name))
    )
    if not ranked:
        ranked = [name for name in ("cp1252", "mac_roman") if can_decode(content, name)]
    usable = [name for name in ranked if can_decode(content, name)]
    if not usable:
        raise UnreadableFile("The file is not text. Save it as CSV (UTF-8) and upload it again.")
    best = usable[0]
    texts = {lines.decode(name): _sense(lines.decode(name)) for name in usable}
    rivals = [text for text, sense in texts.items() if sense == texts[lines.decode(best)]]
    return EncodingGuess(best, len(rivals) == 1, {name: examples(lines, name) for name in usable[:6]})


def _encoded_twice(content: bytes) -> bytes:
    """The telling lines of a file that was UTF-8, read as Windows-1252, and written as UTF-8 again, as in "MÃ¼ller";
    nothing of all others. Each letter beyond ASCII must be one of those pairs."""
    lines = _telling_lines(content)
    is_plain = lines.decode("utf-8").replace("\ufeff", "").isascii()
    return b"" if is_plain or not can_decode(lines, TWICE) else lines


def _refuse_broken_utf8(content: bytes) -> None:
    """Raises UnreadableFile for a file that is UTF-8 but for a few bytes: any other reading would spoil its letters."""
    told = [(number, line) for number, line in enumerate(content.split(b"\n"), start=1) if not line.isascii()]
    broken = [number for number, line in told if not can_decode(line, "utf-8")]
    if len(told) >= len(broken) * 2:
        raise UnreadableFile(
            f"Line {broken[0]} has bytes that are not UTF-8, while the rest of the file is. Correct the line, or save "
            "the file as CSV (UTF-8) again."
        )


def _without_mark(content: bytes) -> str:
    """The codec of UTF-16 that does not say so itself: every other byte of most texts is 0 then; "" for all else."""
    head = content[:4096]
    for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        is_wide = len(head) > 8 and zeros.count(0) > 0.8 * len(zeros) and head.count(0) == zeros.count(0)
        if is_wide and can_decode(content, name):
            return name
    return ""


def examples(content: bytes, encoding: str, most: int = 4) -> list[str]:
    """Words with letters beyond ASCII, as the codec shows them."""
    words = [
        word.strip("\"',;|")
        for line in _telling_lines(content).decode(encoding, errors="replace").splitlines()
        for cell in line.replace(";", ",").replace("\t", ",").split(",")
        for word in [cell.strip()]
        if not word.isascii()
    ]
    return list(dict.fromkeys(words))[:most]


def can_decode(content: bytes, encoding: str) -> bool:
    """Whether the codec reads all of it."""
    try:
        content.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _telling_lines(content: bytes) -> bytes:
    """The first lines that have bytes beyond ASCII: the only ones by which encodings differ."""
    lines: list[bytes] = []
    for line in content.splitlines():
        if not line.isascii():
            lines.append(line)
            if len(lines) >= _SAMPLE_LINES:
                break
    return b"\n".join(lines)


def _single_names() -> list[str]:
    return [name for name in ENCODINGS if name not in ("utf-8-sig", TWICE, *WIDE)]


def _codecs(match: object) -> Collection[str]:
    if getattr(match, "chaos", 1.0) > _MOST_CHAOS:
        return []
    names: Collection[str] = getattr(match, "could_be_from_charset", [])
    return names


def _place(name: str) -> int:
    return list(ENCODINGS).index(name)


def _sense(text: str) -> float:
    """The share of what is beyond ASCII that a language could have, to the hundredth."""
    words = [word for word in "".join(sign if sign.isalpha() else " " for sign in text).split() if not word.isascii()]
    signs = [
        sign in _SIGNS and not (sign in "€£" and after.isalpha())
        for sign, after in zip(text, f"{text[1:]} ", strict=True)
        if not sign.isascii() and not sign.isalpha()
    ]
    good = sum(map(_makes_sense, words)) + sum(signs)
    return round(good / (len(words) + len(signs)), 2) if words or signs else 0.0


def _makes_sense(word: str) -> bool:
    if any(sign.isupper() and not sign.isascii() for sign in word[1:]) and not word.isupper():
        return False
    if len(word) == 1 and word.isupper():
        return False
    special = {sign for sign in word.lower() if not sign.isascii()}
    scripts = {unicodedata.name(sign, "?").split()[0] for sign in word}
    if scripts == {"LATIN"}:
        return any(special <= alphabet for alphabet in _ALPHABETS)
    if scripts == {"CYRILLIC"}:
        return len(word) < 3 or not _CYRILLIC_VOWELS.isdisjoint(special)
    if scripts == {"HALFWIDTH"}:
        return False  # what bytes of Chinese look like in Shift JIS
    if scripts == {"GREEK"}:
        return "ς" not in word[:-1]
    return scripts <= {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK"} or len(scripts) == 1
