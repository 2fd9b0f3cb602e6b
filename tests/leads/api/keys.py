"""API keys for tests."""

from __future__ import annotations

from typing import Any

from leads.models import ApiKey, Scope


def make_key(*scopes: str, **fields: Any) -> tuple[ApiKey, dict[str, str]]:
    """A key with these scopes (default: capture and read leads) and the headers that use it."""
    chosen = list(scopes) or [Scope.LEADS_WRITE, Scope.LEADS_READ]
    key, text = ApiKey.objects.create_key(name="website", scopes=chosen, **fields)
    return key, {"Authorization": f"Bearer {text}"}
