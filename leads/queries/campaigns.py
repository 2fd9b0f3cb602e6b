"""Who may do what with campaigns."""

from __future__ import annotations

from leads.models import Role, User


def may_enter_costs(user: User) -> bool:
    """Whether a person may say what a campaign cost: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)
