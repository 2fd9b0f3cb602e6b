"""Take a submission that was kept as spam: a person looked at it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from leads.actions.web_forms.receive_answers import LINK_FOR
from leads.models import ConfirmationMail, Role, Submission, User
from leads.pure.refused import Refused


class ReleaseRefused(Refused):
    """It is not spam any more, or the person may not say so."""


@transaction.atomic
def release_submission(*, submission: Submission, by: User, at: datetime) -> None:
    """Let it in, or where the form asks for a confirmation, ask for that. Raises ReleaseRefused."""
    if not by.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR):
        raise ReleaseRefused("Admins and marketing directors decide what is spam.")
    mine = Submission.objects.select_for_update().filter(pk=submission.pk, state=Submission.State.SPAM)
    row = mine.first()
    if row is None:
        raise ReleaseRefused("This submission is not kept as spam any more.")
    if row.form and row.form.confirms_email:
        mine.update(state=Submission.State.UNCONFIRMED)
        email = (row.item or {}).get("email", "")
        ConfirmationMail.objects.create(submission=row, email=email, not_before=at, expires_at=at + LINK_FOR)
    else:
        mine.update(state=Submission.State.QUEUED, due_at=at)
