"""What another system keeps: opportunities, whose owner, stage and amount are changed there, and fields of leads.

Apps above register how they know; this app knows no CRM.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_

from django.db.models import Q

from leads.models import Opportunity
from leads.models.opportunity import OpportunityQuerySet

_conditions: list[Callable[[], Q]] = []


def keeps_opportunities(condition: Callable[[], Q]) -> Callable[[], Q]:
    """Register a condition on opportunities that another system keeps."""
    _conditions.append(condition)
    return condition


def kept_elsewhere() -> OpportunityQuerySet:
    """Opportunities that another system keeps."""
    return Opportunity.objects.filter(_any())


def kept_here() -> OpportunityQuerySet:
    """Opportunities that people change in the portal."""
    return Opportunity.objects.exclude(_any())


def _any() -> Q:
    return reduce(or_, (each() for each in _conditions), Q(pk__in=[]))


_fields: list[Callable[[int], Mapping[str, str]]] = []


def keeps_lead_fields(provider: Callable[[int], Mapping[str, str]]) -> Callable[[int], Mapping[str, str]]:
    """Register what tells, of a lead, who decides which of its fields: {our name: who}."""
    _fields.append(provider)
    return provider


def lead_fields_kept_elsewhere(lead_id: int) -> dict[str, str]:
    """The fields of a lead that another system decides, and which: what is written here would be written over."""
    found: dict[str, str] = {}
    for provider in _fields:
        found |= provider(lead_id)
    return found
