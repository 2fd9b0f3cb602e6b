"""What the words of other systems probably mean here: stages of deals and of people, yes and no."""

from __future__ import annotations

from collections.abc import Sequence
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
        "opted-in",
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
        "opted-out",
    ]
)


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
    open_ones = [stage.key for stage in stages if stage.status == "open"]
    for place, stems in _PARTS if open_ones else ():
        if any(stem in text for stem in stems):
            return open_ones[round(place * (len(open_ones) - 1))]
    return ""


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


def yes_or_no(text: str) -> bool | None:
    """None where the text is neither."""
    word = text.strip().casefold()
    return True if word in _YES else False if word in _NO else None
