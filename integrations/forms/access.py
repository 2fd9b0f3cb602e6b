"""How a CRM is reached and opened: exactly what its way of signing in asks for. Secrets go in and never come out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from integrations.actions.connections.open_connector import open_account
from integrations.connectors.base import CrmError, SecretSpec, SignIn, Vendor
from integrations.models import Connection

# A code of `CrmError` that speaks of the address; every other one found while opening speaks of what was entered.
_ADDRESS = ("host_refused", "redirect_refused")
_KEEP = "Leave it empty to keep the present one."


class SecretInput(forms.PasswordInput):
    """Never shows what it holds, and asks password managers to keep out."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False)


class SecretArea(forms.Textarea):
    """The same for keys of many lines."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "off", "spellcheck": "false", "rows": 4})

    def format_value(self, value: Any) -> str | None:
        return None


def sandbox_address(vendor: Vendor) -> str:
    """Where this kind of CRM can be tried without an account; empty where that is not allowed."""
    if not settings.SANDBOX_CRM_ALLOWED or not (vendor.sandbox_path or vendor.kind == "sandbox"):
        return ""
    return f"{settings.SANDBOX_CRM_URL or 'http://127.0.0.1:8081'}{vendor.sandbox_path}"


class AccessForm(forms.Form):
    """Name, address, settings and secrets for one way of signing in at one kind of CRM.

    With ``connection`` the form edits: secrets left empty stay as they are. With ``is_sandbox`` address and secrets of
    the sandbox are filled in on our side and never sent to the page.
    """

    name = forms.CharField(label="Name", max_length=80, help_text="As your team calls it.")
    base_url = forms.URLField(label="Address", max_length=300, assume_scheme="https")
    currency = forms.RegexField(
        label="Currency",
        regex=r"^[A-Za-z]{3}$",
        required=False,
        help_text="Of amounts that name none, such as EUR. Empty: the CRM's own.",
    )

    def __init__(
        self,
        data: Any = None,
        *,
        vendor: Vendor,
        sign_in: SignIn,
        connection: Connection | None = None,
        is_sandbox: bool = False,
    ) -> None:
        self.vendor, self.sign_in, self.connection = vendor, sign_in, connection
        self.is_sandbox = is_sandbox and bool(sandbox_address(vendor))
        super().__init__(data, initial=self._present())
        self.fields["base_url"].help_text = vendor.url_help or "As the CRM's own pages name it."
        # Of another way of signing in nothing is kept: its secrets have other meanings.
        self.kept = connection.all_secrets if connection and connection.sign_in in ("", sign_in.key) else {}
        fills = self._fills()
        for spec in sign_in.settings:
            if spec.name not in fills:
                self.fields[f"setting-{spec.name}"] = _setting(spec, connection)
        for spec in sign_in.secrets:
            if spec.name not in fills:
                self.fields[f"secret-{spec.name}"] = _secret(spec, is_kept=bool(self.kept.get(spec.name)))
        if connection is not None:
            self.fields["merges_people"] = _merges_people(connection)
        if self.is_sandbox:
            del self.fields["base_url"]
        self.order_fields(["name", "base_url"])

    def _present(self) -> dict[str, str]:
        if self.connection is None:
            return {
                "name": f"{self.vendor.name} sandbox" if self.is_sandbox else self.vendor.name,
                "base_url": self.vendor.base_url,
            }
        own = self.connection
        return {"name": own.name, "base_url": own.base_url, "currency": own.currency}

    def _fills(self) -> dict[str, str]:
        """What the sandbox takes, by name, where we know its token."""
        if not (self.is_sandbox and settings.SANDBOX_CRM_TOKEN):
            return {}
        token = settings.SANDBOX_CRM_TOKEN
        names = [spec.name for spec in (*self.sign_in.secrets, *self.sign_in.settings)]
        return {name: "portal" if name in ("client_id", "username") else token for name in names}

    def clean_base_url(self) -> str:
        url = str(self.cleaned_data["base_url"]).rstrip("/")
        if any(mark in url for mark in "?#"):
            raise forms.ValidationError("An address without a query, please.")
        return url

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        url = sandbox_address(self.vendor) if self.is_sandbox else cleaned.get("base_url")
        if url:
            # Opening sends nothing: it only looks at the address.
            given = {**{spec.name: "-" for spec in self.sign_in.secrets}, **self.secrets()}
            try:
                open_account(
                    kind=self.vendor.kind, base_url=url, secrets=given, account_settings=self.account_settings()
                ).close()
            except CrmError as error:
                place = "base_url" if error.code in _ADDRESS and "base_url" in self.fields else None
                self.add_error(place, str(error))
            cleaned["base_url"] = url
        return cleaned

    def secrets(self) -> dict[str, str]:
        """The secrets that were given, by name."""
        return self._fills_for(self.sign_in.secrets) | self._given("secret-")

    def account_settings(self) -> dict[str, str]:
        """The vendor's plain settings with the way of signing in."""
        given = self._fills_for(self.sign_in.settings) | self._given("setting-")
        return {**given, "sign_in": self.sign_in.key}

    def values(self) -> dict[str, Any]:
        """What the actions take; only after `is_valid`."""
        settings_given = self.account_settings()
        del settings_given["sign_in"]
        return {
            "name": self.cleaned_data["name"],
            "base_url": self.cleaned_data["base_url"],
            "currency": str(self.cleaned_data["currency"]).upper(),
            "sign_in": self.sign_in.key,
            "account_settings": settings_given,
            "secrets": self.secrets(),
            **({"merges_people": self.cleaned_data["merges_people"]} if self.connection else {}),
        }

    def _fills_for(self, specs: tuple[SecretSpec, ...]) -> dict[str, str]:
        fills = self._fills()
        return {spec.name: fills[spec.name] for spec in specs if spec.name in fills}

    def _given(self, prefix: str) -> dict[str, str]:
        return {
            name.removeprefix(prefix): str(value)
            for name, value in self.cleaned_data.items()
            if name.startswith(prefix) and value
        }


def _merges_people(connection: Connection) -> forms.Field:
    return forms.BooleanField(
        label="Merge two leads here when the CRM has merged their records",
        required=False,
        initial=connection.merges_people,
        help_text="The lead of the record that lives on survives and takes over what the other one has. Each such merge"
        " can be taken back for 30 days, on the lead's page or by undoing the pull. Without it the run only says that"
        " they are still two here.",
    )


def _setting(spec: SecretSpec, connection: Connection | None) -> forms.Field:
    present = str(connection.settings.get(spec.name, "")) if connection else ""
    return forms.CharField(
        label=spec.label, max_length=300, help_text=spec.help, required=not spec.is_optional, initial=present
    )


def _secret(spec: SecretSpec, *, is_kept: bool) -> forms.Field:
    words = [spec.help, _KEEP if is_kept else "", "Stored encrypted; nobody can read it here afterwards."]
    return forms.CharField(
        label=spec.label,
        max_length=8000,
        required=not (spec.is_optional or is_kept),
        widget=SecretArea() if spec.is_long else SecretInput(),
        help_text=" ".join(word for word in words if word),
    )
