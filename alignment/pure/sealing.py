"""A seal over plain data: the same data has the same digest, whichever database it was read back from."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


def plain(value: Any) -> Any:
    """The value as JSON keeps it in every database.

    PostgreSQL stores JSON numbers as decimals, so that a whole float comes back as an integer and a negative zero as
    zero; both are settled here, before the seal. Numbers that are not finite become None.
    """
    match value:
        case None | bool() | str():
            return value
        case int():
            return int(value)
        case Decimal():
            return str(value)
        case float():
            if not math.isfinite(value):
                return None
            return int(value) if value.is_integer() else value
        case datetime() | date():
            return value.isoformat()
        case UUID():
            return str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
    return str(value)


def digest(value: Any) -> str:
    """SHA-256 of the value as canonical JSON, as 64 hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
