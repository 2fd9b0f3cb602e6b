"""A look at the history of the sourced test."""

from __future__ import annotations

from django.contrib import admin

from attribution.models import SourcedDecision
from leads.admin.read_only import ReadOnly


@admin.register(SourcedDecision)
class SourcedDecisionAdmin(ReadOnly):
    """The history of the sourced test."""

    list_display = ("at", "kind", "test", "test_before", "reason", "by")
    list_select_related = ("by",)
    ordering = ("-at", "-pk")
