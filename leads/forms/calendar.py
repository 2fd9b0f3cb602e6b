"""When a rep works, how many leads they take, and when they are away."""

from __future__ import annotations

from calendar import day_name
from datetime import date, time
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError

from leads.models import RepAbsence, RepHours
from leads.pure.public_holidays import countries, regions


def holiday_countries(otherwise: str) -> list[tuple[str, str]]:
    """Choices of countries with public holidays."""
    return [("", otherwise), *countries()]


def clean_holidays(form: forms.Form | forms.ModelForm[Any], given: dict[str, Any]) -> None:
    """Refuse a region that the chosen country does not have."""
    country, region = given.get("holiday_country") or "", (given.get("holiday_region") or "").strip()
    known = dict(regions(country)) if country else {}
    by_name = {name.casefold(): code for code, name in known.items()} | {code.casefold(): code for code in known}
    if not region:
        return
    if region.casefold() not in by_name:
        listed = ", ".join(f"{code} ({name})" for code, name in known.items())
        hint = f"Regions with holidays of their own: {listed}." if listed else "Choose a country with regions first."
        form.add_error("holiday_region", ValidationError(f"There is no such region. {hint}"))
    else:
        given["holiday_region"] = by_name[region.casefold()]


class ScheduleForm(forms.ModelForm[RepHours]):
    """A rep's own hours; empty fields follow the company."""

    time_zone = forms.ChoiceField(
        required=False,
        choices=lambda: [("", "As the company"), *((name, name) for name in sorted(available_timezones()))],
    )
    weekdays = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        choices=list(enumerate(day_name)),
        widget=forms.CheckboxSelectMultiple,
        label="Working days",
        help_text="None: those of the company.",
    )
    opens = forms.TimeField(
        required=False, label="Works from", widget=forms.TimeInput({"type": "time"}, format="%H:%M")
    )
    closes = forms.TimeField(required=False, label="Works to", widget=forms.TimeInput({"type": "time"}, format="%H:%M"))
    holiday_country = forms.ChoiceField(
        required=False, label="Public holidays of", choices=lambda: holiday_countries("As the company")
    )
    holiday_region = forms.CharField(
        required=False, max_length=60, label="Region", help_text="Such as Bayern or BY; empty: the whole country."
    )
    capacity = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=1_000_000,
        label="Most open leads",
        help_text="At this many open leads the rep gets no new ones. Empty: no limit.",
    )

    class Meta:
        model = RepHours
        fields = ("time_zone", "weekdays", "opens", "closes", "holiday_country", "holiday_region")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        opens: time | None = given.get("opens")
        closes: time | None = given.get("closes")
        if (opens is None) != (closes is None) and not self.errors:
            self.add_error("closes" if closes is None else "opens", "Give both times, or none.")
        elif opens and closes and closes <= opens:
            self.add_error("closes", "Working hours must end after they start.")
        clean_holidays(self, given)
        return given


class AbsenceForm(forms.ModelForm[RepAbsence]):
    """Days away, both ends included."""

    starts_on = forms.DateField(label="First day away", widget=forms.DateInput({"type": "date"}))
    ends_on = forms.DateField(label="Last day away", widget=forms.DateInput({"type": "date"}))

    class Meta:
        model = RepAbsence
        fields = ("starts_on", "ends_on", "reason")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        first: date | None = given.get("starts_on")
        last: date | None = given.get("ends_on")
        if first and last and last < first:
            self.add_error("ends_on", "The last day is before the first.")
        return given
