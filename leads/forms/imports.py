"""Forms of the import pages: the upload, how to read the file, and the mapping of its columns and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms.boundfield import BoundField

from leads.actions.imports.opportunities import OPENED_BY_DATES
from leads.forms.import_words import WordMap, word_maps
from leads.models import Channel, FormKind, ImportKind, ImportMapping, ImportRun, Stage, WebForm
from leads.pure.imports.ad_presets import BY_SOURCE, PRESETS, order_of, zone_of
from leads.pure.imports.dates import DATE_ORDERS
from leads.pure.imports.encodings import ENCODINGS, WIDE, can_decode, examples
from leads.pure.imports.fields import AMOUNT, DATE, FIELDS, WORD, fields_holding
from leads.pure.imports.layout import DELIMITERS, first_lines
from leads.pure.imports.numbers import DECIMAL_SIGNS
from leads.pure.imports.proposals import propose_formats
from leads.pure.imports.table import MAX_BYTES, Reading, Table, open_table
from leads.pure.money import InvalidAmount, check_currency
from leads.pure.table_file import UnreadableFile

_EXAMPLES = 3


class UploadForm(forms.Form):
    """A file and what is in it."""

    kind = forms.ChoiceField(choices=ImportKind.choices, label="What is in the file")
    file = forms.FileField(
        label="CSV file",
        help_text="At most 50 MB. The format is detected; you can change it in the next step.",
        widget=forms.ClearableFileInput({"accept": ".csv,.txt,.tsv,text/csv"}),
        error_messages={"empty": "The file is empty."},
    )

    def clean_file(self) -> UploadedFile[bytes]:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise ValidationError(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Cut it into parts.")
        return file


class AttendanceFile(forms.Form):
    """A webinar's file of who came."""

    file = forms.FileField(
        label="CSV file",
        help_text="As the webinar service exports it: email, join time, minutes.",
        widget=forms.ClearableFileInput({"accept": ".csv,.txt,.tsv,text/csv"}),
        error_messages={"empty": "The file is empty.", "required": "Choose a file."},
    )

    def clean_file(self) -> UploadedFile[bytes]:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise ValidationError(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Cut it into parts.")
        return file


class ReadingForm(forms.Form):
    """How to read the bytes of the file: each choice shows what it makes of it."""

    encoding = forms.ChoiceField(label="Encoding", help_text="Choose the one that shows the letters as they should be.")
    delimiter = forms.ChoiceField(choices=DELIMITERS.items(), label="Delimiter")
    header_line = forms.TypedChoiceField(label="Header line", coerce=int, help_text="Lines above it are skipped.")

    def __init__(self, run: ImportRun, table: Table, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = table.reading.settings()
        super().__init__(*args, **kwargs)
        if run.kind == ImportKind.COSTS:
            self._add_preset(table, run.defaults.get("preset", ""))
        content, lines = table.content, first_lines(table.head())
        self.fields["encoding"].choices = [  # type: ignore[attr-defined]
            (name, f"{label}{_shown(content, name)}")
            for name, label in ENCODINGS.items()
            if name == table.reading.encoding or (name not in WIDE and can_decode(content, name))
        ]
        last = max(len(lines), table.reading.header_line)
        texts = {number: text.strip()[:60] for number, text in enumerate(lines, start=1)}
        self.fields["header_line"].choices = [  # type: ignore[attr-defined]
            (number, f"Line {number}: {texts.get(number) or '(empty)'}") for number in range(1, last + 1)
        ]

    def _add_preset(self, table: Table, source: str) -> None:
        preset = BY_SOURCE.get(source)
        said = "Choose the service if this is its campaign report by day."
        if preset:
            said = (
                f"Totals are left out, rows of one campaign and day are added up, and replace what {preset.name} said "
                f"before. Days end at midnight of: {zone_of(table, preset)}."
            )
        choices = [("", "None: a table of costs"), *((each.source, each.name) for each in PRESETS)]
        self.fields["preset"] = forms.ChoiceField(
            choices=choices, required=False, label="Export of", initial=source, help_text=said
        )

    @property
    def preset(self) -> str:
        """The service chosen; after ``is_valid()``."""
        return str(self.cleaned_data.get("preset", ""))

    @property
    def reading(self) -> Reading:
        """What was chosen; after ``is_valid()``."""
        return Reading.of(self.cleaned_data)


class MappingForm(forms.Form):
    """Which column feeds which field, how days and amounts are written, what the file's words mean, and what holds for
    every row."""

    save_as = forms.CharField(
        max_length=80, required=False, label="Save this mapping as", help_text="A name under which to find it again."
    )

    def __init__(
        self, run: ImportRun, table: Table, *args: Any, pages: Mapping[str, int] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.run, self.table = run, table
        # Everything that is asked of the whole file below, in one reading.
        telling = [name for holds in (DATE, AMOUNT, WORD) for name in fields_holding(run.kind, holds)]
        table.columns({run.columns[name] for name in telling if run.columns.get(name) in table.header})
        self.formats = propose_formats(table, run.kind, run.columns, order_of(run.defaults))
        self.maps = word_maps(run, table, pages)
        choices = [("", "— no column —"), *((name, name) for name in table.header)]
        for each in FIELDS[run.kind]:
            self.fields[f"column_{each.name}"] = forms.ChoiceField(
                choices=choices,
                label=each.label,
                required=False,
                help_text=each.help,
                initial=run.columns.get(each.name, ""),
            )
        self._add_format("dates", "Order of day and month", DATE_ORDERS)
        self._add_format("decimal", "Amounts are written with", DECIMAL_SIGNS)
        for each_map in self.maps:
            self.fields.update(each_map.form_fields())
        self._add_settings()

    def _add_format(self, name: str, label: str, choices: Mapping[str, str]) -> None:
        guess = dict(self.formats.items())[name]
        if not guess.example and not self.run.defaults.get(name):
            return
        said = "" if not guess.is_open else f"“{guess.example}” could mean two things: please choose."
        self.fields[name] = forms.ChoiceField(
            choices=[("", "— choose —"), *choices.items()],
            label=label,
            required=guess.is_open,
            initial=self.run.defaults.get(name) or guess.value,
            help_text=said or (f"Told by “{guess.example}”." if guess.example else ""),
            error_messages={"required": f"“{guess.example}” could mean two things. Choose which."},
        )

    def _add_settings(self) -> None:
        kind, given = self.run.kind, self.run.defaults
        if kind == ImportKind.LEADS:
            stages = [(each.value, str(each.label)) for each in (Stage.MQL, Stage.SAL, Stage.SQL)]
            channels = list(Channel.objects.order_by("position", "pk").values_list("key", "name"))
            self._choose(
                "stage",
                "These people are",
                [("", "Lead"), *stages],
                "Since their first contact; skipped stages are marked as inferred. A stage column decides first.",
            )
            self._choose(
                "channel", "Channel of files without such a column", [("", "Other, or the campaign's"), *channels]
            )
            self._tick("needs_intake", "Hand them to sales: assign and plan follow-ups as if they came in now")
        elif kind == ImportKind.OPPORTUNITIES:
            status = [("", "Open, unless the column says otherwise"), ("won", "Won"), ("lost", "Lost")]
            self._choose("status", "Deals without a stage are", status)
            opened = [
                ("", "Their lead's first contact"),
                (OPENED_BY_DATES, "The day they closed; the day of this import while open"),
            ]
            self._choose("opened", "Deals without an opening date opened with", opened)
            self._tick("create_accounts", "Create accounts that are not here yet")
        if kind == ImportKind.ATTENDANCE:
            webinars = WebForm.objects.filter(kind=FormKind.WEBINAR_REGISTRATION).order_by("-pk")
            self._choose(
                "web_form",
                "Webinar",
                [("", "— choose —"), *((str(each.public_id), each.name) for each in webinars)],
                "Who registered and is not in the file counts as a no-show.",
            )
            self.fields["web_form"].required = True
        if kind in (ImportKind.OPPORTUNITIES, ImportKind.COSTS):
            self.fields["currency"] = forms.CharField(
                max_length=3,
                required=False,
                label="Currency",
                initial=given.get("currency", ""),
                help_text="Of rows that name none; empty means the company's.",
            )
        if kind in (ImportKind.LEADS, ImportKind.OPPORTUNITIES, ImportKind.ACCOUNTS):
            self._tick("keep_other_columns", "Keep the other columns, too")

    def _choose(self, name: str, label: str, choices: Sequence[tuple[str, str]], help_text: str = "") -> None:
        self.fields[name] = forms.ChoiceField(
            choices=choices, required=False, label=label, initial=self.run.defaults.get(name, ""), help_text=help_text
        )

    def _tick(self, name: str, label: str) -> None:
        self.fields[name] = forms.BooleanField(required=False, label=label, initial=self.run.defaults.get(name, False))

    def clean_currency(self) -> str:
        text: str = self.cleaned_data["currency"].strip().upper()
        try:
            return check_currency(text) if text else ""
        except InvalidAmount as error:
            raise ValidationError(str(error)) from error

    @property
    def columns(self) -> dict[str, str]:
        """The chosen columns by field; after ``is_valid()``."""
        given = self.cleaned_data
        names = [each.name for each in FIELDS[self.run.kind]]
        return {name: given[f"column_{name}"] for name in names if given[f"column_{name}"]}

    @property
    def defaults(self) -> dict[str, Any]:
        """How the file is read, and the settings for every row; after ``is_valid()``."""
        names = [
            "stage",
            "channel",
            "needs_intake",
            "status",
            "opened",
            "create_accounts",
            "currency",
            "keep_other_columns",
            "dates",
            "decimal",
            "web_form",
        ]
        chosen = {name: value for name in names if (value := self.cleaned_data.get(name))}
        for each in self.maps:
            chosen[each.setting] = each.chosen(self.cleaned_data)
        return {**self.table.reading.settings(), **chosen}

    def remapped(self) -> list[WordMap]:
        """The value maps whose column is another one now, so that their words are still to be shown."""
        shown = {each.field: each.column for each in self.maps}
        now = word_maps(ImportRun(kind=self.run.kind, columns=self.columns, defaults=self.defaults), self.table)
        return [each for each in now if each.words and shown.get(each.field) != each.column]

    def column_fields(self) -> Iterator[tuple[BoundField, list[str]]]:
        """Each field's select, with a few cells of its column."""
        columns = [self.run.columns[each.name] for each in FIELDS[self.run.kind] if each.name in self.run.columns]
        cells: dict[str, list[str]] = {name: [] for name in columns}
        for row in self.table.sample():
            for name, found in cells.items():
                if (cell := row.cells.get(name, "")) and cell not in found and len(found) < _EXAMPLES:
                    found.append(cell)
        for each in FIELDS[self.run.kind]:
            yield self[f"column_{each.name}"], cells.get(self.run.columns.get(each.name, ""), [])

    def format_fields(self) -> list[BoundField]:
        """How days and amounts are written, where the file has any that need it."""
        return [self[name] for name in ("dates", "decimal") if name in self.fields]

    def word_groups(self) -> list[tuple[WordMap, list[BoundField]]]:
        """Each value map with the selects of its words."""
        return [(each, [self[name] for name in each.names()]) for each in self.maps if each.words]

    def setting_fields(self) -> list[BoundField]:
        """The settings for every row."""
        others = {name for each in self.maps for name in each.names()} | {"save_as", "dates", "decimal"}
        return [self[name] for name in self.fields if not name.startswith("column_") and name not in others]


def saved_mappings(run: ImportRun, header: Sequence[str]) -> list[ImportMapping]:
    """Mappings of this kind whose columns the file all has, read as the mapping or as the file says."""
    saved = ImportMapping.objects.filter(kind=run.kind).order_by("name")
    return [each for each in saved if reading_for(each, run, header) is not None]


def reading_for(mapping: ImportMapping, run: ImportRun, header: Sequence[str]) -> Reading | None:
    """How to read the file so that it has the mapping's columns; None where it has not."""
    wanted = set(mapping.columns.values())
    try:
        saved = open_table(bytes(run.content), run.kind, Reading.of(mapping.defaults))
    except UnreadableFile:
        saved = None
    if saved and wanted <= set(saved.header):
        return saved.reading
    return Reading.of(run.defaults) if wanted <= set(header) else None


def _shown(content: bytes, encoding: str) -> str:
    words = examples(content, encoding, most=2)
    return f": {', '.join(words)[:60]}" if words else ""
