"""What a bulk action needs beside the rows, and views of lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leads.forms.lead import NEXT, DisqualifyForm, ReassignForm, RecycleForm, RejectForm, sellers
from leads.models import Campaign, Channel, DealStatus, FollowUp, ForecastCategory, PipelineStage, Role, User
from leads.pure.spelling.identity import InvalidCountry, normalize_country
from leads.pure.spelling.texts import clean_text

MOST_PEOPLE = 2_000_000_000


class NothingForm(forms.Form):
    """For what needs nothing more."""


class ScheduleForm(forms.Form):
    """A follow-up of many leads, at the opening of a business day."""

    kind = forms.ChoiceField(choices=FollowUp.Kind.choices, label="How")
    next_in = forms.ChoiceField(choices=NEXT[1:], label="When")


class PropertyForm(forms.Form):
    """A property and its value; an empty value clears it."""

    choices: tuple[tuple[str, str], ...] = ()
    field = forms.ChoiceField(label="Property")
    value = forms.CharField(max_length=200, required=False, label="Value", help_text="Empty clears the property.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["field"].choices = [("", "Choose a property"), *self.choices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        name, text = given.get("field", ""), clean_text(given.get("value", ""))
        if name:
            try:
                given["value"] = self._read(name, text)
            except (InvalidCountry, ValidationError, ValueError) as error:
                self.add_error("value", str(getattr(error, "message", error)))
        return given

    def _read(self, name: str, text: str) -> Any:
        if name == "country":
            return normalize_country(text) if text else ""
        if name == "company_size":
            if not text:
                return None
            if not text.isdecimal() or not 0 < int(text) <= MOST_PEOPLE:
                raise ValidationError("Give a whole number of people.")
            return int(text)
        longest = self.longest.get(name, 80)
        if len(text) > longest:
            raise ValidationError(f"At most {longest} characters.")
        return text

    longest: Mapping[str, int] = {"company": 200, "job_title": 160}


class LeadPropertyForm(PropertyForm):
    """Of leads."""

    choices = (
        ("country", "Country"),
        ("region", "Region"),
        ("industry", "Industry"),
        ("company", "Company"),
        ("company_size", "Company size"),
        ("job_title", "Job title"),
    )


class AccountPropertyForm(PropertyForm):
    """Of accounts."""

    choices = (
        ("industry", "Industry"),
        ("company_size", "Company size"),
        ("country", "Country"),
        ("region", "Region"),
    )


class CampaignForm(forms.Form):
    """A campaign that people are added to."""

    campaign = forms.ModelChoiceField(
        queryset=Campaign.objects.order_by("name", "pk"), empty_label="Choose a campaign", label="Campaign"
    )


class OwnerForm(forms.Form):
    """Who is to own the rows."""

    value = forms.ModelChoiceField(queryset=User.objects.none(), label="New owner", empty_label="Choose a person")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["value"].queryset = sellers()  # type: ignore[attr-defined]


class AccountOwnerForm(OwnerForm):
    """Who is to own the accounts."""

    field = forms.CharField(widget=forms.HiddenInput, initial="owner_id", required=False)

    def clean_field(self) -> str:
        return "owner_id"


class StageForm(forms.Form):
    """An open stage of deals; closing a deal needs a day and a reason of its own."""

    value = forms.ModelChoiceField(
        queryset=PipelineStage.objects.filter(status=DealStatus.OPEN).order_by("position", "pk"),
        label="Stage",
        empty_label="Choose a stage",
        help_text="A deal is closed on its own page, with the day and the reason.",
    )


class ForecastForm(forms.Form):
    """A forecast category."""

    value = forms.ChoiceField(choices=ForecastCategory.choices, label="Forecast category")


class DayForm(forms.Form):
    """A day."""

    value = forms.DateField(
        label="Day",
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text="Empty clears it.",
    )


class ChannelForm(forms.Form):
    """A channel."""

    value = forms.ModelChoiceField(
        queryset=Channel.objects.order_by("position", "pk"), label="Channel", empty_label="Choose a channel"
    )


class ProgramForm(forms.Form):
    """The campaign above; none makes each stand by itself."""

    value = forms.ModelChoiceField(
        queryset=Campaign.objects.filter(parent__isnull=True).order_by("name", "pk"),
        label="Program",
        required=False,
        empty_label="No program",
    )


FORMS: dict[str, type[forms.Form]] = {
    "assign": ReassignForm,
    "accept": NothingForm,
    "reject": RejectForm,
    "recycle": RecycleForm,
    "disqualify": DisqualifyForm,
    "follow_up": ScheduleForm,
    "set": LeadPropertyForm,
    "join": CampaignForm,
    "deal_owner": OwnerForm,
    "deal_stage": StageForm,
    "deal_forecast": ForecastForm,
    "deal_close": DayForm,
    "account_set": AccountPropertyForm,
    "account_owner": AccountOwnerForm,
    "campaign_channel": ChannelForm,
    "campaign_program": ProgramForm,
    "campaign_starts": DayForm,
    "campaign_ends": DayForm,
    "touch_join": CampaignForm,
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
