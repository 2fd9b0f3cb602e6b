"""Forms of the import pages: the file, and which column feeds which field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms.boundfield import BoundField

from leads.models import Channel, ImportKind, ImportMapping, ImportRun, Stage
from leads.pure.imports.fields import CHANNEL_WORDS, FIELDS, channel_words, plain
from leads.pure.imports.table import MAX_BYTES, Table
from leads.pure.money import InvalidAmount, currency_decimals


class UploadForm(forms.Form):
    """A file and what is in it."""

    kind = forms.ChoiceField(choices=ImportKind.choices, label="What is in the file")
    file = forms.FileField(
        label="CSV file",
        help_text="Any delimiter, UTF-8 or Windows encoding, at most 50 MB; the first line names the columns.",
        widget=forms.ClearableFileInput({"accept": ".csv,.txt,.tsv,text/csv"}),
        error_messages={"empty": "The file is empty."},
    )

    def clean_file(self) -> UploadedFile[bytes]:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise ValidationError(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Cut it into parts.")
        return file


class MappingForm(forms.Form):
    """Which column feeds which field, what holds for every row, and where the file's channel words lead.

    ``columns``, ``words`` and ``others`` are the three groups of bound fields.
    """

    save_as = forms.CharField(
        max_length=80, required=False, label="Save this mapping as", help_text="A name under which to find it again."
    )

    def __init__(self, run: ImportRun, table: Table, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.run, self.table = run, table
        choices = [("", "— no column —"), *((name, name) for name in table.header)]
        for each in FIELDS[run.kind]:
            self.fields[f"column_{each.name}"] = forms.ChoiceField(
                choices=choices,
                label=each.label,
                required=False,
                help_text=each.help,
                initial=run.columns.get(each.name, ""),
            )
        self.words: list[str] = []
        self.channels = list(Channel.objects.order_by("position", "pk").values_list("key", "name"))
        self._add_settings()
        if run.kind == ImportKind.LEADS and (column := run.columns.get("channel")):
            self._add_words(column)

    def _add_settings(self) -> None:
        kind, given = self.run.kind, self.run.defaults
        currency = forms.CharField(
            max_length=3,
            required=False,
            label="Currency",
            initial=given.get("currency", ""),
            help_text="Of rows that name none; empty means the company's.",
        )
        if kind == ImportKind.LEADS:
            stages = [(each.value, each.label) for each in (Stage.MQL, Stage.SAL, Stage.SQL)]
            self.fields["stage"] = forms.ChoiceField(
                choices=[("", "Lead"), *stages],
                required=False,
                label="These people are",
                initial=given.get("stage", ""),
                help_text="Since their first contact; skipped stages are marked as inferred.",
            )
            self.fields["channel"] = forms.ChoiceField(
                choices=[("", "Other, or the campaign's"), *self.channels],
                required=False,
                label="Channel of files without such a column",
                initial=given.get("channel", ""),
            )
            self.fields["needs_intake"] = forms.BooleanField(
                required=False,
                label="Hand them to sales: assign and plan follow-ups as if they came in now",
                initial=given.get("needs_intake", False),
            )
        elif kind == ImportKind.OPPORTUNITIES:
            self.fields["status"] = forms.ChoiceField(
                choices=[("", "Open, unless the column says otherwise"), ("won", "Won"), ("lost", "Lost")],
                required=False,
                label="Deals without a stage are",
                initial=given.get("status", ""),
            )
            self.fields["currency"] = currency
        else:
            self.fields["currency"] = currency
        if kind != ImportKind.COSTS:
            self.fields["keep_other_columns"] = forms.BooleanField(
                required=False,
                label="Keep the other columns, too",
                initial=given.get("keep_other_columns", False),
            )

    def _add_words(self, column: str) -> None:
        self.words = self.table.words(column)
        saved = channel_words(self.run.defaults.get("channels", {}))
        for index, word in enumerate(self.words):
            self.fields[f"word_{index}"] = forms.ChoiceField(
                choices=self.channels,
                label=word or "(empty)",
                initial=saved.get(plain(word)) or CHANNEL_WORDS.get(plain(word), "other"),
            )

    def clean_currency(self) -> str:
        text: str = self.cleaned_data["currency"].strip().upper()
        try:
            if text:
                currency_decimals(text)
        except InvalidAmount as error:
            raise ValidationError(str(error)) from error
        return text

    @property
    def columns(self) -> dict[str, str]:
        """The chosen columns by field; after ``is_valid()``."""
        given = self.cleaned_data
        names = [each.name for each in FIELDS[self.run.kind]]
        return {name: given[f"column_{name}"] for name in names if given[f"column_{name}"]}

    @property
    def defaults(self) -> dict[str, Any]:
        """The settings for every row; after ``is_valid()``."""
        names = ("stage", "channel", "needs_intake", "status", "currency", "keep_other_columns")
        chosen = {name: value for name in names if (value := self.cleaned_data.get(name))}
        if self.words:
            chosen["channels"] = {word: self.cleaned_data[f"word_{index}"] for index, word in enumerate(self.words)}
        return chosen

    def column_fields(self) -> Iterator[tuple[BoundField, list[str]]]:
        """Each field's select, with a few cells of its column."""
        for each in FIELDS[self.run.kind]:
            column = self.run.columns.get(each.name, "")
            yield self[f"column_{each.name}"], self.table.words(column, most=2, among=50) if column else []

    def word_fields(self) -> list[BoundField]:
        """The selects of the channel words."""
        return [self[f"word_{index}"] for index in range(len(self.words))]

    def setting_fields(self) -> list[BoundField]:
        """The settings for every row."""
        return [self[name] for name in self.fields if not name.startswith(("column_", "word_")) and name != "save_as"]


def saved_mappings(run: ImportRun, header: Sequence[str]) -> list[ImportMapping]:
    """Mappings of this kind whose columns the file all has."""
    saved = ImportMapping.objects.filter(kind=run.kind).order_by("name")
    return [each for each in saved if set(each.columns.values()) <= set(header)]
