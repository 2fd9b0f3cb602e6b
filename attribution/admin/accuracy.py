"""Admin of what people say brought a deal, and a look at accuracies."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from attribution.models import AccuracyCheck, SourceCheck
from leads.admin.read_only import ReadOnly
from leads.views.doors import person


@admin.register(SourceCheck)
class SourceCheckAdmin(admin.ModelAdmin[SourceCheck]):
    """What people say brought a deal: the sample behind the accuracy called agreement."""

    list_display = ("opportunity", "origin", "campaign", "channel", "answered_by", "answered_at")
    list_filter = ("origin", "channel")
    list_select_related = ("opportunity", "campaign", "channel", "answered_by")
    search_fields = ("opportunity__name", "note")
    autocomplete_fields = ("opportunity", "campaign")
    fields = ("opportunity", "origin", "campaign", "channel", "note", "answered_by", "answered_at")
    readonly_fields = ("answered_by", "answered_at")
    ordering = ("-answered_at", "-pk")

    def save_model(self, request: HttpRequest, obj: SourceCheck, form: Any, change: bool) -> None:
        obj.answered_by, obj.answered_at = person(request), timezone.now()
        obj.save()


@admin.register(AccuracyCheck)
class AccuracyCheckAdmin(ReadOnly):
    """The three accuracies as measured, never blended."""

    list_display = ("measured_at", "kind", "value", "low", "high", "sample")
    list_filter = ("kind",)
    ordering = ("-measured_at", "-pk")
