"""Settle a link: note at it what was agreed with a record, and what became of that in the CRM."""

from __future__ import annotations

from datetime import datetime

from integrations.connectors.base import RemoteRecord
from integrations.models import ExternalRecord


def settle_link(
    *,
    link: ExternalRecord,
    record: RemoteRecord,
    snapshot: dict[str, str],
    winner: ExternalRecord | None,
    noun: str,
    at: datetime,
) -> list[str]:
    """Not saved; returns what to tell of it. ``winner`` is the link of the record that this one was merged into, and
    ``noun`` what people call the row of ours. What is added to the ``snapshot`` afterwards is agreed, too."""
    link.snapshot, link.remote_changed_at, link.synced_at = snapshot, record.modified_at, at
    link.archived_at = record.modified_at if record.is_archived or record.merged_into else None
    link.merged_into = ""
    if not record.merged_into:
        return []
    if winner is not link:
        link.merged_into = record.merged_into[:120]
        return []
    # Ours follows the record that lives on.
    link.remote_id, link.archived_at, link.snapshot = record.merged_into, None, {}
    return [f"Merged into {record.merged_into} in the CRM; the {noun} is known by that now."]
