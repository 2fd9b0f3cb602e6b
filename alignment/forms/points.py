"""What people say about integration points: evidence, sign-offs, reasons, plans."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import URLValidator

from leads.forms.scope import DayInput
from leads.models import Role, User


class EvidenceForm(forms.Form):
    """A note and, where there is one, the address of a document."""

    note = forms.CharField(label="What it shows", max_length=2_000, widget=forms.Textarea({"rows": 2}), strip=True)
    url = forms.URLField(
        label="Document (https, optional)",
        max_length=500,
        required=False,
        assume_scheme="https",
        validators=[URLValidator(schemes=["https"])],
    )


class SignOffForm(forms.Form):
    """A sign-off of the words that were on the page."""

    note = forms.CharField(label="Note", max_length=300, required=False, strip=True)
    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)


class ReasonForm(forms.Form):
    """Why something is taken back or set aside."""

    reason = forms.CharField(label="Reason", max_length=300, strip=True)


class PlanForm(forms.Form):
    """Who looks after it, until when."""

    owner = forms.ModelChoiceField(User.objects.none(), required=False, empty_label="Nobody")
    due_on = forms.DateField(label="Due", required=False, widget=DayInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.active().exclude(role=Role.SALES_REP).order_by("name", "pk")
        self.fields["owner"].queryset = people  # type: ignore[attr-defined]
