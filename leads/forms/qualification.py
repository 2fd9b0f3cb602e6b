"""The questions that qualify a lead: answering them, and editing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from leads.pure.qualification import KINDS, LONGEST, TEXT, Question, from_rows

# Empty rows for further questions.
SPARE = 3


class QualifyForm(forms.Form):
    """One field for each question of a version, and a note."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(max_length=1000, required=False, label="Note")

    def __init__(self, *args: Any, questions: Sequence[Question], version: int, **options: Any) -> None:
        options["initial"] = {"version": version}
        super().__init__(*args, **options)
        self.questions = questions
        for question in questions:
            self.fields[f"answer-{question.key}"] = _field(question)
        self.order_fields([*(f"answer-{question.key}" for question in questions), "note"])

    @property
    def answers(self) -> dict[str, str]:
        """What was answered, by key."""
        return {question.key: self.cleaned_data.get(f"answer-{question.key}", "") for question in self.questions}


def _field(question: Question) -> forms.Field:
    if question.offered:
        choices = [("", "Choose an answer"), *((text, text) for text in question.offered)]
        return forms.ChoiceField(choices=choices, required=question.is_required, label=question.label)
    return forms.CharField(
        max_length=LONGEST,
        required=question.is_required,
        label=question.label,
        widget=forms.Textarea({"rows": 2}),
    )


class QuestionForm(forms.Form):
    """One question as an admin writes it; without words the row is left out."""

    key = forms.CharField(required=False, widget=forms.HiddenInput)
    label = forms.CharField(max_length=200, required=False, label="Question")
    kind = forms.ChoiceField(choices=list(KINDS.items()), label="Answered by", initial=TEXT, required=False)
    choices = forms.CharField(max_length=500, required=False, label="Choices", help_text="Separated by commas.")
    is_required = forms.BooleanField(required=False, initial=True, label="Required")
    place = forms.IntegerField(min_value=0, max_value=99, required=False, label="Order")


QuestionFormSet = forms.formset_factory(QuestionForm, extra=SPARE)


class QuestionsForm(forms.Form):
    """What was changed, and which version the page showed."""

    seen = forms.IntegerField(widget=forms.HiddenInput)
    change = forms.CharField(max_length=300, required=False, label="What you changed, and why")


def shown(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The questions of a version as the form set takes them."""
    return [
        {
            "key": each.key,
            "label": each.label,
            "kind": each.kind,
            "choices": ", ".join(each.choices),
            "is_required": each.is_required,
            "place": place,
        }
        for place, each in enumerate(from_rows(rows), start=1)
    ]


def written(rows: Sequence[dict[str, Any]]) -> list[Question]:
    """The questions of cleaned rows, in their order; those without words are left out."""
    kept = [(row.get("place") or 99, number, row) for number, row in enumerate(rows) if row.get("label", "").strip()]
    return [
        Question(
            row.get("key", ""),
            row["label"],
            row.get("kind") or TEXT,
            tuple(row.get("choices", "").split(",")),
            bool(row.get("is_required")),
        )
        for _, _, row in sorted(kept, key=lambda each: each[:2])
    ]
