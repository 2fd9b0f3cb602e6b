"""Which won deals people are asked about: what brought them?"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from attribution.models import SourceCheck
from leads.models import Opportunity, Role, User
from leads.models.opportunity import OpportunityQuerySet

SAMPLE = 100
DAYS = timedelta(days=180)


def deals_to_check(at: datetime) -> OpportunityQuerySet:
    """The same won deals for everybody: public ids are random, so their order is a draw that nobody chose."""
    deals = Opportunity.objects.won().filter(closed_at__gte=at - DAYS)
    chosen = list(deals.order_by("public_id").values_list("pk", flat=True)[:SAMPLE])
    return Opportunity.objects.filter(pk__in=chosen).order_by("-closed_at", "pk")


def unanswered(deals: OpportunityQuerySet) -> OpportunityQuerySet:
    """Those of which sales has not said yet what brought them."""
    answers = SourceCheck.objects.filter(opportunity=OuterRef("pk"), origin=SourceCheck.Origin.SALES)
    return deals.filter(~Exists(answers))


def may_measure(user: User) -> bool:
    """Whether a person may have the accuracies measured again: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def may_answer(user: User) -> bool:
    """Whether a person may say what brought a deal; directors of marketing would be judges in their own cause."""
    return user.has_role(Role.ADMIN, Role.SALES_LEADER, Role.SALES_REP)
