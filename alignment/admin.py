"""Admin of targets and of the words of criteria; published reports and sign-offs can only be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import ModelForm
from django.http import HttpRequest

from alignment.models import AcceptanceCriterion, IntegrationPoint, Target, WeeklyReport
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
    list_filter = ("figure",)
    search_fields = ("figure",)
    date_hierarchy = "starts_on"
    ordering = ("figure", "-starts_on")


class CriterionInline(admin.TabularInline[AcceptanceCriterion, IntegrationPoint]):
    model = AcceptanceCriterion
    fields = ("position", "text", "version", "state", "owner", "due_on")
    readonly_fields = ("version", "state")
    ordering = ("position",)
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(IntegrationPoint)
class IntegrationPointAdmin(admin.ModelAdmin[IntegrationPoint]):
    list_display = ("code", "title", "group", "owner", "due_on")
    ordering = ("position",)
    search_fields = ("code", "title")
    inlines = (CriterionInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_formset(self, request: Any, form: Any, formset: Any, change: bool) -> None:
        """New words are a new version; sign-offs keep the words they signed."""
        for inline in formset.forms:
            if "text" in inline.changed_data:
                inline.instance.version += 1
        super().save_formset(request, form, formset, change)


@admin.register(WeeklyReport)
class WeeklyReportAdmin(ReadOnly):
    list_display = ("week", "published_at", "as_of", "currency", "digest")
    ordering = ("-week",)
