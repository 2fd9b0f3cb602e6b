"""What is known about leads, and who comes next."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, F, IntegerField, Max, OuterRef, QuerySet, Subquery, Value, When

from leads.models import Assignment, FollowUp, Lead, Role, Stage, User


@dataclass(slots=True)
class LeadStory:
    """What intake decided about a lead: newest assignment, next open follow-up; None where there is none."""

    assignment: Assignment | None = None
    follow_up: FollowUp | None = None


def lead_stories(lead_ids: Collection[int]) -> dict[int, LeadStory]:
    """The story of each lead, in two queries however many there are."""
    stories = {lead_id: LeadStory() for lead_id in lead_ids}
    if not stories:
        return stories
    choices = Assignment.objects.filter(lead__in=lead_ids).values("lead").annotate(newest=Max("pk")).values("newest")
    for assignment in Assignment.objects.filter(pk__in=choices).select_related("territory", "owner"):
        stories[assignment.lead_id].assignment = assignment
    for follow_up in FollowUp.objects.open().filter(lead__in=lead_ids).order_by("-due_at"):
        stories[follow_up.lead_id].follow_up = follow_up
    return stories


def by_next_step(leads: QuerySet[Lead], at: datetime) -> QuerySet[Lead]:
    """Leads in the order in which a rep should take them, each with ``step_rank``, ``step_due_at`` and ``step_kind``.

    Overdue promises first (oldest first), then MQLs nobody has accepted or rejected, then promises to come, then the
    rest by score.
    """
    promises = FollowUp.objects.open().filter(lead=OuterRef("pk")).order_by("due_at", "pk")
    return leads.annotate(
        step_due_at=Subquery(promises.values("due_at")[:1]),
        step_kind=Subquery(promises.values("kind")[:1]),
        step_rank=Case(
            When(step_due_at__lt=at, then=Value(0)),
            When(stage=Stage.MQL, then=Value(1)),
            When(step_due_at__isnull=False, then=Value(2)),
            default=Value(3),
            output_field=IntegerField(),
        ),
    ).order_by("step_rank", F("step_due_at").asc(nulls_last=True), "-score", "-captured_at", "pk")


def may_work(user: User, lead: Lead) -> bool:
    """Whether a person may accept, reject or follow up: the owner, sales leaders and admins."""
    return lead.owner_id == user.pk or user.has_role(Role.SALES_LEADER, Role.ADMIN)


def may_edit(user: User, lead: Lead) -> bool:
    """Whether a person may edit what is known of the person: whoever works on the lead, and marketing."""
    return may_work(user, lead) or user.has_role(Role.MARKETING_DIRECTOR)
