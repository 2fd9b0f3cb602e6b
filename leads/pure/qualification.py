"""The questions that sales answers before a lead becomes an SQL, and what counts as an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leads.pure.refused import FieldRefused

TEXT, YES_NO, CHOICE = "text", "yes_no", "choice"
KINDS = {TEXT: "Text", YES_NO: "Yes or no", CHOICE: "One of several"}
MOST_QUESTIONS, LONGEST = 20, 2_000


class AnswersRefused(FieldRefused):
    """An answer is missing or none of the choices; ``field`` is the key of its question."""


class QuestionsRefused(FieldRefused):
    """The questions cannot be asked so; ``field`` is the place of the one at fault, from 0, "" for all."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question; ``choices`` are those of the kind CHOICE."""

    key: str
    label: str
    kind: str = TEXT
    choices: tuple[str, ...] = ()
    is_required: bool = True

    @property
    def offered(self) -> tuple[str, ...]:
        """The answers to choose from; none where any text is one."""
        return ("Yes", "No") if self.kind == YES_NO else self.choices


# Budget, authority, need, timing: a set to start from.
BANT = (
    Question("budget", "Is there a budget?", CHOICE, ("Approved", "Planned", "Not yet", "None")),
    Question("authority", "Who decides?", CHOICE, ("This person", "This person with others", "Somebody else")),
    Question("need", "Which problem do they want to solve?"),
    Question("timing", "When do they want to start?", CHOICE, ("This quarter", "Next quarter", "Later", "Open")),
    Question("competition", "What else do they look at?", is_required=False),
)


def to_rows(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """As a version keeps them."""
    return [
        {
            "key": each.key,
            "label": each.label,
            "kind": each.kind,
            "choices": list(each.choices),
            "is_required": each.is_required,
        }
        for each in questions
    ]


def from_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[Question, ...]:
    """As a version kept them."""
    return tuple(
        Question(row["key"], row["label"], row["kind"], tuple(row["choices"]), row["is_required"]) for row in rows
    )


def checked(questions: Sequence[Question]) -> tuple[Question, ...]:
    """The questions with a key each: the one it had, else one made of its words. Raises QuestionsRefused."""
    if not 1 <= len(questions) <= MOST_QUESTIONS:
        raise QuestionsRefused("", f"Ask between 1 and {MOST_QUESTIONS} questions.")
    keys = {each.key for each in questions if each.key}
    made: list[Question] = []
    for place, each in enumerate(questions):
        label = " ".join(each.label.split())
        if not label:
            raise QuestionsRefused(str(place), "Write the question.")
        if each.kind not in KINDS:
            raise QuestionsRefused(str(place), "Choose how it is answered.")
        choices = tuple(dict.fromkeys(text for choice in each.choices if (text := " ".join(choice.split()))))
        if each.kind == CHOICE and len(choices) < 2:
            raise QuestionsRefused(str(place), "Give at least two choices.")
        key = each.key or _new_key(label, keys)
        keys.add(key)
        made.append(Question(key, label, each.kind, choices if each.kind == CHOICE else (), each.is_required))
    if len({each.key for each in made}) < len(made):
        raise QuestionsRefused("", "Two questions have the same key.")
    return tuple(made)


def checked_answers(questions: Sequence[Question], given: Mapping[str, str]) -> list[dict[str, str]]:
    """The answers in the order of the questions, each with what was asked; left out are those not given.

    Raises AnswersRefused.
    """
    answers = []
    for question in questions:
        text = str(given.get(question.key) or "").strip()
        if not text:
            if question.is_required:
                raise AnswersRefused(question.key, "Answer this question.")
            continue
        if question.offered and text not in question.offered:
            raise AnswersRefused(question.key, f"Choose one of: {', '.join(question.offered)}.")
        if len(text) > LONGEST:
            raise AnswersRefused(question.key, f"Use at most {LONGEST:,} characters.")
        answers.append({"key": question.key, "label": question.label, "answer": text})
    if unknown := given.keys() - {question.key for question in questions}:
        raise AnswersRefused(sorted(unknown)[0], "This is not asked.")
    return answers


def _new_key(label: str, taken: set[str]) -> str:
    stem = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:30] or "question"
    key, number = stem, 2
    while key in taken:
        key, number = f"{stem}_{number}", number + 1
    return key
