"""Form fields for lists, currencies and moments of the company's time zone, and a select for long tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import flatatt
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from leads.models import Company
from leads.pure.money import InvalidAmount, check_currency
from leads.pure.spelling.identity import InvalidCountry, InvalidDomain, normalize_country, normalize_domain


class ListField(forms.CharField):
    """A comma-separated text for a JSON list; ``clean_item`` checks each entry and may raise ValueError."""

    def __init__(self, *, clean_item: Callable[[str], Any] = str, separator: str = ", ", **options: Any) -> None:
        options.setdefault("required", False)
        super().__init__(widget=forms.TextInput(attrs={"class": "vTextField"}), **options)
        self.clean_item = clean_item
        self.separator = separator

    def prepare_value(self, value: Any) -> Any:
        return self.separator.join(str(item) for item in value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)

    def clean(self, value: Any) -> list[Any]:
        items: list[Any] = []
        for text in (part.strip() for part in (super().clean(value) or "").split(",")):
            if not text:
                continue
            try:
                items.append(self.clean_item(text))
            except ValueError as error:
                raise ValidationError(f"{text}: {error}") from error
        return list(dict.fromkeys(items))


class MomentField(forms.CharField):
    """A date and a time of the company's time zone."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, **options)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None:
            raise ValidationError("Give a date and a time.")
        return moment if moment.tzinfo else moment.replace(tzinfo=Company.current().tz)


def country(text: str) -> str:
    """A two-letter country code; raises ValueError with a message for people."""
    try:
        return normalize_country(text)
    except InvalidCountry as error:
        raise ValueError(str(error)) from error


def domain(text: str) -> str:
    """A domain in lower case; raises ValueError with a message for people."""
    try:
        return normalize_domain(text)
    except InvalidDomain as error:
        raise ValueError(str(error)) from error


def currency(text: str) -> str:
    """The code of a currency; raises ValidationError."""
    try:
        return check_currency(text.strip().upper())
    except InvalidAmount as error:
        raise ValidationError(str(error)) from error


class PlainSelect(forms.Select):
    """A select of plain options, written at once: a table with hundreds of options spends most of a page's time on one
    template for each of them otherwise."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = set(self.format_value(value))
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            ((key, " selected" if str(key) in chosen else "", label) for key, label in self.choices),
        )
        given = flatatt({"name": name, **self.build_attrs(self.attrs, attrs)})
        return format_html("<select{}>{}</select>", given, options)
