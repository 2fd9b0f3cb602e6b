"""Forms of the connection pages."""

from __future__ import annotations

from typing import Any

from django import forms

from integrations.actions.open_connector import open_account
from integrations.connectors import vendors
from integrations.connectors.base import CrmError
from integrations.models import Connection, StageMap, SyncRecord
from leads.models import PipelineStage


class SecretInput(forms.PasswordInput):
    """Never shows what it holds, and asks password managers to keep out."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False)


def _secret_field(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=2000,
        widget=SecretInput(),
        help_text="Stored encrypted. Nobody can read it here afterwards, only replace it.",
    )


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A new connection. The address is one that its connector may go to, or it is refused here."""

    kind = forms.ChoiceField(label="CRM", choices=[(each.kind, each.name) for each in vendors()])
    base_url = forms.URLField(
        label="Address of its API",
        max_length=300,
        assume_scheme="https",
        help_text="As the CRM's own pages name it, for example https://api.crm.example.",
    )
    secret = _secret_field("Access token")

    class Meta:
        model = Connection
        fields = ("name", "kind", "base_url")

    def clean_base_url(self) -> str:
        return str(self.cleaned_data["base_url"]).rstrip("/")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        url, kind = cleaned.get("base_url"), cleaned.get("kind")
        if url and kind:
            try:
                open_account(kind=kind, base_url=url, secret=str(cleaned.get("secret") or "-")).close()
            except CrmError as error:
                self.add_error("base_url", str(error))
            else:
                if any(mark in url for mark in "?#"):
                    self.add_error("base_url", "An address without a query, please.")
        return cleaned


class SecretForm(forms.Form):
    """Another secret for a connection; write-only."""

    secret = _secret_field("New access token")


class StageMapForm(forms.Form):
    """One choice for each of the CRM's stages."""

    def __init__(self, rows: list[StageMap], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stages = [("", "Not mapped"), *((row.pk, row.name) for row in PipelineStage.objects.order_by("position"))]
        for row in rows:
            self.fields[f"stage-{row.pk}"] = forms.TypedChoiceField(
                label=row.remote_name or row.remote_key,
                choices=stages,
                coerce=int,
                empty_value=None,
                required=False,
                initial=row.stage_id or "",
                widget=forms.Select(attrs={"class": "form-select"}),
            )

    def choices(self) -> dict[int, int | None]:
        """The chosen stage by row; only after `is_valid`."""
        return {int(name.removeprefix("stage-")): value for name, value in self.cleaned_data.items()}


class RecordFilter(forms.Form):
    """Which records of a run to show."""

    outcome = forms.ChoiceField(
        label="Outcome", required=False, choices=[("", "All outcomes"), *SyncRecord.Outcome.choices]
    )
