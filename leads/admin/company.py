"""Company settings and exchange rates."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from leads.admin.list_filters import ValuesListFilter
from leads.figures.offers import offered
from leads.forms.fields import ListField, domain
from leads.models import Company, ExchangeRate
from leads.pure.money import InvalidAmount, check_currency


def weekday(text: str) -> int:
    """A weekday number, 0 is Monday; raises ValueError."""
    if text not in set("0123456"):
        raise ValueError("a weekday is a number from 0 (Monday) to 6")
    return int(text)


def holiday(text: str) -> str:
    """A day such as 2026-12-25; raises ValueError. A week, which ISO 8601 knows too, would silently be its Monday."""
    if "W" in text.upper():
        raise ValueError("a holiday is a day such as 2026-12-25")
    return date.fromisoformat(text).isoformat()


def currency(text: str) -> str:
    """The code of a currency; raises ValidationError."""
    try:
        return check_currency(text.strip().upper())
    except InvalidAmount as error:
        raise ValidationError(str(error)) from error


class CompanyForm(forms.ModelForm[Company]):
    business_weekdays = ListField(clean_item=weekday, help_text="0 is Monday: 0, 1, 2, 3, 4")
    holidays = ListField(clean_item=holiday, help_text="2026-12-25, …")
    internal_domains = ListField(clean_item=domain)
    default_method = forms.ChoiceField(
        choices=lambda: offered("method"), help_text="the attribution method meant first"
    )

    class Meta:
        model = Company
        fields = "__all__"  # noqa: DJ007  # one row of settings, all of them editable

    def clean_currency(self) -> str:
        return currency(self.cleaned_data["currency"])

    def clean_business_weekdays(self) -> list[int]:
        days: list[int] = sorted(self.cleaned_data["business_weekdays"])
        if not days:
            raise ValidationError("Without a working day no follow-up would ever be due.")
        return days


@admin.register(Company)
class CompanyAdmin(SimpleHistoryAdmin):  # type: ignore[misc]
    """The one row of settings."""

    form = CompanyForm
    list_display = ("name", "time_zone", "currency", "follow_up_hours", "look_back_days", "default_method")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ExchangeRateForm(forms.ModelForm[ExchangeRate]):
    class Meta:
        model = ExchangeRate
        fields = ("currency", "valid_from", "rate")

    def clean_currency(self) -> str:
        return currency(self.cleaned_data["currency"])


@admin.register(ExchangeRate)
class ExchangeRateAdmin(admin.ModelAdmin[ExchangeRate]):
    """Dated rates into the company currency."""

    form = ExchangeRateForm
    list_display = ("currency", "valid_from", "rate")
    list_filter = (("currency", ValuesListFilter),)
    ordering = ("-valid_from", "currency")
