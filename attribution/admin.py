"""Admin of the rules of journeys, and a look at runs."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from attribution.models import AttributionRules, AttributionRun


@admin.register(AttributionRules)
class AttributionRulesAdmin(admin.ModelAdmin[AttributionRules]):
    """The one row of rules; the next run recomputes what they change."""

    list_display = ("__str__", "scope", "half_life_days")
    fields = ("scope", "half_life_days")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AttributionRules | None = None) -> bool:
        return False


@admin.register(AttributionRun)
class AttributionRunAdmin(admin.ModelAdmin[AttributionRun]):
    """Runs are records: readable, never editable."""

    list_display = ("started_at", "kind", "state", "reason", "opportunities_recomputed", "opportunities_seen")
    list_filter = ("state", "kind")
    search_fields = ("reason", "error")
    ordering = ("-started_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AttributionRun | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AttributionRun | None = None) -> bool:
        return False
