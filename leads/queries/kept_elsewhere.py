"""Which opportunities another system keeps: their owner, stage and amount are changed there, not here.

Apps above register how they know; this app knows no CRM.
"""

from __future__ import annotations

from collections.abc import Callable
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
