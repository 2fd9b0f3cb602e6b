"""Which opportunities' credits may have changed, asked set by set of the rows that say when they were written."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Count, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Greatest

from attribution.models import Credit, JourneyScope, JourneyState
from attribution.pure.journeys.candidates import everybody
from attribution.queries.columns import listed, read_columns
from leads.models import Lead, LeadEvent, Opportunity, OpportunityContact, TouchChannelChange, Touchpoint

EVERY_TOUCH = "linear"
_OF_PEOPLE = (LeadEvent.Kind.MERGED, LeadEvent.Kind.UPDATED)


def robbed_opportunities(*, scopes: Collection[str]) -> list[int]:
    """Ids of opportunities whose credits deleted touches took along; costs nothing where there are none."""
    short = JourneyState.objects.filter(scope__in=scopes, hash_high=0)
    return sorted(set(short.values_list("opportunity_id", flat=True)))


def short_opportunities(*, scopes: Collection[str]) -> list[int]:
    """Ids of opportunities that have fewer credits than they were given, however they lost them.

    The linear method credits every counted touch, or nobody where there is none. Two sums over all credits tell whether
    any are missing; only then is looked for whose.
    """
    states = JourneyState.objects.filter(scope__in=scopes)
    given = Greatest(F("touches"), 1)
    kept = Credit.objects.filter(scope__in=scopes, method=EVERY_TOUCH)
    if kept.order_by().count() >= (states.aggregate(given=Sum(given))["given"] or 0):
        return []
    own = kept.filter(opportunity=OuterRef("opportunity"), scope=OuterRef("scope")).order_by()
    found = own.values("opportunity").annotate(number=Count("pk")).values("number")
    short = states.annotate(found=Coalesce(Subquery(found), 0)).filter(found__lt=given)
    return sorted(set(short.values_list("opportunity_id", flat=True)))


def changed_opportunities(*, since: datetime, scopes: Collection[str], needs_points: bool) -> list[int]:
    """Ids of opportunities with news recorded at ``since`` or later, ascending.

    News are a change of the deal or of its people, a touch of them or another channel of one, and a merge, a move to
    another account or a first score of one of them. What is changed without a word is not among them: only
    a comparison of everything finds that.
    """
    touched = read_columns(Touchpoint.objects.filter(recorded_at__gte=since), lead="lead_id")["lead"].tolist()
    kinds = [*_OF_PEOPLE, LeadEvent.Kind.SCORED] if needs_points else list(_OF_PEOPLE)
    events = LeadEvent.objects.filter(recorded_at__gte=since, kind__in=kinds)
    moved = TouchChannelChange.objects.filter(changed_at__gte=since).values_list("touchpoint__lead_id", flat=True)
    leads = sorted({*touched, *moved, *events.values_list("lead_id", flat=True)})
    found = set(Opportunity.objects.filter(changed_at__gte=since).values_list("pk", flat=True))
    if not leads:
        return sorted(found)
    merged = read_columns(Lead.objects.filter(merged_into__isnull=False), lead="pk", into="merged_into_id")
    people = listed(everybody(leads, merged))
    of_people = Q(pk__in=OpportunityContact.objects.filter(lead_id__in=people).values("opportunity"))
    if JourneyScope.ACCOUNT in scopes:
        accounts = Lead.objects.filter(pk__in=people, account_id__isnull=False).values("account_id")
        of_people |= Q(account_id__in=accounts)
        # Those of an account that somebody left: only the credits still know.
        theirs = Credit.objects.filter(scope=JourneyScope.ACCOUNT, method=EVERY_TOUCH, touchpoint__lead__in=people)
        of_people |= Q(pk__in=theirs.order_by().values("opportunity"))
    found.update(Opportunity.objects.filter(of_people).values_list("pk", flat=True))
    return sorted(found)
