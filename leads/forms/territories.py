"""Territory rules, their activation, a lead to test, and the period of the fairness view."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leads.forms.fields import MomentField, country
from leads.models import RoutingVersion, Territory
from leads.pure.spelling.identity import InvalidEmail, normalize_email


class RuleForm(forms.Form):
    """Where leads go whose conditions hold; the conditions are a form of their own."""

    territory = forms.ModelChoiceField(
        queryset=Territory.objects.filter(is_catch_all=False).order_by("name"), empty_label="Choose a territory"
    )
    name = forms.CharField(max_length=120, required=False, label="Name (optional)")
    is_active = forms.BooleanField(required=False, initial=True, label="Rule is switched on")


class ActivateForm(forms.Form):
    """When a draft becomes active, why, and whether past leads move along."""

    note = forms.CharField(max_length=300, label="Reason", help_text="Kept with the version.")
    activates_at = MomentField(required=False, label="When", help_text="In the company's time zone. Empty: now.")
    moves_leads = forms.BooleanField(
        required=False,
        label="Also move open leads of the last 13 weeks",
        help_text="As the simulation says. Otherwise the rules decide about new leads only.",
    )


class RollBackForm(forms.Form):
    """Why an earlier version is put in force again."""

    note = forms.CharField(max_length=250, label="Reason")


class TestLeadForm(forms.Form):
    """An existing lead, or typed values of one."""

    version = forms.ModelChoiceField(
        queryset=RoutingVersion.objects.order_by("-number"), to_field_name="number", required=False, empty_label=None
    )
    email = forms.CharField(max_length=254, required=False, label="Email")
    company = forms.CharField(max_length=200, required=False)
    country = forms.CharField(max_length=60, required=False, help_text="Two letters, such as DE.")
    region = forms.CharField(max_length=80, required=False)
    postal_code = forms.CharField(max_length=20, required=False, label="Postal code")
    industry = forms.CharField(max_length=80, required=False)
    company_size = forms.IntegerField(min_value=0, max_value=2_000_000_000, required=False, label="Company size")
    job_title = forms.CharField(max_length=160, required=False, label="Job title")

    TYPED = ("email", "company", "country", "region", "postal_code", "industry", "company_size", "job_title")

    def clean_email(self) -> str | None:
        text = self.cleaned_data["email"].strip()
        if not text:
            return None
        try:
            return normalize_email(text)
        except InvalidEmail as error:
            raise ValidationError(str(error)) from error

    def clean_country(self) -> str:
        text = self.cleaned_data["country"].strip()
        try:
            return country(text) if text else ""
        except ValueError as error:
            raise ValidationError(str(error)) from error

    @property
    def values(self) -> dict[str, Any]:
        """What was typed."""
        return {name: self.cleaned_data[name] for name in self.TYPED}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed about a lead."""
        return not any(value not in (None, "") for value in self.values.values())


PERIODS = (("7", "Last 7 days"), ("30", "Last 30 days"), ("91", "Last 13 weeks"), ("365", "Last 12 months"))


DEFAULT_PERIOD = timedelta(days=91)


class FairnessForm(forms.Form):
    """Which territory, over which days."""

    territory = forms.ModelChoiceField(
        queryset=Territory.objects.order_by("is_catch_all", "name"), required=False, empty_label=None
    )
    days = forms.ChoiceField(choices=PERIODS, required=False, label="Period", initial="91")

    @property
    def period(self) -> timedelta:
        """How far back."""
        return timedelta(days=int(self.cleaned_data.get("days") or "91"))
