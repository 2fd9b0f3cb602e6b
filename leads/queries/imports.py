"""Who may do what with imports."""

from __future__ import annotations

from leads.models import Role, User


def may_import(user: User) -> bool:
    """Whether a person may bring files in: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)
