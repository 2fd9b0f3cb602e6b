"""What a bulk action needs beside the leads, and views of lists."""

from __future__ import annotations

from typing import Any

from django import forms

from leads.forms.lead import NEXT, DisqualifyForm, ReassignForm, RecycleForm, RejectForm
from leads.models import FollowUp, Role, User


class NothingForm(forms.Form):
    """For what needs nothing more."""


class ScheduleForm(forms.Form):
    """A follow-up of many leads, at the opening of a business day."""

    kind = forms.ChoiceField(choices=FollowUp.Kind.choices, label="How")
    next_in = forms.ChoiceField(choices=NEXT[1:], label="When")


FORMS: dict[str, type[forms.Form]] = {
    "assign": ReassignForm,
    "accept": NothingForm,
    "reject": RejectForm,
    "recycle": RecycleForm,
    "disqualify": DisqualifyForm,
    "follow_up": ScheduleForm,
}


class SaveViewForm(forms.Form):
    """The name of a view, and who sees it."""

    name = forms.CharField(max_length=80)
    shared_with = forms.ChoiceField(choices=[("", "Only me"), *Role.choices], required=False, label="Visible to")
    is_default = forms.BooleanField(required=False, label="Show it first")
    query = forms.CharField(max_length=2000, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, by: User, **options: Any) -> None:
        super().__init__(*args, **options)
        if by.role == Role.SALES_REP and not by.is_superuser:
            del self.fields["shared_with"]
