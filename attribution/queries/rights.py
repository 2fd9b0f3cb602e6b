"""Who may do what with attribution."""

from __future__ import annotations

from leads.models import Role, User


def may_run(user: User) -> bool:
    """Whether a person may have everything computed anew: admins."""
    return user.has_role(Role.ADMIN)


def may_change_methods(user: User) -> bool:
    """Whether a person may make and edit the company's own methods, and let those that learn learn anew: admins."""
    return user.has_role(Role.ADMIN)


def may_measure(user: User) -> bool:
    """Whether a person may have the accuracies measured again: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def may_answer(user: User) -> bool:
    """Whether a person may say what brought a deal; directors of marketing would be judges in their own cause."""
    return user.has_role(Role.ADMIN, Role.SALES_LEADER, Role.SALES_REP)
