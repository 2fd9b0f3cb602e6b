"""Reading the system of record where one query set is not enough."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Max

from leads.models import Assignment, FollowUp, LeadScore


@dataclass(slots=True)
class LeadStory:
    """What intake decided about a lead: newest score and assignment, next open follow-up; None where there is none."""

    score: LeadScore | None = None
    assignment: Assignment | None = None
    follow_up: FollowUp | None = None


def lead_stories(lead_ids: Collection[int]) -> dict[int, LeadStory]:
    """The story of each lead, in three queries however many there are."""
    stories = {lead_id: LeadStory() for lead_id in lead_ids}
    if not stories:
        return stories
    scores = LeadScore.objects.filter(lead__in=lead_ids).values("lead").annotate(newest=Max("pk")).values("newest")
    for score in LeadScore.objects.filter(pk__in=scores):
        stories[score.lead_id].score = score
    choices = Assignment.objects.filter(lead__in=lead_ids).values("lead").annotate(newest=Max("pk")).values("newest")
    for assignment in Assignment.objects.filter(pk__in=choices).select_related("territory", "owner"):
        stories[assignment.lead_id].assignment = assignment
    for follow_up in FollowUp.objects.open().filter(lead__in=lead_ids).order_by("-due_at"):
        stories[follow_up.lead_id].follow_up = follow_up
    return stories
