"""Filters of the alignment pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import URLValidator

from leads.forms import ScopeForm
from leads.models import DealStatus, PipelineStage, Role, User


class PipelineForm(ScopeForm):
    """The scope, and which of the open deals to list."""

    owner = forms.ModelChoiceField(
        User.objects.none(), to_field_name="public_id", required=False, empty_label="Everybody"
    )
    stage = forms.ModelChoiceField(PipelineStage.objects.none(), to_field_name="key", required=False, empty_label="All")
    stalled = forms.BooleanField(required=False, label="Stalled only")

    def __init__(self, data: Any, *, user: User, **more: Any) -> None:
        super().__init__(data, only=("channel", "territory", "owner", "stage", "stalled"), **more)
        owners = User.objects.filter(opportunities__isnull=False).distinct().order_by("name", "pk")
        stages = PipelineStage.objects.filter(status=DealStatus.OPEN).order_by("position")
        self.fields["owner"].queryset = owners  # type: ignore[attr-defined]
        self.fields["stage"].queryset = stages  # type: ignore[attr-defined]
        if not user.sees_all:
            del self.fields["owner"]


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
    due_on = forms.DateField(label="Due", required=False, widget=forms.DateInput({"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.active().exclude(role=Role.SALES_REP).order_by("name", "pk")
        self.fields["owner"].queryset = people  # type: ignore[attr-defined]
