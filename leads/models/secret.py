"""Columns that only the application can read."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class SecretUnreadable(Exception):
    """No configured key decrypts the stored value."""


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    # Any text may be a key: it is stretched to Fernet's 32 bytes. The first key encrypts, all decrypt (rotation).
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys])


def _encrypt(text: str) -> str:
    return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def _decrypt(text: str) -> str:
    try:
        return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(text.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable("A stored secret cannot be read with FIELD_ENCRYPTION_KEYS.") from error


class SecretTextField(models.TextField[str, str]):
    """Text encrypted at rest with ``FIELD_ENCRYPTION_KEYS``. Never filter on it: equal texts have unequal ciphers."""

    def get_prep_value(self, value: Any) -> Any:
        return value if value in (None, "") else _encrypt(str(value))

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return _decrypt(value) if value else value


class SecretJSONField(models.TextField[dict[str, str], dict[str, str]]):
    """A mapping of texts, encrypted as a whole. Reads as a dict; an empty one is stored as empty text."""

    def get_prep_value(self, value: Any) -> Any:
        return _encrypt(json.dumps(value, sort_keys=True)) if value else ""

    def from_db_value(self, value: str | None, expression: object, connection: object) -> dict[str, str]:
        return dict(json.loads(_decrypt(value))) if value else {}

    def to_python(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) and value else value or {}
