"""Who may do what with leads, costs, imports and channel rules."""

from __future__ import annotations

from collections.abc import Iterable

from leads.models import Lead, Role, User


def may_work(user: User, lead: Lead) -> bool:
    """Whether a person may accept, reject or follow up: the owner, sales leaders and admins."""
    return lead.owner_id == user.pk or user.has_role(Role.SALES_LEADER, Role.ADMIN)


def may_merge(*, user: User, leads: Iterable[Lead]) -> bool:
    """Whether a person may merge these: admins and sales leaders any leads, others those that they own themselves."""
    return user.has_role(Role.ADMIN, Role.SALES_LEADER) or all(lead.owner_id == user.pk for lead in leads)


def may_enter_costs(user: User) -> bool:
    """Whether a person may say what a campaign cost: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def may_import(user: User) -> bool:
    """Whether a person may bring files in: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def may_read_channel_rules(user: User) -> bool:
    """Whether a person may see the channel rules and what they did: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def may_change_channel_rules(user: User) -> bool:
    """Whether a person may add, change, move, remove, take back and apply channel rules: admins."""
    return user.has_role(Role.ADMIN)
