"""What people tell the accuracies: what brought a deal, and which market to simulate."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from attribution.actions.accuracy.run_simulation import AT_ONCE, MOST_PEOPLE
from attribution.pure.accuracy.scenarios import described
from leads.models import Campaign, Channel

NOBODY = "nobody"


class AnswerForm(forms.Form):
    """A channel or "nobody knows", the campaign where it is known, and a note."""

    channel = forms.ChoiceField(widget=forms.RadioSelect, label="What brought this deal?")
    campaign = forms.ModelChoiceField(
        Campaign.objects.none(), required=False, empty_label="I do not know which", label="Which campaign, if you know"
    )
    note = forms.CharField(max_length=200, required=False, label="Note (optional)")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.channels = {one.key: one for one in Channel.objects.order_by("position", "name")}
        self.fields["channel"].choices = [  # type: ignore[attr-defined]
            *((key, one.name) for key, one in self.channels.items()),
            (NOBODY, "Nobody knows"),
        ]
        field = cast("forms.ModelChoiceField[Campaign]", self.fields["campaign"])
        field.queryset = Campaign.objects.order_by("name")


class SimulationForm(forms.Form):
    """Which market, and how big."""

    scenario = forms.ChoiceField(widget=forms.RadioSelect)
    seed = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        initial=1,
        help_text="The same seed is the same market; another draws it anew.",
    )
    people = forms.IntegerField(
        min_value=500,
        max_value=MOST_PEOPLE,
        initial=4_000,
        help_text=f"500 to {MOST_PEOPLE:,}; above {AT_ONCE:,} it runs in the background.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["scenario"].choices = list(described().items())  # type: ignore[attr-defined]
