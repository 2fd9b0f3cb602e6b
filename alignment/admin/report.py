"""Admin of targets; published reports can only be read."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import ModelForm

from alignment.models import Target, WeeklyReport
from leads.admin.list_filters import ValuesListFilter
from leads.admin.read_only import ReadOnly
from leads.figures.base import UnknownFigure, definition


class TargetForm(ModelForm[Target]):
    """Refuses figures nobody has defined."""

    class Meta:
        model = Target
        fields = ("figure", "starts_on", "ends_on", "weekly_value")
        help_texts = {
            "figure": "the key of a figure, such as leads.mqls; see Figures in the portal",
            "weekly_value": "in the figure's own unit: money in cents, shares as 0.25",
        }

    def clean_figure(self) -> str:
        key: str = self.cleaned_data["figure"]
        try:
            definition(key)
        except UnknownFigure:
            raise ValidationError(f"There is no figure {key!r}.") from None
        return key


@admin.register(Target)
class TargetAdmin(admin.ModelAdmin[Target]):
    form = TargetForm
    list_display = ("figure", "starts_on", "ends_on", "weekly_value")
    list_filter = (("figure", ValuesListFilter),)
    search_fields = ("figure",)
    date_hierarchy = "starts_on"
    ordering = ("figure", "-starts_on")


@admin.register(WeeklyReport)
class WeeklyReportAdmin(ReadOnly):
    list_display = ("week", "published_at", "as_of", "currency", "digest")
    ordering = ("-week",)
