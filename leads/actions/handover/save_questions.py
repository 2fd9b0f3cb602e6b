"""An admin changes the questions that qualify a lead: another version, asked from now on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from leads.models import Company, QuestionSet, User
from leads.pure.qualification import Question, QuestionsRefused, checked, to_rows


def save_questions(*, questions: Sequence[Question], seen: int, change: str, by: User, at: datetime) -> QuestionSet:
    """Keep the questions as the next version; nothing changes where they are the same.

    ``seen`` is the version that the person edited. Raises QuestionsRefused.
    """
    rows = to_rows(checked(questions))
    with transaction.atomic():
        Company.objects.select_for_update().get(pk=1)  # of two who save at once the second is told
        newest = QuestionSet.objects.order_by("-version")[0]
        if newest.version != seen:
            raise QuestionsRefused("", "Somebody else has just changed the questions; reload the page.")
        if newest.questions == rows:
            return newest
        return QuestionSet.objects.create(
            version=newest.version + 1, questions=rows, change=change.strip()[:300], created_by=by, created_at=at
        )
