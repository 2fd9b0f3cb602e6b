"""Mark people whom the CRM lets own nothing any more: they are assigned no leads until it does again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from leads.models import User


def mark_left_crm(*, may_own: Mapping[int, bool], at: datetime) -> None:
    """Note since when people, by id, may own no records in any CRM that knows them; forget it once they may again."""
    gone = [user for user, may in may_own.items() if not may]
    back = [user for user, may in may_own.items() if may]
    User.objects.filter(pk__in=gone, left_crm_at__isnull=True).update(left_crm_at=at)
    User.objects.filter(pk__in=back, left_crm_at__isnull=False).update(left_crm_at=None)
