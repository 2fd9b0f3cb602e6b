"""What an admin says about a Slack or Teams channel."""

from __future__ import annotations

from typing import Any

from django import forms

from leads.models import ChatDestination
from leads.pure.notifications import KINDS


class DestinationForm(forms.Form):
    """A channel with its webhook, which is never shown again."""

    name = forms.CharField(max_length=80, help_text="For example #revenue, or Sales team in Teams.")
    kind = forms.ChoiceField(choices=ChatDestination.Kind.choices, label="Where")
    url = forms.CharField(
        max_length=2000,
        required=False,
        label="Address of the incoming webhook",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    kinds = forms.MultipleChoiceField(
        choices=[(kind.key, kind.label) for kind in KINDS.values()],
        widget=forms.CheckboxSelectMultiple,
        label="Post there",
    )
    is_active = forms.BooleanField(required=False, initial=True, label="Switched on")

    def __init__(self, *args: Any, destination: ChatDestination | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["url"]
        field.required = destination is None
        field.help_text = (
            "Kept encrypted and not shown again; leave it empty to keep the one there is."
            if destination
            else "Slack: create an app with an incoming webhook. Teams: Workflows → Post to a channel when a webhook "
            "request is received. Kept encrypted and not shown again."
        )
