"""Mark messages in the portal as read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from leads.models import Notification, User


def mark_read(*, user: User, at: datetime, public_id: UUID | None = None) -> int:
    """One of a person's messages, or all of them; returns how many were unread."""
    unread = Notification.objects.visible_to(user).unread()
    if public_id is not None:
        unread = unread.filter(public_id=public_id)
    return unread.update(read_at=at)
