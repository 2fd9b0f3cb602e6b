"""Company settings and exchange rates."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from simple_history.admin import SimpleHistoryAdmin

from leads.actions.reprice import reprice
from leads.admin.fields import ListField, domain
from leads.figures.offers import offered
from leads.models import Company, ExchangeRate
from leads.pure.money import InvalidAmount, currency_decimals
from leads.views.doors import person


def weekday(text: str) -> int:
    """A weekday number, 0 is Monday; raises ValueError."""
    if text not in set("0123456"):
        raise ValueError("a weekday is a number from 0 (Monday) to 6")
    return int(text)


class ExchangeRateForm(forms.ModelForm[ExchangeRate]):
    class Meta:
        model = ExchangeRate
        fields = ("currency", "valid_from", "rate")

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].upper()
        try:
            currency_decimals(currency)
        except InvalidAmount as error:
            raise ValidationError(str(error)) from None
        if currency == Company.current().currency:
            raise ValidationError("That is the company's own currency: it needs no rate.")
        return currency


class CompanyForm(forms.ModelForm[Company]):
    business_weekdays = ListField(clean_item=weekday, help_text="0 is Monday: 0, 1, 2, 3, 4")
    holidays = ListField(clean_item=lambda text: date.fromisoformat(text).isoformat(), help_text="2026-12-25, …")
    internal_domains = ListField(clean_item=domain)
    default_method = forms.ChoiceField(
        choices=lambda: offered("method"), help_text="the attribution method meant first"
    )

    class Meta:
        model = Company
        fields = "__all__"  # noqa: DJ007  # one row of settings, all of them editable

    def clean_business_weekdays(self) -> list[int]:
        days: list[int] = sorted(self.cleaned_data["business_weekdays"])
        if not days:
            raise ValidationError("Without a working day no follow-up would ever be due.")
        return days

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].upper()
        try:
            currency_decimals(currency)
        except InvalidAmount as error:
            raise ValidationError(str(error)) from None
        before = Company.current().currency
        if currency != before and ExchangeRate.objects.exists():
            raise ValidationError(f"The exchange rates on file are into {before}. Delete them first.")
        return currency


@admin.register(Company)
class CompanyAdmin(SimpleHistoryAdmin):  # type: ignore[misc]
    """The one row of settings."""

    form = CompanyForm
    list_display = ("name", "time_zone", "currency", "follow_up_hours", "look_back_days", "default_method")

    def save_model(self, request: HttpRequest, obj: Company, form: CompanyForm, change: bool) -> None:
        """Another currency prices every amount anew; another time zone moves the days whose rates count."""
        super().save_model(request, obj, form, change)
        if {"currency", "time_zone"} & set(form.changed_data):
            because = f"The company counts in {obj.currency}, in the time zone {obj.time_zone}."
            reprice(currencies=None, because=because, by=person(request), at=timezone.now())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ExchangeRate)
class ExchangeRateAdmin(admin.ModelAdmin[ExchangeRate]):
    """Dated rates into the company currency."""

    list_display = ("currency", "valid_from", "rate")
    list_filter = ("currency",)
    ordering = ("-valid_from", "currency")
    form = ExchangeRateForm

    def save_model(self, request: HttpRequest, obj: ExchangeRate, form: ExchangeRateForm, change: bool) -> None:
        """Deals and costs of the currency are priced anew in the same transaction."""
        super().save_model(request, obj, form, change)
        before = str(form.initial.get("currency") or "")
        self._reprice(request, {obj.currency, before} - {""}, f"{obj} was {'corrected' if change else 'entered'}.")

    def delete_model(self, request: HttpRequest, obj: ExchangeRate) -> None:
        """Without it an earlier rate counts, or none."""
        told, currency = str(obj), obj.currency
        super().delete_model(request, obj)
        self._reprice(request, {currency}, f"{told} was deleted.")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ExchangeRate]) -> None:
        """Several at once."""
        currencies = set(queryset.values_list("currency", flat=True))
        super().delete_queryset(request, queryset)
        self._reprice(request, currencies, f"Rates of {', '.join(sorted(currencies))} were deleted.")

    def _reprice(self, request: HttpRequest, currencies: set[str], because: str) -> None:
        done = reprice(currencies=currencies, because=because, by=person(request), at=timezone.now())
        if done.deals or done.costs:
            told = f"Priced anew: {done.deals:,} deals and {done.costs:,} costs."
            messages.info(request, f"{told} Published reports list what that changes.")
