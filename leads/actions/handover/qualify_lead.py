"""Sales verified a lead as a real prospect: SAL to SQL, with the answers to the company's own questions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from leads.actions.pass_stage import StageRefused, pass_stage
from leads.models import Lead, Qualification, QuestionSet, Stage, User
from leads.pure import lifecycle
from leads.pure.qualification import checked_answers, from_rows


def qualify_lead(
    *, lead_id: int, version: int, answers: Mapping[str, str], by: User, at: datetime, note: str = ""
) -> Qualification:
    """Bring an SAL to SQL; ``answers`` are by the keys of the questions of that version.

    Raises StageRefused for another stage or a version that is no longer asked, AnswersRefused for an answer at fault,
    Lead.DoesNotExist.
    """
    with transaction.atomic():
        lead = Lead.objects.live().select_for_update().get(pk=lead_id)
        try:
            lifecycle.check_step("qualify", lead.stage)
        except lifecycle.PassageRefused as error:
            raise StageRefused(str(error)) from error
        asked = QuestionSet.objects.order_by("-version")[0]
        if asked.version != version:
            raise StageRefused("The questions were changed meanwhile; answer them as they are now.")
        checked = checked_answers(from_rows(asked.questions), answers)
        *_, passage = pass_stage(lead=lead, to=Stage.SQL, at=at, by=by, because=note.strip() or f"qualified by {by}")
        return Qualification.objects.create(
            lead=lead,
            passage=passage,
            question_set=asked,
            answers=checked,
            note=note.strip(),
            by=by,
            qualified_at=at,
        )
