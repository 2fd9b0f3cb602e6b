"""Questions get keys that stay; answers are checked against them."""

from __future__ import annotations

import pytest

from leads.pure.qualification import (
    BANT,
    CHOICE,
    YES_NO,
    AnswersRefused,
    Question,
    QuestionsRefused,
    checked,
    checked_answers,
    from_rows,
    to_rows,
)

BUDGET = Question("budget", "Budget?", CHOICE, ("Yes", "No"))
WHEN = Question("when", "When?", is_required=False)


def test_a_set_survives_being_kept() -> None:
    assert from_rows(to_rows(BANT)) == BANT
    assert checked(BANT) == BANT


def test_new_questions_get_a_key_of_their_words() -> None:
    made = checked([Question("", " Is there  a budget? "), Question("", "Is there a budget?", YES_NO, ("x",))])
    assert [(each.key, each.label, each.choices) for each in made] == [
        ("is_there_a_budget", "Is there a budget?", ()),
        ("is_there_a_budget_2", "Is there a budget?", ()),
    ]


@pytest.mark.parametrize(
    ("questions", "field", "why"),
    [
        ([], "", "between 1 and 20"),
        ([WHEN, Question("", " ")], "1", "Write the question"),
        ([Question("", "x", "slider")], "0", "how it is answered"),
        ([Question("", "x", CHOICE, ("a", " a "))], "0", "at least two"),
        ([WHEN, WHEN], "", "same key"),
    ],
)
def test_what_cannot_be_asked_is_named(questions: list[Question], field: str, why: str) -> None:
    with pytest.raises(QuestionsRefused, match=why) as refusal:
        checked(questions)
    assert refusal.value.field == field


def test_answers_keep_what_was_asked() -> None:
    assert checked_answers([BUDGET, WHEN], {"budget": " Yes ", "when": ""}) == [
        {"key": "budget", "label": "Budget?", "answer": "Yes"}
    ]


@pytest.mark.parametrize(
    ("given", "field"), [({}, "budget"), ({"budget": "Maybe"}, "budget"), ({"budget": "No", "more": "x"}, "more")]
)
def test_missing_and_unknown_answers_are_named(given: dict[str, str], field: str) -> None:
    with pytest.raises(AnswersRefused) as refusal:
        checked_answers([BUDGET, WHEN], given)
    assert refusal.value.field == field
