"""What an admin says about a webhook endpoint."""

from __future__ import annotations

from django import forms

from leads.pure.webhooks import EVENTS


class EndpointForm(forms.Form):
    """An endpoint and the events it is told of."""

    name = forms.CharField(max_length=80, help_text="For example Data warehouse, or Slack bot of the sales team.")
    url = forms.CharField(
        max_length=2000,
        label="Endpoint URL",
        help_text="An https address of a public host. Events are sent there as POST requests.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}),
    )
    events = forms.MultipleChoiceField(
        choices=list(EVENTS.items()), required=False, widget=forms.CheckboxSelectMultiple, label="Events"
    )


class ReplayForm(forms.Form):
    """What is sent again."""

    what = forms.ChoiceField(choices=[("failed", "Failed deliveries"), ("all", "All deliveries")])
    since = forms.DateField(widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"), label="Recorded since")
