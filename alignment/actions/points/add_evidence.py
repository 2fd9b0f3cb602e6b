"""Add a document or a note to a criterion. Evidence is never changed or removed."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from alignment.models import AcceptanceCriterion, Evidence
from alignment.queries.points import may_add_evidence
from leads.models import User
from leads.pure.refused import Refused

MOST = 2_000
_is_https = URLValidator(schemes=["https"])


class EvidenceRefused(Refused):
    """Why the evidence is not taken, in words for people."""


@transaction.atomic
def add_evidence(*, criterion: AcceptanceCriterion, note: str, by: User, at: datetime, url: str = "") -> Evidence:
    """Keep a note and, where given, the https address of a document; the criterion becomes ready for sign-off.

    A standing sign-off keeps the evidence it was given on. Raises EvidenceRefused.
    """
    note, url = note.strip(), url.strip()
    if not may_add_evidence(by):
        raise EvidenceRefused("Marketing directors, sales leaders and admins add evidence.")
    if not note or len(note) > MOST:
        raise EvidenceRefused(f"Say what the evidence shows, in at most {MOST:,} characters.")
    if url:
        try:
            _is_https(url)
        except ValidationError:
            raise EvidenceRefused("The address must be a full one that begins with https://.") from None
        if len(url) > 500:
            raise EvidenceRefused("The address is too long: at most 500 characters.")
    states = AcceptanceCriterion.State
    AcceptanceCriterion.objects.filter(pk=criterion.pk, state=states.NOT_READY).update(state=states.READY)
    return Evidence.objects.create(
        criterion=criterion, note=note, url=url, added_by=by, added_by_name=by.name or by.email, added_at=at
    )
