"""Who sees connections, and who changes them."""

from __future__ import annotations

from integrations.models import EDITORS, LOOKERS
from leads.models import User


def may_see_connections(user: User) -> bool:
    """Whether connections are this person's business: those of all who answer for the sync."""
    return user.has_role(*LOOKERS)


def may_edit_connections(user: User) -> bool:
    """Whether this person changes connections."""
    return user.has_role(*EDITORS)
