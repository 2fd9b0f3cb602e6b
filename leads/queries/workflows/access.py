"""Who may read and who may change workflows."""

from __future__ import annotations

from leads.models import Role, User


def may_change_workflows(user: User) -> bool:
    """Whether a person may build, activate, switch and decide about unclear emails."""
    return user.has_role(Role.ADMIN)
