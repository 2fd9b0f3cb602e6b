"""Which people of the CRM become leads here, and what of their dealings is a touchpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from integrations.connectors import vendor as vendor_of
from integrations.models import Connection, CrmPeople
from integrations.pure.activity_rules import CHANNELS, FORM, LABELS, LIST, MEMBER, RULES, patterns_of
from leads.models import Channel

_NOT_READ = ("", "Not read")
_BY_RULES = ("", "By the channel rules")


class ContentForm(forms.Form):
    """One choice for people, and per kind of activity a rule and a channel, as far as the CRM has them."""

    takes_people = forms.ChoiceField(
        label="People who are no leads here become leads",
        choices=CrmPeople.choices,
        required=False,
        widget=forms.RadioSelect,
        help_text="They are scored, keep the owner they have there and are not assigned. Whom we know by email is"
        " linked, not made twice.",
    )

    def __init__(self, connection: Connection, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connection = connection
        able = vendor_of(connection.kind)
        if not able.takes_people:
            del self.fields["takes_people"]
        else:
            self.fields["takes_people"].initial = connection.takes_people
        channels = list(Channel.objects.order_by("position").values_list("key", "name"))
        self.kinds = [kind for kind in LABELS if kind in able.activities]
        for kind in self.kinds:
            self._add(kind, able.activities[kind], channels, connection.activities.get(kind, {}))

    def _add(
        self, kind: str, rules: tuple[str, ...], channels: list[tuple[str, str]], present: Mapping[str, str]
    ) -> None:
        chosen = present.get("rule", "responded" if kind == MEMBER else "")
        choices = [(rule, RULES[kind][rule]) for rule in rules]
        choices = choices if kind == MEMBER else [_NOT_READ, *choices]
        select = {"class": "form-select"}
        self.fields[f"{kind}-rule"] = forms.ChoiceField(
            label=LABELS[kind], choices=choices, required=False, initial=chosen, widget=forms.Select(attrs=select)
        )
        if kind == LIST:
            self.fields["list-names"] = forms.CharField(
                label="Lists that count",
                required=False,
                initial=present.get("names", ""),
                max_length=2000,
                widget=forms.Textarea(attrs={"rows": 3, "class": "form-control"}),
                help_text="One name a line; * stands for anything.",
            )
        if kind != MEMBER:
            self.fields[f"{kind}-channel"] = forms.ChoiceField(
                label=f"Channel of {LABELS[kind].lower()}",
                choices=[_BY_RULES, *channels] if kind == FORM else channels,
                required=False,
                initial=present.get("channel", CHANNELS[kind]),
                widget=forms.Select(attrs=select),
            )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("list-rule") and not patterns_of(cleaned.get("list-names", "")):
            self.add_error("list-names", "Name at least one list.")
        return cleaned

    def takes(self) -> str:
        """The choice for people; only after `is_valid`."""
        return str(self.cleaned_data.get("takes_people") or "")

    def activities(self) -> dict[str, dict[str, str]]:
        """The rules that were chosen by kind; only after `is_valid`."""
        found: dict[str, dict[str, str]] = {}
        for kind in self.kinds:
            rule = self.cleaned_data.get(f"{kind}-rule")
            if not rule or (kind, rule) == (MEMBER, "responded"):
                continue
            found[kind] = {"rule": rule}
            if kind != MEMBER:
                found[kind]["channel"] = self.cleaned_data.get(f"{kind}-channel") or ""
            if kind == LIST:
                found[kind]["names"] = self.cleaned_data["list-names"]
        return found
