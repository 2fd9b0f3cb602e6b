"""Which records of a run to show."""

from __future__ import annotations

from django import forms

from integrations.models import RecordKind, SyncRecord


class RecordFilter(forms.Form):
    """Outcome, kind and way; only what the run holds is on offer."""

    outcome = forms.ChoiceField(label="Outcome", required=False)
    kind = forms.ChoiceField(label="Kind", required=False)
    way = forms.ChoiceField(label="Way", required=False, choices=[("", "Both ways"), *SyncRecord.Way.choices])

    def __init__(self, *args: object, outcomes: dict[str, int], kinds: dict[str, int], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        words, names = dict(SyncRecord.Outcome.choices), dict(RecordKind.choices)
        self.fields["outcome"].choices = [  # type: ignore[attr-defined]
            ("", "All outcomes"),
            *((key, f"{words.get(key, key)} ({number:,})") for key, number in sorted(outcomes.items())),
        ]
        self.fields["kind"].choices = [  # type: ignore[attr-defined]
            ("", "All kinds"),
            *((key, f"{names.get(key, key)} ({number:,})") for key, number in sorted(kinds.items()) if key),
        ]
