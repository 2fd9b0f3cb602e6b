"""What the words of other systems probably mean here: stages of deals and of people, yes and no."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from leads.pure.imports.fields import plain

_DONE = {
    "won": "won", "closed won": "won", "closedwon": "won", "success": "won", "gewonnen": "won", "gagné": "won",
    "ganado": "won", "vinto": "won", "ganho": "won", "lost": "lost", "closed lost": "lost", "closedlost": "lost",
    "verloren": "lost", "perdu": "lost", "perdido": "lost", "perso": "lost", "abandoned": "lost", "open": "open",
    "in progress": "open", "offen": "open",
}  # fmt: skip
# Words of other systems for the early, middle and late part of a pipeline.
_PARTS: Sequence[tuple[float, Sequence[str]]] = (
    (0.0, (
        "prospect", "qualif", "appointment", "new", "lead", "contact", "first", "neu", "erstkontakt", "nouveau",
        "nuevo",
    )),
    (0.34, (
        "discover", "engag", "needs", "analysis", "demo", "present", "bedarf", "präsent", "besoin", "présent",
        "descubr",
    )),
    (0.67, (
        "value", "evaluat", "decision maker", "propos", "quot", "offer", "angebot", "devis", "offre", "oferta",
        "presupuesto",
    )),
    (1.0, (
        "negot", "contract", "commit", "verbal", "review", "legal", "procure", "decision", "verhandl", "vertrag",
        "négo", "contrat", "negoc",
    )),
)  # fmt: skip
# Words within the name of a stage that tell how it ended: "Closed Won - Renewal", "Lost to competitor".
_WON_WORDS = frozenset(["won", "gewonnen", "gagné", "gagnée", "ganado", "ganada", "vinto", "ganho", "signed", "paid"])
_LOST_WORDS = frozenset([
    "lost", "verloren", "perdu", "perdue", "perdido", "perdida", "perso", "abandoned", "disqualified", "unqualified",
    "dead", "rejected", "cancelled", "canceled", "churned", "abgelehnt", "storniert", "abgesagt",
])  # fmt: skip
_LOST_PHRASES = ("not interested", "no decision", "no budget", "no response", "kein interesse", "closed not won")
_NOT = frozenset(["not", "no", "nicht", "never", "won't", "un"])
_PEOPLE = {
    "lead": "lead", "mql": "mql", "marketing qualified lead": "mql", "marketingqualifiedlead": "mql",
    "marketing qualified": "mql", "sal": "sal", "sales accepted lead": "sal", "sales accepted": "sal", "sql": "sql",
    "sales qualified lead": "sql", "salesqualifiedlead": "sql", "sales qualified": "sql",
}  # fmt: skip
# What is only a proposal: customers and opportunities come from deals.
_PERHAPS = {
    "new": "lead", "open": "lead", "raw": "lead", "inquiry": "lead", "subscriber": "lead", "accepted": "sal",
    "working": "sal", "in progress": "sal", "open working": "sal", "connected": "sal", "qualified": "sql",
    "opportunity": "sql", "customer": "sql",
}  # fmt: skip
_YES = frozenset(
    [
        "yes",
        "y",
        "true",
        "t",
        "1",
        "x",
        "✓",
        "ja",
        "j",
        "wahr",
        "oui",
        "o",
        "vrai",
        "sí",
        "si",
        "verdadero",
        "sim",
        "vero",
        "tak",
        "ano",
        "igen",
        "checked",
        "on",
        "✔",
        "☑",
        "✅",
        "1.0",
        "1,0",
        "sì",
        "да",
        "так",
        "はい",
        "是",
        "예",
    ]
)
_NO = frozenset(
    [
        "no",
        "n",
        "false",
        "f",
        "0",
        "nein",
        "falsch",
        "non",
        "faux",
        "falso",
        "não",
        "nao",
        "nie",
        "ne",
        "nem",
        "unchecked",
        "off",
        "✗",
        "✘",
        "❌",
        "☐",
        "0.0",
        "0,0",
        "нет",
        "ні",
        "いいえ",
        "否",
        "아니요",
    ]
)


# What a column of consents, of opt-outs and of attendance says in words of its own.
_GIVEN = frozenset([
    "opted in", "opt in", "subscribed", "granted", "given", "consented", "agreed", "accepted", "confirmed",
    "double opt in", "single opt in", "implied", "explicit", "eingewilligt", "zugestimmt", "erteilt", "angemeldet",
    "bestätigt", "accordé", "accepté", "inscrit", "aceptado", "suscrito",
])  # fmt: skip
_NOT_GIVEN = frozenset([
    "opted out", "opt out", "unsubscribed", "denied", "declined", "refused", "rejected", "revoked", "withdrawn",
    "not given", "not opted in", "never", "none given", "pending", "requested", "not requested", "unconfirmed",
    "not specified", "expired", "cleaned", "bounced", "non subscribed", "not subscribed", "nicht erteilt",
    "abgelehnt", "abgemeldet", "widerrufen", "verweigert", "ausstehend", "refusé", "retiré", "désabonné",
    "désinscrit", "rechazado", "cancelado",
])  # fmt: skip
_CAME = frozenset([
    "attended", "joined", "present", "participated", "came", "host", "panelist", "presenter", "organizer", "attendee",
    "live", "checked in", "teilgenommen", "anwesend", "dabei", "présent", "a participé", "asistió", "presente",
])  # fmt: skip
_DID_NOT_COME = frozenset([
    "absent", "no show", "registered", "registered only", "did not attend", "not attended", "not attending",
    "unattended", "missed", "cancelled", "canceled", "declined", "invited", "waitlisted", "pending", "approved",
    "on demand", "nicht teilgenommen", "nicht erschienen", "abwesend", "abgesagt", "angemeldet", "absente", "excusé",
    "inscrit", "n'a pas participé", "ausente", "no asistió",
])  # fmt: skip
# A sentence that refuses: "No, I do not want mail". One that grants tells how to withdraw, so that word says nothing.
_REFUSES = re.compile(
    r"(?:no|nein|non|not|never|i do not|i don't|do not|don't|opted out|unsubscribed|revoked|withdrawn|declined"
    r"|ich möchte keine|je ne|legitimate|berechtigtes interesse|performance of)\b"
    r"|.*\b(?:not|never|nicht) (?:\w+ )?(?:consent|agree|opt|subscribe|given|zugestimmt|eingewilligt)",
    re.IGNORECASE,
)
_WORDING = 2  # words that a text has at least with which a person agreed to something


@dataclass(frozen=True, slots=True)
class DealStage:
    """A stage deals can stand in: ``status`` is open, won or lost."""

    key: str
    name: str
    status: str


def guess_deal_stage(word: str, stages: Sequence[DealStage]) -> str:
    """The key of the stage that a word names, or probably means; "" where nothing tells."""
    text = plain(word)
    for stage in stages:
        if text in (plain(stage.key), plain(stage.name)):
            return stage.key
    if status := _DONE.get(text):
        return next((stage.key for stage in stages if stage.status == status), "")
    words = text.split()
    ended = "lost" if _LOST_WORDS.intersection(words) or any(each in text for each in _LOST_PHRASES) else ""
    if not ended and _WON_WORDS.intersection(words) and not _NOT.intersection(words):
        ended = "won"
    if ended:
        return next((stage.key for stage in stages if stage.status == ended), "")
    open_ones = [stage.key for stage in stages if stage.status == "open"]
    for place, stems in _PARTS if open_ones else ():
        if any(
            stem in words if stem == "new" else any(_begins(word, stem) for word in (text, *words)) for stem in stems
        ):
            return open_ones[round(place * (len(open_ones) - 1))]
    return ""


def _begins(word: str, stem: str) -> bool:
    return word.startswith(stem) or (" " in stem and stem in word)


def is_named(word: str, stages: Sequence[DealStage]) -> bool:
    """Whether the word is the name of one of the stages, or plainly won, lost or open."""
    text = plain(word)
    return text in _DONE or any(text in (plain(stage.key), plain(stage.name)) for stage in stages)


def named_lead_stage(word: str) -> str:
    """The lifecycle stage that a word names; "" where it names none."""
    return _PEOPLE.get(plain(word), "")


def guess_lead_stage(word: str) -> str:
    """The lifecycle stage that a word names or probably means; "" where nothing tells."""
    return named_lead_stage(word) or _PERHAPS.get(plain(word), "")


def is_consent(text: str) -> bool | None:
    """Whether a cell says that a person agreed: by a word, or by the words agreed to. None where it says neither."""
    answer = _answer(text, _GIVEN, _NOT_GIVEN)
    if answer is not None:
        return answer
    if _REFUSES.match(text.strip()):
        return False
    return True if len(text.split()) >= _WORDING or (not text.isascii() and len(text) > 12) else None


def has_opted_out(text: str) -> bool | None:
    """Whether a cell of a column of opt-outs says that a person wants no mail. None where it says neither."""
    return _answer(text, _NOT_GIVEN, _GIVEN)


def has_come(text: str) -> bool | None:
    """Whether a cell says that a person was there. None where it says neither."""
    return _answer(text, _CAME, _DID_NOT_COME)


def _answer(text: str, yes: Collection[str], no: Collection[str]) -> bool | None:
    """What a cell says by the words of its column, or else by those of every column."""
    word = plain(text)
    return True if word in yes else False if word in no else yes_or_no(text)


def yes_or_no(text: str) -> bool | None:
    """None where the text is neither."""
    word = text.strip().casefold()
    return True if word in _YES else False if word in _NO else None
