"""Building a form: what it is for, its fields in order, what it asks consent for, where it may stand."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from leads.forms.fields import ListField
from leads.models import Campaign, Company, TrackedSite, WebForm
from leads.pure.web_forms.answers import LANGUAGES
from leads.pure.web_forms.definition import ATTRIBUTE, INPUTS, MAX_FIELDS, PROPERTIES, Field, default_fields, fields_of


def origin(text: str) -> str:
    """Where a page stands, such as https://www.example.com. Raises ValueError."""
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be such as https://www.example.com")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1"):
        raise ValueError("must begin with https://")
    return f"{parts.scheme}://{parts.netloc.lower()}"


class WebFormForm(forms.ModelForm[WebForm]):
    """Everything about a form but its fields."""

    campaign = forms.ModelChoiceField(
        queryset=Campaign.objects.none(),
        required=False,
        empty_label="None: what the visitor's tags say",
        help_text="Counts where the visitor's own tags name no campaign.",
    )
    language = forms.ChoiceField(choices=LANGUAGES, help_text="Of error messages; you write the labels.")
    origins = ListField(
        clean_item=origin,
        label="Sites that may embed it",
        help_text="Such as https://www.example.com, https://example.com. Other sites cannot send it.",
    )
    redirect_url = forms.URLField(
        max_length=1000,
        required=False,
        assume_scheme="https",
        label="Or continue on this page",
        help_text="An address instead of the thank-you text.",
    )
    consent = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea({"rows": 3}),
        label="Consent text",
        help_text="Shown with a checkbox. Another wording is another version; the text that somebody saw stays with "
        "their consent.",
    )
    consent_required = forms.BooleanField(required=False, label="The form is only sent with consent")

    class Meta:
        model = WebForm
        fields = (
            "name",
            "kind",
            "title",
            "intro",
            "language",
            "submit_label",
            "campaign",
            "starts_at",
            "confirms_email",
            "thanks",
            "redirect_url",
            "origins",
            "fastest_seconds",
        )
        labels = {
            "kind": "Counts as",
            "intro": "Text above the fields",
            "submit_label": "Text of the button",
            "starts_at": "Webinar starts",
            "confirms_email": "Confirm the address by email (double opt-in)",
            "thanks": "Thank-you text",
            "fastest_seconds": "Minimum time to fill in, in seconds",
        }
        help_texts = {
            "name": "The name of the touchpoint, and of the form in lists.",
            "starts_at": "For webinar registrations, in the company's time zone.",
            "confirms_email": "Without a click in the confirmation email the sign-up makes no lead and gets no other "
            "email.",
            "fastest_seconds": "What is sent sooner after the form was opened is kept as spam.",
        }
        widgets = {
            "intro": forms.Textarea({"rows": 2}),
            "thanks": forms.Textarea({"rows": 2}),
            "starts_at": forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["campaign"].queryset = Campaign.objects.order_by("name", "pk")  # type: ignore[attr-defined]
        self.fields["starts_at"].input_formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]  # type: ignore[attr-defined]
        self.fields["fastest_seconds"].max_value = 60  # type: ignore[attr-defined]
        if self.instance.pk and self.instance.starts_at:
            there = timezone.localtime(self.instance.starts_at, Company.current().tz)
            self.initial["starts_at"] = there.strftime("%Y-%m-%dT%H:%M")

    def clean_redirect_url(self) -> str:
        url = str(self.cleaned_data["redirect_url"])
        if url and not url.startswith(("https://", "http://localhost", "http://127.0.0.1")):
            raise ValidationError("Give an address that begins with https://.")
        return url

    def clean_starts_at(self) -> Any:
        given = self.cleaned_data["starts_at"]
        # The clock of the company's wall, not of this server.
        return given.replace(tzinfo=Company.current().tz) if given else None

    @property
    def values(self) -> dict[str, Any]:
        """The form's columns; after ``is_valid()``."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class FieldForm(forms.Form):
    """One field of a form."""

    target = forms.ChoiceField(
        label="Property",
        choices=[*((name, each.label) for name, each in PROPERTIES.items()), (ATTRIBUTE, "An attribute of your own")],
    )
    label = forms.CharField(max_length=160, required=False)
    help = forms.CharField(max_length=300, required=False, label="Help")
    is_required = forms.BooleanField(required=False, label="Required")
    is_hidden = forms.BooleanField(required=False, label="Hidden, with a fixed value")
    value = forms.CharField(max_length=300, required=False, label="Fixed value")
    name = forms.CharField(max_length=40, required=False, label="Name of the attribute", help_text="Such as team_size")
    input = forms.ChoiceField(choices=[*INPUTS.items()], required=False, label="Asked as")
    options = forms.CharField(
        required=False, max_length=10_000, widget=forms.Textarea({"rows": 2}), label="Options, one a line"
    )

    def field(self) -> Field:
        """What was chosen; after ``is_valid()``."""
        given = self.cleaned_data
        is_own = given["target"] == ATTRIBUTE
        kind = PROPERTIES.get(given["target"])
        label = given["label"] or (kind.label if kind else "")
        return Field(
            target=given["target"],
            name=given["name"].strip() if is_own else given["target"],
            label=label,
            help=given["help"],
            input=(given["input"] or "text") if is_own else (kind.input if kind else "text"),
            options=tuple(line.strip() for line in given["options"].splitlines() if line.strip()) if is_own else (),
            is_required=given["is_required"] and not given["is_hidden"],
            is_hidden=given["is_hidden"],
            value=given["value"] if given["is_hidden"] else "",
        )


class FieldForms(forms.BaseFormSet[FieldForm]):
    """The fields in order."""

    def add_fields(self, form: FieldForm, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["ORDER"].label = "Place"
        form.fields["DELETE"].label = "Remove"
        form.fields["ORDER"].widget.attrs["class"] = "form-place"

    def chosen(self) -> list[Field]:
        """The fields that stay, in their order; after ``is_valid()``."""
        kept = [form for form in self.forms if form.has_changed() or form.initial]
        kept = [form for form in kept if not form.cleaned_data.get("DELETE") and form.cleaned_data.get("target")]
        return [form.field() for form in sorted(kept, key=_place)]


def _place(form: FieldForm) -> tuple[int, str]:
    place = form.cleaned_data.get("ORDER")
    return (MAX_FIELDS + 1 if place is None else int(place), form.prefix or "")


_Made = forms.formset_factory(
    FieldForm, formset=FieldForms, can_delete=True, can_order=True, extra=0, max_num=MAX_FIELDS, validate_max=True
)


def field_forms(form: WebForm | None, data: Any = None) -> FieldForms:
    """The fields of a form to change; those of a new one to begin with."""
    present = fields_of(form.fields) if form else default_fields()
    initial = [{**each.stored(), "options": "\n".join(each.options)} for each in present]
    return cast(FieldForms, _Made(data, initial=initial, prefix="fields"))


class SiteForm(forms.ModelForm[TrackedSite]):
    """A website that tells of visits."""

    origins = ListField(
        clean_item=origin,
        required=True,
        label="Where it is",
        help_text="Such as https://www.example.com, https://example.com. Other sites cannot send visits.",
    )

    class Meta:
        model = TrackedSite
        fields = ("name", "origins", "asks_consent", "is_open")
        labels = {"asks_consent": "Wait for consent", "is_open": "Take visits"}
        help_texts = {
            "asks_consent": "Nothing is stored on the visitor's device, and no visit is sent, before the site calls "
            "revops.consent(true).",
        }
