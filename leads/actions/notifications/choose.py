"""Choose which messages come by which channel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from leads.models import NotificationPreference, User


@transaction.atomic
def choose(*, user: User, choices: Mapping[tuple[str, str], bool], at: datetime) -> None:
    """Keep what a person wants by (kind, channel)."""
    NotificationPreference.objects.bulk_create(
        [
            NotificationPreference(user=user, kind=kind, channel=channel, is_on=is_on, changed_at=at)
            for (kind, channel), is_on in choices.items()
        ],
        update_conflicts=True,
        unique_fields=["user", "kind", "channel"],
        update_fields=["is_on", "changed_at"],
    )
