"""Who gets what: transfers of leads and books."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leads.actions.routing.deactivate_person import KEEP
from leads.models import Transfer, User
from leads.queries.transfers import recipients


class TransferForm(forms.Form):
    """To whom, why, and whether closed leads go along."""

    way = forms.ChoiceField(
        label="Who gets them?", choices=Transfer.Way.choices, widget=forms.RadioSelect, initial=Transfer.Way.RULES
    )
    person = forms.ModelChoiceField(
        queryset=User.objects.none(), required=False, label="Person", empty_label="Choose a person"
    )
    people = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(), required=False, label="People to share among", widget=forms.CheckboxSelectMultiple
    )
    takes_closed = forms.BooleanField(
        required=False,
        label="Also leads that are not open",
        help_text="Opportunities, customers, recycled and disqualified leads. Otherwise they keep their owner.",
    )
    reason = forms.CharField(max_length=200, help_text="Logged with every lead.")

    def __init__(
        self, *args: Any, giver: User | None, has_closed: bool = True, may_keep: bool = False, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        if may_keep:
            choices = [*Transfer.Way.choices, (KEEP, "Nobody for now: the book stays until somebody transfers it")]
            self.fields["way"].choices = choices  # type: ignore[attr-defined]
        able = recipients().exclude(pk=giver.pk) if giver else recipients()
        for name in ("person", "people"):
            self.fields[name].queryset = able  # type: ignore[attr-defined]
        if not has_closed:
            del self.fields["takes_closed"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        way = given.get("way")
        if way == Transfer.Way.PERSON and not given.get("person"):
            self.add_error("person", ValidationError("Choose the person."))
        if way == Transfer.Way.EVENLY and not given.get("people"):
            self.add_error("people", ValidationError("Choose the people."))
        return given

    @property
    def to(self) -> list[User]:
        """The people chosen for the way that was chosen."""
        given = self.cleaned_data
        if given["way"] == Transfer.Way.PERSON:
            return [given["person"]]
        return list(given["people"]) if given["way"] == Transfer.Way.EVENLY else []


class UndoTransferForm(forms.Form):
    """Why a transfer is undone."""

    reason = forms.CharField(max_length=200, label="Reason for undoing")
