"""What people do with a lead: reject it, keep a promise, make the next one."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from leads.models import Company, FollowUp, RejectionReason


class RejectForm(forms.Form):
    """Why sales sends an MQL back."""

    reason = forms.ChoiceField(choices=[("", "Choose a reason"), *RejectionReason.choices])
    note = forms.CharField(max_length=300, required=False, label="Note")


class CompleteFollowUpForm(forms.Form):
    """How a promised contact went."""

    outcome = forms.ChoiceField(choices=[("", "How did it go?"), *FollowUp.Outcome.choices])
    note = forms.CharField(max_length=1000, required=False, label="Note")


class PromiseForm(forms.Form):
    """The next contact a person promises; the time is the company's."""

    kind = forms.ChoiceField(choices=FollowUp.Kind.choices, label="How")
    due_at = forms.CharField(
        label="When",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean_due_at(self) -> datetime:
        moment = parse_datetime(self.cleaned_data["due_at"])
        if moment is None:
            raise ValidationError("Give a date and a time.")
        return moment if moment.tzinfo else moment.replace(tzinfo=Company.current().tz)
