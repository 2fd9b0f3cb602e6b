"""Reach goals: end the enrollments whose goal was reached while they wait, when it happens and not at the next step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from leads.actions.workflows.advance import Walked, end, holds, ready
from leads.actions.workflows.do_step import by_workflow
from leads.actions.workflows.enroll import OVERLAP
from leads.models import (
    CampaignMember,
    Company,
    Enrollment,
    Lead,
    LeadEvent,
    Touchpoint,
    WorkflowSweep,
    WorkflowVersion,
)
from leads.queries.conditions import facts_of, lead_catalog

CHUNK = 200


def end_reached(*, at: datetime) -> int:
    """End waiting enrollments whose goal holds now; returns how many. Repeats change nothing.

    Looked at are the leads with news since the last look: whatever a goal asks for is a column of the lead, an event, a
    touchpoint or a membership. What the calendar alone brings about is seen before the next step.
    """
    sweep = WorkflowSweep.objects.filter(pk=1).first()
    waiting = Enrollment.objects.running().filter(due_at__gt=at)
    versions = WorkflowVersion.objects.filter(pk__in=waiting.values("version"), workflow__is_on=True)
    aiming = [version for version in versions.select_related("workflow") if version.definition.goal.items]
    if sweep is None or not aiming:
        return 0
    since = sweep.seen_until - OVERLAP
    keys = list(_with_news(waiting.filter(version__in=aiming), since).order_by("pk").values_list("pk", flat=True))
    return sum(_end_those(keys[start : start + CHUNK], at) for start in range(0, len(keys), CHUNK))


def _with_news(waiting: QuerySet[Enrollment], since: datetime) -> QuerySet[Enrollment]:
    of_lead = {"lead": OuterRef("lead")}
    news = Q(lead__changed_at__gt=since) | Q(Exists(LeadEvent.objects.filter(**of_lead, recorded_at__gt=since)))
    news |= Q(Exists(Touchpoint.objects.filter(**of_lead, recorded_at__gt=since)))
    news |= Q(Exists(CampaignMember.objects.filter(**of_lead, added_at__gt=since)))
    return waiting.filter(news)


def _end_those(keys: Sequence[int], at: datetime) -> int:
    ended = 0
    with transaction.atomic():
        free = Enrollment.objects.running().filter(pk__in=keys, due_at__gt=at)
        rows = list(free.select_for_update(skip_locked=True, of=("self",)).select_related("version__workflow"))
        people = Lead.objects.live().filter(pk__in={row.lead_id for row in rows})
        leads = {lead.pk: lead for lead in people.select_related("owner", "account", "channel")}
        versions = ready(list({row.version_id: row.version for row in rows}.values()))
        wanted = frozenset().union(*(each.goal.properties for each in versions.values()))
        walked = Walked(Company.current(), lead_catalog(), versions, facts_of(list(leads.values()), properties=wanted))
        for row in rows:
            if row.lead_id not in leads:
                continue  # merged meanwhile: the next step follows the person
            row.lead = leads[row.lead_id]
            answer = holds(row, versions[row.version_id].goal, walked, at)
            if answer.holds:
                with by_workflow(row.version.workflow):
                    end(row, Enrollment.State.GOAL, at, answer.because)
                ended += 1
    return ended
