"""Who may change which deal, and why not."""

from __future__ import annotations

from leads.models import Opportunity, Role, User
from leads.queries.kept_elsewhere import kept_elsewhere


def may_edit_deal(user: User, deal: Opportunity) -> bool:
    """Whether a person may change deals of this owner: the owner, sales leaders and admins."""
    return deal.owner_id == user.pk or user.has_role(Role.SALES_LEADER, Role.ADMIN)


def why_read_only(deal: Opportunity) -> str:
    """Why nobody changes the deal here; empty where people do."""
    if deal.deleted_at is not None:
        return "This deal was deleted where it is kept."
    if kept_elsewhere().filter(pk=deal.pk).exists():
        return "A connected CRM keeps this deal: change it there, and the next sync brings it here."
    return ""
