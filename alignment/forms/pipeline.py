"""Filters of the pipeline page."""

from __future__ import annotations

from typing import Any

from django import forms

from leads.forms import ScopeForm
from leads.models import DealStatus, PipelineStage, User


class PipelineForm(ScopeForm):
    """The scope, and which of the open deals to list."""

    stage = forms.ModelChoiceField(PipelineStage.objects.none(), to_field_name="key", required=False, empty_label="All")
    stalled = forms.BooleanField(required=False, label="Stalled only")

    def __init__(self, data: Any, *, user: User, **more: Any) -> None:
        super().__init__(data, only=("channel", "territory", "owner", "stage", "stalled"), **more)
        owners = User.objects.filter(opportunities__isnull=False).distinct().order_by("name", "pk")
        stages = PipelineStage.objects.filter(status=DealStatus.OPEN).order_by("position")
        self.fields["owner"].queryset = owners  # type: ignore[attr-defined]
        self.fields["stage"].queryset = stages  # type: ignore[attr-defined]
        if not user.sees_all:
            del self.fields["owner"]
