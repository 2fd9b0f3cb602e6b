"""What somebody enters about a campaign's cost."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leads.forms.scope import DayInput
from leads.models import Company
from leads.pure.money import InvalidAmount, to_cents
from leads.pure.week import LATEST_YEAR, OLDEST_YEAR


class DaysForm(forms.Form):
    """A day, or the first and last day of a period."""

    first = forms.DateField(label="Day, or first day", widget=DayInput())
    last = forms.DateField(
        label="Last day",
        required=False,
        widget=DayInput(),
        help_text="Empty for a single day. The amount is spread evenly over the days, exact to the cent.",
    )
    reason = forms.CharField(
        label="Reason (optional)", max_length=300, required=False, help_text="Why it is said or changed; kept for good."
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        first = given.get("first")
        given["last"] = given.get("last") or first
        for name in ("first", "last"):
            day: date | None = given.get(name)
            if day and not OLDEST_YEAR <= day.year <= LATEST_YEAR:
                self.add_error(name, f"The year must lie between {OLDEST_YEAR} and {LATEST_YEAR}.")
        if first and given["last"] < first:
            self.add_error("last", "The last day lies before the first.")
        return given


class CostForm(DaysForm):
    """The same with an amount; cleaned ``amount`` is in minor units."""

    amount = forms.CharField(
        max_length=40, help_text="For example 1234.50. Write 0 where nothing was spent: no entry means not known."
    )
    currency = forms.CharField(max_length=3, min_length=3)

    def __init__(self, *args: Any, company: Company, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["currency"].initial = company.currency

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if "amount" in given and "currency" in given:
            try:
                given["amount"] = to_cents(given["amount"], given["currency"])
            except InvalidAmount as error:
                self.add_error("currency" if "currency" in str(error) else "amount", ValidationError(str(error)))
        return given
