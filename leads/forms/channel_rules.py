"""Forms of channel rules: one rule, and an address to test."""

from __future__ import annotations

from typing import Any

from django import forms

from leads.models import Channel
from leads.pure.channels.channels import ChannelRule, Visit
from leads.pure.conditions.grammar import Group


class RuleForm(forms.Form):
    """A rule as people edit it, beside its conditions."""

    channel = forms.ChoiceField(label="The channel is")
    position = forms.IntegerField(
        min_value=1, label="Place in the order", help_text="The first rule that fits decides."
    )

    def __init__(self, *args: Any, count: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["channel"].choices = [  # type: ignore[attr-defined]
            (one.key, one.name) for one in Channel.objects.order_by("position", "name")
        ]
        self.fields["position"].widget.attrs["max"] = count
        self.fields["position"].widget.attrs["class"] = "w-auto"

    def rule(self, conditions: Group) -> ChannelRule:
        """The rule that was asked for."""
        return ChannelRule(self.cleaned_data["position"], self.cleaned_data["channel"], conditions)


class AddressForm(forms.Form):
    """An address to try: where somebody landed, and where they came from."""

    address = forms.CharField(
        max_length=2000,
        required=False,
        label="Address with its tags",
        widget=forms.TextInput(attrs={"placeholder": "https://www.example.com/?utm_source=google&utm_medium=cpc"}),
    )
    referrer = forms.CharField(max_length=1000, required=False, label="Coming from (optional)")

    def visit(self) -> Visit | None:
        """The visit, or None while nothing was given."""
        if not self.is_valid() or not any(self.cleaned_data.values()):
            return None
        return Visit(referrer=self.cleaned_data["referrer"], landing_page=self.cleaned_data["address"])
