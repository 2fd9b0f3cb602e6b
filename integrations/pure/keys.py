"""The keys under which a CRM keeps our records."""

from __future__ import annotations

import uuid


def is_uuid(text: str) -> bool:
    """Whether a key may be a public id of ours: people write what they like into a CRM's field."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
