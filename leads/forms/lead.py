"""What people do with a lead: add and edit it, reject it, log a contact, plan the next one, give it away."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from leads.forms.fields import MomentField
from leads.models import DETAILS, Activity, FollowUp, Lead, RejectionReason, Role, User
from leads.pure.spelling.identity import InvalidCountry, InvalidEmail, normalize_country, normalize_email
from leads.pure.spelling.phones import InvalidPhone, clean_phone
from leads.pure.spelling.texts import clean_text

DONE = [(value, label) for value, label in FollowUp.Outcome.choices if value != FollowUp.Outcome.NOT_NEEDED]
# Days until the next contact; business days are found from there.
NEXT = [("", "No follow-up"), ("1", "Next business day"), ("3", "In 3 days"), ("7", "In a week"), ("30", "In 30 days")]


class RejectForm(forms.Form):
    """Why sales sends an MQL back."""

    reason = forms.ChoiceField(choices=[("", "Choose a reason"), *RejectionReason.choices])
    note = forms.CharField(max_length=300, required=False, label="Note")


class DisqualifyForm(forms.Form):
    """Why a lead is out for good."""

    reason = forms.ChoiceField(choices=[("", "Choose a reason"), *RejectionReason.choices])
    note = forms.CharField(max_length=300, required=False, label="Note")


class RecycleForm(DisqualifyForm):
    """Why a lead is put off, and until when."""

    comes_back_on = forms.DateField(
        label="Comes back on",
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text="Empty: when they send another inquiry.",
    )


class CompleteFollowUpForm(forms.Form):
    """How a promised contact went."""

    outcome = forms.ChoiceField(choices=[("", "How did it go?"), *FollowUp.Outcome.choices])
    note = forms.CharField(max_length=1000, required=False, label="Note")


class PromiseForm(forms.Form):
    """The next contact a person promises; the time is the company's."""

    kind = forms.ChoiceField(choices=FollowUp.Kind.choices, label="How")
    due_at = MomentField(label="When")


class LogForm(forms.Form):
    """A contact or a note, and the next contact with it. An empty time is now."""

    kind = forms.ChoiceField(choices=Activity.Kind.choices, label="What")
    outcome = forms.ChoiceField(
        choices=[("", "Choose one"), *DONE], required=False, label="How did it go?", help_text="Not for notes."
    )
    occurred_at = MomentField(required=False, label="When", help_text="Empty: now.")
    note = forms.CharField(max_length=4000, required=False, label="Note", widget=forms.Textarea({"rows": 2}))
    next_kind = forms.ChoiceField(choices=FollowUp.Kind.choices, required=False, label="Next contact")
    next_in = forms.ChoiceField(choices=NEXT, required=False, label="Follow up")
    next_due_at = MomentField(required=False, label="Or exactly")


class ReassignForm(forms.Form):
    """To whom a lead is given, and why."""

    to = forms.ModelChoiceField(queryset=User.objects.none(), label="New owner", empty_label="Choose a person")
    reason = forms.CharField(max_length=200)

    def __init__(self, *args: Any, lead: Lead | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        people = sellers()
        if lead is not None and lead.owner_id is not None:
            people = people.exclude(pk=lead.owner_id)
        self.fields["to"].queryset = people  # type: ignore[attr-defined]


def sellers() -> QuerySet[User]:
    """Who can own leads: active here and in the CRM, with a role in sales."""
    people: QuerySet[User] = User.objects.filter(is_active=True, left_crm_at__isnull=True)
    return people.filter(role__in=(Role.SALES_REP, Role.SALES_LEADER)).order_by("name", "pk")


class LeadForm(forms.Form):
    """The fields of a lead that people may edit. ``seen`` tells whether somebody else saved it meanwhile."""

    email = forms.CharField(max_length=254, required=False)
    first_name = forms.CharField(max_length=120, required=False)
    last_name = forms.CharField(max_length=120, required=False)
    company = forms.CharField(max_length=200, required=False)
    job_title = forms.CharField(max_length=160, required=False)
    phone = forms.CharField(max_length=40, required=False)
    country = forms.CharField(max_length=60, required=False, help_text="A code such as DE, or its name.")
    region = forms.CharField(max_length=80, required=False)
    postal_code = forms.CharField(max_length=20, required=False)
    industry = forms.CharField(max_length=80, required=False)
    company_size = forms.IntegerField(min_value=1, max_value=2_000_000_000, required=False)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, lead: Lead | None = None, **options: Any) -> None:
        self.lead = lead
        if lead is not None:
            known = {name: getattr(lead, name) for name in ("email", *DETAILS)}
            options["initial"] = {**known, "seen": lead.changed_at.isoformat()}
        super().__init__(*args, **options)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        for name, value in given.items():
            if isinstance(value, str):
                given[name] = clean_text(value)
        if self.lead is not None and given.get("seen") != self.lead.changed_at.isoformat():
            raise ValidationError("Somebody changed this lead meanwhile. Reload the page to see it as it is now.")
        return given

    def clean_email(self) -> str:
        text = self.cleaned_data["email"].strip()
        try:
            return normalize_email(text) if text else ""
        except InvalidEmail as error:
            raise ValidationError(str(error)) from error

    def clean_country(self) -> str:
        text = self.cleaned_data["country"].strip()
        try:
            return normalize_country(text) if text else ""
        except InvalidCountry as error:
            raise ValidationError(str(error)) from error

    def clean_phone(self) -> str:
        try:
            return clean_phone(self.cleaned_data["phone"])
        except InvalidPhone as error:
            raise ValidationError(str(error)) from error

    @property
    def values(self) -> dict[str, Any]:
        """What was given, by column; for a known lead only what differs from what the page showed."""
        given = {name: value for name, value in self.cleaned_data.items() if name in ("email", *DETAILS)}
        if self.lead is None:
            return given
        return {name: value for name, value in given.items() if (getattr(self.lead, name) or "") != (value or "")}


class NewLeadForm(LeadForm):
    """A lead that somebody adds, and who is to own it. Reps own what they add."""

    owner = forms.ModelChoiceField(
        queryset=User.objects.none(), required=False, empty_label="By the territory rules", label="Owner"
    )

    def __init__(self, *args: Any, by: User, **options: Any) -> None:
        super().__init__(*args, **options)
        del self.fields["seen"]
        if by.role == Role.SALES_REP and not by.is_superuser:
            del self.fields["owner"]
        else:
            self.fields["owner"].queryset = sellers()  # type: ignore[attr-defined]
