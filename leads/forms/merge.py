"""Looking for the other record of a person, and saying why two are one."""

from __future__ import annotations

from django import forms


class FindLeadForm(forms.Form):
    """Words that the other lead's name, e-mail or company has."""

    q = forms.CharField(max_length=200, required=False, label="Name, email or company")


class MergeForm(forms.Form):
    """Why the two are one person."""

    reason = forms.CharField(max_length=300, required=False, label="How do you know? (kept with the merge)")
