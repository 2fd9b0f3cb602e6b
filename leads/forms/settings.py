"""Company settings as an admin edits them in the portal."""

from __future__ import annotations

from calendar import day_name, month_name
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError

from leads.figures.offers import offered
from leads.forms.calendar import clean_holidays, holiday_countries
from leads.forms.fields import ListField, currency, domain
from leads.models import CampaignCost, Company, ExchangeRate, Opportunity


def company_currency(text: str) -> str:
    """The code of a currency that the company can count in; raises ValidationError."""
    code, before = currency(text), Company.current().currency
    if code != before and ExchangeRate.objects.exists():
        raise ValidationError(f"The exchange rates on file are into {before}. Delete them first.")
    return code


class CompanyForm(forms.ModelForm[Company]):
    """The one row of settings. The currency is fixed once money is recorded in it."""

    time_zone = forms.ChoiceField(
        choices=lambda: [(name, name) for name in sorted(available_timezones())],
        help_text="Days and weeks begin at midnight there.",
    )
    fiscal_year_start_month = forms.TypedChoiceField(
        coerce=int, choices=[(number, month_name[number]) for number in range(1, 13)], label="Fiscal year starts in"
    )
    business_weekdays = forms.TypedMultipleChoiceField(
        coerce=int,
        choices=list(enumerate(day_name)),
        widget=forms.CheckboxSelectMultiple,
        label="Business days",
    )
    holiday_country = forms.ChoiceField(
        required=False, label="Public holidays of", choices=lambda: holiday_countries("No country")
    )
    holiday_region = forms.CharField(
        required=False, max_length=60, label="Region", help_text="Such as Bayern or BY; empty: the whole country."
    )
    holidays = ListField(
        clean_item=lambda text: date.fromisoformat(text).isoformat(),
        label="Further closed days",
        help_text="Dates without business hours: 2026-12-24, 2026-12-31",
    )
    internal_domains = ListField(clean_item=domain, help_text="Email domains of your own people, never leads.")
    default_method = forms.ChoiceField(
        choices=lambda: offered("method"), label="Attribution model", help_text="The model that pages show first."
    )

    class Meta:
        model = Company
        fields = (
            "name",
            "time_zone",
            "currency",
            "fiscal_year_start_month",
            "business_weekdays",
            "business_opens",
            "business_closes",
            "holiday_country",
            "holiday_region",
            "holidays",
            "follow_up_hours",
            "mqls_per_week",
            "look_back_days",
            "default_method",
            "internal_domains",
        )
        labels = {
            "business_opens": "Business hours from",
            "business_closes": "Business hours to",
            "follow_up_hours": "Sales SLA, in business hours",
            "mqls_per_week": "MQLs that sales can take in a week",
            "look_back_days": "Attribution look-back, in days",
        }
        help_texts = {
            "follow_up_hours": "Until the first follow-up of an MQL.",
            "mqls_per_week": "Back-tests of scoring rules compare their MQLs with it. Empty: not known.",
            "look_back_days": "Touchpoints earlier than this earn no credit. Empty: no limit.",
        }
        widgets = {
            "business_opens": forms.TimeInput({"type": "time"}, format="%H:%M"),
            "business_closes": forms.TimeInput({"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if CampaignCost.objects.exists() or Opportunity.objects.exists():
            self.fields["currency"].disabled = True
            self.fields["currency"].help_text = "Fixed, because deals or costs are recorded in it."
        else:
            self.fields["currency"].help_text = "Three letters, such as EUR. Fixed once deals or costs are recorded."

    def clean_currency(self) -> str:
        return company_currency(self.cleaned_data["currency"])

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        opens, closes = given.get("business_opens"), given.get("business_closes")
        if opens and closes and closes <= opens:
            self.add_error("business_closes", "Business hours must end after they start.")
        clean_holidays(self, given)
        return given
