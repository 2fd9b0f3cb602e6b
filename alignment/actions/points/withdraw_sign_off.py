"""Withdraw a sign-off, with a reason. It stays on record."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from alignment.actions.points.sign_off import SignOffRefused
from alignment.models import AcceptanceCriterion, SignOff
from alignment.queries.points import may_sign_off
from leads.models import User


@transaction.atomic
def withdraw_sign_off(*, sign_off: SignOff, by: User, reason: str, at: datetime) -> None:
    """Take a standing sign-off back; the criterion is open again. Raises SignOffRefused."""
    reason = reason.strip()
    if not may_sign_off(by):
        raise SignOffRefused("Only sales leaders and admins withdraw sign-offs.")
    if not reason or len(reason) > 300:
        raise SignOffRefused("Say why the sign-off is withdrawn, in at most 300 characters.")
    standing = SignOff.objects.filter(pk=sign_off.pk, withdrawn_at__isnull=True)
    if standing.update(withdrawn_at=at, withdrawn_by_name=by.name or by.email, withdrawn_because=reason) != 1:
        raise SignOffRefused("This sign-off has been withdrawn already.")
    states = AcceptanceCriterion.State
    has_evidence = sign_off.criterion.evidence.exists()
    AcceptanceCriterion.objects.filter(pk=sign_off.criterion_id, state__in=(states.SIGNED_OFF, states.FLAGGED)).update(
        state=states.READY if has_evidence else states.NOT_READY, state_note=""
    )
