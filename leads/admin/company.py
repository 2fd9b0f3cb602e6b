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

from leads.actions.reprice import reprice, reprice_company
from leads.admin.list_filters import ValuesListFilter
from leads.figures.offers import offered
from leads.forms.fields import ListField, currency, domain
from leads.forms.settings import company_currency
from leads.models import Company, ExchangeRate
from leads.views.doors import person


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
        return company_currency(self.cleaned_data["currency"])

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

    def save_model(self, request: HttpRequest, obj: Company, form: CompanyForm, change: bool) -> None:
        """Another currency prices every amount anew; another time zone moves the days whose rates count."""
        super().save_model(request, obj, form, change)
        reprice_company(company=obj, changed=form.changed_data, by=person(request), at=timezone.now())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ExchangeRateForm(forms.ModelForm[ExchangeRate]):
    class Meta:
        model = ExchangeRate
        fields = ("currency", "valid_from", "rate")

    def clean_currency(self) -> str:
        code = currency(self.cleaned_data["currency"])
        if code == Company.current().currency:
            raise ValidationError("That is the company's own currency: it needs no rate.")
        return code


@admin.register(ExchangeRate)
class ExchangeRateAdmin(admin.ModelAdmin[ExchangeRate]):
    """Dated rates into the company currency."""

    form = ExchangeRateForm
    list_display = ("currency", "valid_from", "rate")
    list_filter = (("currency", ValuesListFilter),)
    ordering = ("-valid_from", "currency")

    def save_model(self, request: HttpRequest, obj: ExchangeRate, form: ExchangeRateForm, change: bool) -> None:
        """Deals and costs of the currency are priced anew in the same transaction."""
        super().save_model(request, obj, form, change)
        before = str(form.initial.get("currency") or "")
        self._reprice(request, {obj.currency, before} - {""}, f"{obj} was {'corrected' if change else 'entered'}.")

    def delete_model(self, request: HttpRequest, obj: ExchangeRate) -> None:
        """Without it an earlier rate counts, or none."""
        told, code = str(obj), obj.currency
        super().delete_model(request, obj)
        self._reprice(request, {code}, f"{told} was deleted.")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ExchangeRate]) -> None:
        """Several at once."""
        codes = set(queryset.values_list("currency", flat=True))
        super().delete_queryset(request, queryset)
        self._reprice(request, codes, f"Rates of {', '.join(sorted(codes))} were deleted.")

    def _reprice(self, request: HttpRequest, currencies: set[str], because: str) -> None:
        done = reprice(currencies=currencies, because=because, by=person(request), at=timezone.now())
        if done.deals or done.costs:
            deals = f"{done.deals:,} deal{'' if done.deals == 1 else 's'}"
            costs = f"{done.costs:,} cost{'' if done.costs == 1 else 's'}"
            messages.info(request, f"Priced anew: {deals} and {costs}. Published reports list what that changes.")
