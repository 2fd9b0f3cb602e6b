"""Admin of targets; published reports can only be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import CharField, ChoiceField, ModelForm

from alignment.models import Target, WeeklyReport
from alignment.pure.targets import target_value, written
from leads.admin.list_filters import ValuesListFilter
from leads.admin.read_only import ReadOnly
from leads.figures.base import Unit, UnknownFigure, definition, definitions
from leads.figures.words import number_text
from leads.models import Company


class TargetForm(ModelForm[Target]):
    """A figure by its name, and its target as people write it: money in the company currency, shares as percentages."""

    figure = ChoiceField(
        choices=lambda: [(each.key, each.name) for each in sorted(definitions(), key=lambda each: each.name)],
        error_messages={"invalid_choice": "There is no figure %(value)r."},
    )
    weekly_value = CharField(
        label="Per week",
        max_length=40,
        help_text="Money in the company currency, such as 650,000; shares and returns as 250 %; else a number.",
    )

    class Meta:
        model = Target
        fields = ("figure", "starts_on", "ends_on", "weekly_value")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["weekly_value"] = written(self.instance.weekly_value, *_unit(self.instance.figure))

    def clean(self) -> dict[str, Any]:
        """The value is read by the unit of its figure."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if "figure" in given and "weekly_value" in given:
            try:
                given["weekly_value"] = target_value(given["weekly_value"], *_unit(given["figure"]))
            except ValueError as error:
                self.add_error("weekly_value", str(error))
        return given


def _unit(key: str) -> tuple[Unit, str]:
    try:
        return definition(key).unit, Company.current().currency
    except UnknownFigure:  # of a release that had it
        return "count", ""


@admin.register(Target)
class TargetAdmin(admin.ModelAdmin[Target]):
    form = TargetForm
    list_display = ("figure_name", "starts_on", "ends_on", "per_week")
    list_filter = (("figure", ValuesListFilter),)
    search_fields = ("figure",)
    date_hierarchy = "starts_on"
    ordering = ("figure", "-starts_on")

    @admin.display(description="figure", ordering="figure")
    def figure_name(self, obj: Target) -> str:
        """As pages call it."""
        try:
            return definition(obj.figure).name
        except UnknownFigure:
            return obj.figure

    @admin.display(description="target per week", ordering="weekly_value")
    def per_week(self, obj: Target) -> str:
        """In the figure's unit."""
        return number_text(obj.weekly_value, *_unit(obj.figure))


@admin.register(WeeklyReport)
class WeeklyReportAdmin(ReadOnly):
    list_display = ("week", "published_at", "as_of", "currency", "digest")
    ordering = ("-week",)
