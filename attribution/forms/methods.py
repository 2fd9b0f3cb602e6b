"""A company's own methods."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from attribution.models import CustomMethod


class MethodForm(forms.ModelForm[CustomMethod]):
    """Shares in percent; the model says in words when they do not sum to 100."""

    class Meta:
        model = CustomMethod
        fields = ("name", "slug", *CustomMethod.SHARES, "excludes_self_initiated", "is_active")
        labels = {
            "slug": "Short name in addresses",
            "first_touch": "First touch, %",
            "lead_creation": "Lead-creation touchpoint, %",
            "opportunity_creation": "Opportunity-creation touchpoint, %",
            "closing": "Closing touchpoint, %",
            "others": "All other touchpoints, %",
            "excludes_self_initiated": "Pass over self-initiated touchpoints (direct, organic, brand search, "
            "retargeting)",
            "is_active": "On offer",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            del self.fields["slug"]

    @property
    def total(self) -> Any:
        """What the shares given sum to, None while one of them is not a number."""
        shares = [self.cleaned_data.get(name) for name in CustomMethod.SHARES]
        return None if any(share is None for share in shares) else sum(cast(Any, shares))
