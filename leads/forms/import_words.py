"""Value maps of an import: the words of a column, and what each means here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from typing import Any

from django import forms

from leads.models import Channel, ImportKind, ImportRun, User
from leads.pure.imports.fields import CHANNEL_WORDS, WORD, fields_holding, plain, value_map
from leads.pure.imports.rows import LEAD_STAGES
from leads.pure.imports.table import Table
from leads.pure.imports.words import guess_deal_stage, guess_lead_stage
from leads.pure.lifecycle import LABELS
from leads.pure.spelling.texts import is_placeholder
from leads.queries.imports import deal_stages, users_named

MOST_WORDS = 200
_FOLDED_FROM = 12
_SETTINGS = {"channel": "channels", "stage": "stages", "owner": "owners"}
WORD_FIELDS = tuple(_SETTINGS)
_TITLES = {
    "channel": ("Channels", "The file's own word stays with each lead, whatever channel it counts for."),
    "stage": ("Stages", "What each stage of the file is called here."),
    "owner": ("Owners", "Names and addresses found here are filled in. The file's own word is kept either way."),
}


@dataclass(frozen=True, slots=True)
class WordMap:
    """The words of the column that feeds ``field``, most frequent first, and what is proposed for each.

    Of very many, ``words`` are those of one page, and ``others`` the meanings settled for the rest. ``is_asked`` says
    that a word without a meaning has to get one before the file is tried.
    """

    field: str
    column: str
    words: Sequence[str]
    proposed: Mapping[str, str]
    choices: Sequence[tuple[str, str]]
    is_asked: bool
    page: int = 0
    total: int = 0
    kept: Mapping[str, str] = member(default_factory=dict)

    @property
    def others(self) -> bool:
        """Whether there are words beside those of this page."""
        return self.total > len(self.words)

    @property
    def first(self) -> int:
        """Which of all words the page begins with, from 1."""
        return self.page * MOST_WORDS + 1

    @property
    def last(self) -> int:
        """Which of all words it ends with."""
        return self.page * MOST_WORDS + len(self.words)

    @property
    def page_before(self) -> int:
        return self.page - 1

    @property
    def page_after(self) -> int:
        return self.page + 1

    @property
    def has_before(self) -> bool:
        return self.page > 0

    @property
    def has_after(self) -> bool:
        return self.last < self.total

    @property
    def setting(self) -> str:
        """Under which setting the map is kept."""
        return _SETTINGS[self.field]

    @property
    def title(self) -> str:
        return _TITLES[self.field][0]

    @property
    def note(self) -> str:
        return _TITLES[self.field][1]

    @property
    def found(self) -> int:
        """How many of the words have a meaning proposed."""
        return sum(bool(self.proposed.get(word)) for word in self.words)

    @property
    def is_long(self) -> bool:
        """Whether the words fill more than a screen and none of them has to be answered."""
        return not self.is_asked and len(self.words) > _FOLDED_FROM

    def names(self) -> list[str]:
        """The names of the form's fields, one a word."""
        return [f"{self.field}_word_{index}" for index in range(len(self.words))]

    def form_fields(self) -> dict[str, forms.Field]:
        """A select for each word."""
        empty = [("", "— choose —" if self.is_asked else "— nobody —")] if self.field != "channel" else []
        return {
            name: forms.ChoiceField(
                choices=[*empty, *self.choices],
                label=word or "(empty)",
                required=self.is_asked,
                initial=self.proposed.get(word, ""),
                error_messages={"required": f"Choose what “{word}” means."},
            )
            for name, word in zip(self.names(), self.words, strict=True)
        }

    def chosen(self, cleaned: Mapping[str, Any]) -> dict[str, str]:
        """What was chosen for each word, and before for those of other pages."""
        return dict(self.kept) | {
            word: cleaned.get(name) or "" for name, word in zip(self.names(), self.words, strict=True)
        }


def word_maps(run: ImportRun, table: Table, pages: Mapping[str, int] | None = None) -> list[WordMap]:
    """The value maps of the columns that are mapped now, each at a page of its words; reads the file once."""
    fields = [name for name in fields_holding(run.kind, WORD) if run.columns.get(name) in table.header]
    counts = table.columns({run.columns[name] for name in fields})
    maps = []
    for name in fields:
        words = [word for word, _ in counts[run.columns[name]].most_common()]
        if name != "channel":
            words = [word for word in words if word and not is_placeholder(word)]
        last = max(0, (len(words) - 1) // MOST_WORDS)
        page = min(max(0, (pages or {}).get(name, 0)), last)
        maps.append(_word_map(run, name, words, page))
    return maps


def _word_map(run: ImportRun, field: str, every: Sequence[str], page: int) -> WordMap:
    settled: Mapping[str, str] = run.defaults.get(_SETTINGS[field], {})
    saved = value_map(settled)
    words = every[page * MOST_WORDS : (page + 1) * MOST_WORDS]
    beside = set(every) - set(words)
    choices: Sequence[tuple[str, str]]
    proposed: dict[str, str]
    if field == "channel":
        choices = list(Channel.objects.order_by("position", "pk").values_list("key", "name"))
        proposed = {word: CHANNEL_WORDS.get(plain(word), "other") for word in words}
    elif field == "owner":
        users = list(User.objects.order_by("name", "email"))
        choices = [(user.email, f"{user}{'' if user.is_active else ' (left)'}") for user in users]
        proposed = {word: user.email for word, user in users_named(words).items()}
    elif run.kind == ImportKind.LEADS:
        choices = [(stage, LABELS[stage]) for stage in LEAD_STAGES]
        proposed = {word: guess_lead_stage(word) for word in words}
    else:
        stages = deal_stages()
        choices = [(stage.key, stage.name) for stage in stages]
        proposed = {word: guess_deal_stage(word, stages) for word in words}
    known = {key for key, _ in choices}
    for word in words:
        choice = saved.get(plain(word))
        if choice in known or (choice == "" and field == "owner"):
            proposed[word] = choice
    kept = {word: key for word, key in settled.items() if word in beside}
    return WordMap(field, run.columns[field], words, proposed, choices, field == "stage", page, len(every), kept)
