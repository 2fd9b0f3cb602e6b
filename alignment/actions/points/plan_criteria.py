"""Plan who looks after a point or a criterion, and until when."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from alignment.actions.points.sign_off import SignOffRefused
from alignment.models import AcceptanceCriterion, CriterionEvent, IntegrationPoint
from alignment.queries.points import may_plan
from leads.models import User


@transaction.atomic
def plan_point(*, point: IntegrationPoint, owner: User | None, due_on: date | None, by: User) -> None:
    """Set a point's owner and due date. Raises SignOffRefused."""
    if not may_plan(by):
        raise SignOffRefused("Only sales leaders and admins plan integration points.")
    IntegrationPoint.objects.filter(pk=point.pk).update(owner=owner, due_on=due_on)


@transaction.atomic
def plan_criterion(
    *, criterion: AcceptanceCriterion, owner: User | None, due_on: date | None, by: User, at: datetime
) -> None:
    """Set a criterion's own owner and due date, and keep the change. Raises SignOffRefused."""
    if not may_plan(by):
        raise SignOffRefused("Only sales leaders and admins plan criteria.")
    AcceptanceCriterion.objects.filter(pk=criterion.pk).update(owner=owner, due_on=due_on)
    said = f"{owner.name if owner else 'nobody'}, {f'due {due_on:%-d %b %Y}' if due_on else 'no due date'}"
    CriterionEvent.objects.create(
        criterion=criterion,
        kind=CriterionEvent.Kind.PLANNED,
        because=said,
        by=by,
        by_name=by.name or by.email,
        happened_at=at,
    )
