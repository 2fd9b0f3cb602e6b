"""Scoring rule sets to read; they are changed, tried and activated on the portal's own page."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html

from leads.admin.read_only import ReadOnly
from leads.models import ScoringRuleSet


@admin.register(ScoringRuleSet)
class ScoringRuleSetAdmin(ReadOnly):
    """Versions of the scoring rules, each with a link to its page."""

    list_display = (
        "version",
        "state",
        "fit_threshold",
        "behaviour_threshold",
        "half_life_days",
        "activated_at",
        "page",
    )
    list_filter = ("state",)
    ordering = ("-version",)
    readonly_fields = ("page",)

    @admin.display(description="Rules")
    def page(self, row: ScoringRuleSet) -> str:
        return format_html('<a href="{}">Open version {}</a>', row.get_absolute_url(), row.version)
