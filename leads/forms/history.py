"""What a history is narrowed by: a field, a door, a person, the first and last day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django import forms

from leads.forms.scope import DayInput
from leads.models import Company
from leads.pure.week import LATEST_YEAR, OLDEST_YEAR, midnight
from leads.queries.history import DOORS, Narrowed, Person, field_choices
from leads.queries.history_parts import Kind


class HistoryForm(forms.Form):
    """Pages and the API share it; days are those of the company's time zone, both included."""

    field = forms.ChoiceField(required=False)
    person = forms.UUIDField(label="Person", required=False)
    door = forms.ChoiceField(
        label="Came through",
        required=False,
        choices=[("", "All"), *((door.value, name) for door, name in DOORS.items())],
    )

    def __init__(self, *args: Any, kind: Kind, people: Sequence[Person], company: Company, **options: Any) -> None:
        super().__init__(*args, **options)
        self.company = company
        chosen: Any = self.fields["field"]
        chosen.choices = [("", "All"), *field_choices(kind)]
        choices = [("", "All"), *((str(person.id), person.name) for person in people)]
        self.fields["person"].widget = forms.Select(choices=choices)
        # "from" is a word of the language, so that it cannot be declared above.
        for name, label in (("from", "From"), ("to", "To")):
            self.fields[name] = forms.DateField(label=label, required=False, widget=DayInput())

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        for name in ("from", "to"):
            day: date | None = given.get(name)
            if day and not OLDEST_YEAR <= day.year <= LATEST_YEAR:
                self.add_error(name, f"The year must lie between {OLDEST_YEAR} and {LATEST_YEAR}.")
        if given.get("from") and given.get("to") and given["to"] < given["from"]:
            self.add_error("to", "The last day lies before the first.")
        return given

    def narrowed(self) -> Narrowed:
        """What a valid form asks for."""
        given, tz = self.cleaned_data, self.company.tz
        first, last = given["from"], given["to"]
        return Narrowed(
            field=given["field"],
            door=given["door"],
            person=given["person"],
            since=midnight(first, tz) if first else None,
            until=midnight(last + timedelta(days=1), tz) if last else None,
        )
