"""A look at runs."""

from __future__ import annotations

from django.contrib import admin

from attribution.models import AttributionRun
from leads.admin.read_only import ReadOnly


@admin.register(AttributionRun)
class AttributionRunAdmin(ReadOnly):
    """Runs are records: readable, never editable."""

    list_display = ("started_at", "kind", "state", "reason", "opportunities_recomputed", "opportunities_seen")
    list_filter = ("state", "kind")
    search_fields = ("reason", "error")
    ordering = ("-started_at",)
