"""A text column that only the application can read."""

from __future__ import annotations

import base64
import hashlib
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


class SecretTextField(models.TextField[str, str]):
    """Text encrypted at rest with ``FIELD_ENCRYPTION_KEYS``. Never filter on it: equal texts have unequal ciphers."""

    def get_prep_value(self, value: Any) -> Any:
        if value in (None, ""):
            return value
        return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(str(value).encode()).decode()

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        if not value:
            return value
        try:
            return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise SecretUnreadable("A stored secret cannot be read with FIELD_ENCRYPTION_KEYS.") from error
