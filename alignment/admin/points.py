"""Admin of the words of criteria; sign-offs can only be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from alignment.models import AcceptanceCriterion, IntegrationPoint


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
