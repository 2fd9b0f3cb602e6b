"""Sign a criterion off: a named person, a moment, a version of its words, and the evidence as it stood."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from alignment.actions.points.measure_point import frozen_measurements, measure_point
from alignment.models import AcceptanceCriterion, SignOff
from alignment.queries.points import may_sign_off
from leads.models import User
from leads.pure.refused import Refused

State = AcceptanceCriterion.State
OPEN = (State.NOT_READY, State.READY, State.FLAGGED)


class SignOffRefused(Refused):
    """Why a criterion cannot be signed off, in words for people."""


@transaction.atomic
def sign_off(
    *, criterion: AcceptanceCriterion, by: User, at: datetime, note: str = "", version: int | None = None
) -> SignOff:
    """Sign a criterion off in the words of ``version`` (those the person has read; by default today's).

    Needs evidence or a note that stands in for it. Of two people who sign at once one succeeds. Raises SignOffRefused.
    """
    note = note.strip()
    if not may_sign_off(by):
        raise SignOffRefused("Only sales leaders and admins sign criteria off.")
    if len(note) > 300:
        raise SignOffRefused("The note is too long: at most 300 characters.")
    documents = list(criterion.evidence.order_by("added_at", "pk"))
    if not documents and not note:
        raise SignOffRefused("Add evidence first, or say in a note why none is needed.")
    if criterion.sign_offs.filter(withdrawn_at__isnull=True).exists():
        raise SignOffRefused("This criterion carries a sign-off already; withdraw it before signing anew.")
    wanted = criterion.version if version is None else version
    open_rows = AcceptanceCriterion.objects.filter(pk=criterion.pk, version=wanted, state__in=OPEN)
    if open_rows.update(state=State.SIGNED_OFF, state_note="") != 1:
        raise SignOffRefused(_why(criterion, wanted))
    criterion.refresh_from_db()
    evidence: dict[str, Any] = {
        "documents": [
            {
                "note": document.note,
                "url": document.url,
                "added_by": document.added_by_name,
                "added_at": document.added_at.isoformat(),
            }
            for document in documents
        ],
        "live": frozen_measurements(measure_point(point=criterion.point, at=at), at),
    }
    return SignOff.objects.create(
        criterion=criterion,
        criterion_version=criterion.version,
        criterion_text=criterion.text,
        signed_by=by,
        signed_by_name=by.name or by.email,
        signed_at=at,
        evidence=evidence,
        note=note,
    )


def _why(criterion: AcceptanceCriterion, version: int) -> str:
    now = AcceptanceCriterion.objects.get(pk=criterion.pk)
    if now.version != version:
        return "The wording changed while you were reading; read it again before signing."
    if now.state == State.NOT_APPLICABLE:
        return "This criterion is marked not applicable; reopen it first."
    return "Somebody else has just signed this criterion off."
