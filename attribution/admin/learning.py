"""Admin of experiments, and a look at fits."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin

from attribution.models import LiftTest, MethodFit
from leads.admin.list_filters import ValuesListFilter
from leads.admin.read_only import ReadOnly


class LiftTestForm(forms.ModelForm[LiftTest]):
    """An experiment's result; what the constraints refuse is said in words."""

    class Meta:
        model = LiftTest
        fields = ("channel", "starts_on", "ends_on", "lift", "low", "high", "note")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        starts_on, ends_on = given.get("starts_on"), given.get("ends_on")
        if starts_on and ends_on and ends_on <= starts_on:
            self.add_error("ends_on", "It must end after it started.")
        low, lift, high = (given.get(name) for name in ("low", "lift", "high"))
        if low is not None and lift is not None and high is not None and not 0 <= low <= lift <= high <= 1:
            self.add_error("lift", "Shares from 0 to 1, and the lift must lie inside its interval.")
        return given


@admin.register(LiftTest)
class LiftTestAdmin(admin.ModelAdmin[LiftTest]):
    """What experiments found; the next fit of data-driven methods is calibrated with them."""

    form = LiftTestForm
    list_display = ("channel", "starts_on", "ends_on", "lift", "low", "high", "note")
    list_filter = ("channel",)
    list_select_related = ("channel",)
    ordering = ("-ends_on", "-pk")


@admin.register(MethodFit)
class MethodFitAdmin(ReadOnly):
    """What data-driven methods learned, and from how much."""

    list_display = ("fitted_at", "method", "version", "is_current", "people", "conversions", "touches", "seconds")
    list_filter = (("method", ValuesListFilter), "is_current")
    ordering = ("-fitted_at", "-pk")
    exclude = ("parameters",)
