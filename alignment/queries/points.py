"""Who may do what with integration points."""

from __future__ import annotations

from leads.models import Role, User


def may_sign_off(user: User) -> bool:
    """Sales signs off; an admin may stand in."""
    return user.has_role(Role.SALES_LEADER, Role.ADMIN)


def may_plan(user: User) -> bool:
    """Those who sign off say who looks after it, and until when."""
    return may_sign_off(user)


def may_add_evidence(user: User) -> bool:
    """Both sides collect evidence."""
    return may_sign_off(user) or user.has_role(Role.MARKETING_DIRECTOR)
