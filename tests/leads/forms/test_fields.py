"""Selects of long tables say what Django's own say."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.test.html import parse_html

from leads.forms.fields import PlainSelect

CHOICES = [("", "None"), ("a", 'Ada & "Co" <b>'), (3, "Three")]


@pytest.mark.parametrize("value", [None, "", "a", 3, "3", "unknown"])
def test_a_plain_select_says_what_djangos_says(value: Any) -> None:
    def shown(widget: type[forms.Select]) -> Any:
        field = forms.ChoiceField(choices=CHOICES, widget=widget(attrs={"class": "form-select", "aria-label": "Row 1"}))
        made = type("Rows", (forms.Form,), {"field": field})(initial={"field": value})
        return parse_html(str(made["field"]))

    assert shown(PlainSelect) == shown(forms.Select)
