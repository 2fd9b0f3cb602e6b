"""The log of workflows: lists with counts, enrollments as filtered, arms, and emails that wait for a person."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from leads.models import Enrollment, HoldOutArm, Lead, User, Workflow, WorkflowMail, WorkflowVersion
from leads.pure.workflows.hold_out import Arm

State = Enrollment.State
SORTS = {"lead": "lead__last_name", "enrolled": "enrolled_at", "ended": "ended_at", "state": "state"}


def workflows_with_counts(user: User, at: datetime) -> QuerySet[Workflow]:
    """Each with its active version's number and trigger, and counts of the enrollments that the person may see."""

    def count(*states: str, since: datetime | None = None) -> Coalesce:
        rows = Enrollment.objects.visible_to(user).filter(workflow=OuterRef("pk"))
        rows = rows.filter(state__in=states) if states else rows.entered()
        if since:
            rows = rows.filter(enrolled_at__gte=since)
        return Coalesce(Subquery(rows.order_by().values("workflow").annotate(n=Count("pk")).values("n")), 0)

    newest = WorkflowVersion.objects.filter(workflow=OuterRef("pk"), state=WorkflowVersion.State.ACTIVE)
    drafts = WorkflowVersion.objects.filter(workflow=OuterRef("pk"), state=WorkflowVersion.State.DRAFT)
    return Workflow.objects.annotate(
        version=Subquery(newest.values("number")[:1]),
        draft=Subquery(drafts.values("number")[:1]),
        entered=count(),
        entered_lately=count(since=at - timedelta(days=30)),
        running=count(State.RUNNING),
        completed=count(State.COMPLETED),
        reached=count(State.GOAL),
        failed=count(State.FAILED),
    )


def counts_by_state(workflow: Workflow, user: User) -> dict[str, int]:
    """How many enrollments of each state the person may see."""
    rows = Enrollment.objects.visible_to(user).filter(workflow=workflow).values_list("state").order_by()
    return dict.fromkeys(State.values, 0) | dict(rows.annotate(n=Count("pk")))


def arms_by_version(workflow: Workflow) -> list[tuple[int, int, int]]:
    """Version, treated and held out: units by the version under which they got their arm."""
    rows = HoldOutArm.objects.filter(workflow=workflow).values_list("version__number").order_by("version__number")
    counted = rows.annotate(
        treated=Count("pk", filter=Q(arm=Arm.TREATED)), held_out=Count("pk", filter=Q(arm=Arm.HELD_OUT))
    )
    return list(counted)


def enrollments(workflow: Workflow, user: User, *, state: str, words: str, sort: str) -> QuerySet[Enrollment]:
    """The log of a workflow, as filtered and sorted; the newest first."""
    rows = Enrollment.objects.visible_to(user).filter(workflow=workflow).select_related("lead", "version", "step")
    if state in State.values:
        rows = rows.filter(state=state)
    elif state == "entered":
        rows = rows.entered()
    if words:
        by = Q(lead__email__icontains=words) | Q(lead__last_name__icontains=words)
        rows = rows.filter(by | Q(lead__first_name__icontains=words) | Q(lead__company__icontains=words))
    column = SORTS.get(sort.removeprefix("-"))
    if column is None:
        return rows.order_by("-enrolled_at", "-pk")
    return rows.order_by(f"{'-' if sort.startswith('-') else ''}{column}", "-pk")


def enrollments_of(lead: Lead) -> list[Enrollment]:
    """The last ten times that a lead entered a workflow."""
    rows = Enrollment.objects.entered().filter(lead=lead).select_related("workflow")
    return list(rows.order_by("-enrolled_at", "-pk")[:10])


def mails_to_decide(user: User) -> QuerySet[WorkflowMail]:
    """Emails of which nobody knows whether they left, and those that could not be sent; the newest first."""
    open_states = (WorkflowMail.State.UNCLEAR, WorkflowMail.State.FAILED)
    rows = WorkflowMail.objects.filter(state__in=open_states)
    if not user.sees_all:
        rows = rows.filter(enrollment__lead__owner=user)
    return rows.select_related("enrollment__lead", "enrollment__workflow", "step").order_by("-claimed_at", "-pk")
