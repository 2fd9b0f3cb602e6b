"""Somebody does not want a rule that rejections propose."""

from __future__ import annotations

from datetime import datetime

from leads.models import DismissedProposal, User
from leads.pure.refused import FieldRefused


class DismissRefused(FieldRefused):
    """A dismissal needs a reason."""


def dismiss_proposal(*, key: str, words: str, reason: str, by: User, at: datetime) -> DismissedProposal:
    """Propose it no more; once dismissed it stays as it was dismissed first. Raises DismissRefused."""
    if not reason.strip():
        raise DismissRefused("reason", "Say why, for those who see the same rejections.")
    row, _ = DismissedProposal.objects.get_or_create(
        key=key[:200],
        defaults={"words": words[:300], "reason": reason.strip()[:300], "by": by, "dismissed_at": at},
    )
    return row
