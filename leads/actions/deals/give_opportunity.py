"""Give a deal to another owner."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from leads.actions.deals.edit_opportunity import DealRefused
from leads.models import Opportunity, User
from leads.queries.deals import why_read_only


@transaction.atomic
def give_opportunity(*, opportunity_id: int, owner_id: int | None, at: datetime) -> None:
    """The deal's owner, or nobody. Raises DealRefused, Opportunity.DoesNotExist."""
    deal = Opportunity.objects.select_for_update(of=("self",)).get(pk=opportunity_id)
    if why := why_read_only(deal):
        raise DealRefused("", why)
    if owner_id is not None and not User.objects.active().filter(pk=owner_id).exists():
        raise DealRefused("owner", "There is no such active user.")
    Opportunity.objects.filter(pk=deal.pk).update(owner_id=owner_id, changed_at=at)
