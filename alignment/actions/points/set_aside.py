"""Set a criterion aside as not applicable, or take it up again; both with who, when and why."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from alignment.actions.points.sign_off import OPEN, SignOffRefused
from alignment.models import AcceptanceCriterion, CriterionEvent
from alignment.queries.points import may_sign_off
from leads.models import User

State = AcceptanceCriterion.State


@transaction.atomic
def set_aside(*, criterion: AcceptanceCriterion, by: User, reason: str, at: datetime) -> None:
    """Mark an open criterion as not applicable. Raises SignOffRefused."""
    reason = _checked(by, reason)
    if criterion.sign_offs.filter(withdrawn_at__isnull=True).exists():
        raise SignOffRefused("This criterion is signed off; withdraw the sign-off first.")
    rows = AcceptanceCriterion.objects.filter(pk=criterion.pk, state__in=OPEN)
    if rows.update(state=State.NOT_APPLICABLE, state_note=reason) != 1:
        raise SignOffRefused("Only an open criterion can be set aside.")
    _note(criterion, CriterionEvent.Kind.NOT_APPLICABLE, by, reason, at)


@transaction.atomic
def reopen(*, criterion: AcceptanceCriterion, by: User, reason: str, at: datetime) -> None:
    """Take a criterion up again that was set aside. Raises SignOffRefused."""
    reason = _checked(by, reason)
    state = State.READY if criterion.evidence.exists() else State.NOT_READY
    rows = AcceptanceCriterion.objects.filter(pk=criterion.pk, state=State.NOT_APPLICABLE)
    if rows.update(state=state, state_note="") != 1:
        raise SignOffRefused("This criterion was not set aside.")
    _note(criterion, CriterionEvent.Kind.REOPENED, by, reason, at)


def _checked(by: User, reason: str) -> str:
    reason = reason.strip()
    if not may_sign_off(by):
        raise SignOffRefused("Only sales leaders and admins set criteria aside and take them up again.")
    if not reason or len(reason) > 300:
        raise SignOffRefused("Say why, in at most 300 characters.")
    return reason


def _note(criterion: AcceptanceCriterion, kind: str, by: User, reason: str, at: datetime) -> None:
    CriterionEvent.objects.create(
        criterion=criterion, kind=kind, because=reason, by=by, by_name=by.name or by.email, happened_at=at
    )
