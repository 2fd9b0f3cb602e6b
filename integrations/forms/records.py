"""Which records of a run to show."""

from __future__ import annotations

from django import forms


class RecordSearch(forms.Form):
    """Words that the record's own name, its address or its id in the CRM must have."""

    q = forms.CharField(label="Search by name", required=False, max_length=120, strip=True)
