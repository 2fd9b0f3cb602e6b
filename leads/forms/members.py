"""What counts as a response to a campaign."""

from __future__ import annotations

from django import forms

from leads.models import TouchKind


class ResponseForm(forms.Form):
    """Kinds of touchpoint."""

    kinds = forms.MultipleChoiceField(
        choices=TouchKind.choices, label="Counts as a response", widget=forms.CheckboxSelectMultiple
    )
