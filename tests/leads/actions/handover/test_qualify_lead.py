"""Sales qualifies, disqualifies and recycles; recycled leads come back on their day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from leads.actions.handover.disqualify_lead import disqualify_lead
from leads.actions.handover.qualify_lead import qualify_lead
from leads.actions.handover.recycle_lead import recycle_lead
from leads.actions.handover.reject_lead import reject_lead
from leads.actions.handover.return_recycled import return_recycled
from leads.actions.handover.save_questions import save_questions
from leads.actions.pass_stage import StageRefused
from leads.models import Company, FollowUp, Lead, LifecyclePassage, Qualification, QuestionSet, Recycling, User
from leads.pure.qualification import AnswersRefused, Question, QuestionsRefused, from_rows
from tests.leads.factories import LeadFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
BANT = {
    "budget": "Approved",
    "authority": "This person",
    "need": "Reports nobody trusts",
    "timing": "This quarter",
}


def test_an_sal_becomes_an_sql_with_its_answers(rep: User) -> None:
    lead = LeadFactory(stage="sal", owner=rep)
    qualify_lead(lead_id=lead.pk, version=1, answers=BANT, by=rep, at=AT, note="Wants a pilot")
    lead.refresh_from_db()
    kept = Qualification.objects.get()
    passage = LifecyclePassage.objects.get()
    assert lead.stage == "sql"
    assert (passage.from_stage, passage.to_stage, passage.by, passage.because) == ("sal", "sql", rep, "Wants a pilot")
    assert (kept.passage, kept.by, kept.question_set.version) == (passage, rep, 1)
    assert [(each["key"], each["answer"]) for each in kept.answers] == list(BANT.items())


@pytest.mark.parametrize("stage", ["lead", "mql", "sql", "recycled"])
def test_only_an_sal_is_qualified(rep: User, stage: str) -> None:
    lead = LeadFactory(stage=stage, owner=rep)
    with pytest.raises(StageRefused, match="You can qualify a lead at SAL"):
        qualify_lead(lead_id=lead.pk, version=1, answers=BANT, by=rep, at=AT)
    assert not Qualification.objects.exists()


def test_nothing_is_written_without_an_answer_or_with_old_questions(rep: User) -> None:
    lead = LeadFactory(stage="sal", owner=rep)
    with pytest.raises(AnswersRefused, match="Answer this question"):
        qualify_lead(lead_id=lead.pk, version=1, answers={**BANT, "need": " "}, by=rep, at=AT)
    save_questions(questions=[Question("", "Why now?")], seen=1, change="Shorter", by=rep, at=AT)
    with pytest.raises(StageRefused, match="questions were changed"):
        qualify_lead(lead_id=lead.pk, version=1, answers=BANT, by=rep, at=AT)
    lead.refresh_from_db()
    assert lead.stage == "sal"
    assert not LifecyclePassage.objects.exists()


def test_questions_are_versions_and_keys_stay(rep: User) -> None:
    first = QuestionSet.objects.get()
    asked = [*from_rows(first.questions)[:2], Question("", "Why now?")]
    second = save_questions(questions=asked, seen=1, change="One more", by=rep, at=AT)
    assert (second.version, second.change, second.created_by) == (2, "One more", rep)
    assert [each["key"] for each in second.questions] == ["budget", "authority", "why_now"]
    again = save_questions(questions=from_rows(second.questions), seen=2, change="", by=rep, at=AT)
    assert again == second
    with pytest.raises(QuestionsRefused, match="Somebody else"):
        save_questions(questions=asked, seen=1, change="", by=rep, at=AT)


def test_an_sal_is_sent_back_until_a_day_whatever_the_reason(rep: User) -> None:
    lead = LeadFactory(stage="sal", owner=rep)
    reject_lead(lead_id=lead.pk, reason="bad_fit", by=rep, at=AT, comes_back_on=date(2027, 1, 4))
    lead.refresh_from_db()
    row = Recycling.objects.get()
    assert lead.stage == "recycled"
    assert (row.comes_back_on, row.because, row.by) == (date(2027, 1, 4), "Company does not fit", rep)


def test_a_disqualified_lead_is_out_and_may_be_recycled(rep: User) -> None:
    lead = LeadFactory(stage="lead", owner=rep)
    disqualify_lead(lead_id=lead.pk, reason="no_need", by=rep, at=AT, note="Closed down")
    lead.refresh_from_db()
    assert lead.stage == "disqualified"
    recycle_lead(lead_id=lead.pk, reason="bad_timing", comes_back_on=None, by=rep, at=AT)
    lead.refresh_from_db()
    assert lead.stage == "recycled"
    assert not Recycling.objects.exists()
    assert list(LifecyclePassage.objects.order_by("pk").values_list("reason", flat=True)) == ["no_need", "bad_timing"]


def test_a_day_that_is_past_is_refused(rep: User, company: Company) -> None:
    lead = LeadFactory(stage="sql", owner=rep)
    with pytest.raises(StageRefused, match="still to come"):
        recycle_lead(lead_id=lead.pk, reason="bad_timing", comes_back_on=date(2026, 11, 20), by=rep, at=AT)


def recycled(rep: User, until: date, **more: object) -> Lead:
    lead: Lead = LeadFactory(stage="sql", owner=rep, **more)
    recycle_lead(
        lead_id=lead.pk, reason="bad_timing", comes_back_on=until, by=rep, at=AT, note="New budget in December"
    )
    return lead


def test_a_recycled_lead_comes_back_on_its_day_once(rep: User, company: Company) -> None:
    lead = recycled(rep, date(2026, 12, 1), phone="030 1")
    # Still the thirtieth in Berlin.
    assert return_recycled(at=datetime(2026, 11, 30, 22, 59, tzinfo=UTC)) == 0
    back = datetime(2026, 11, 30, 23, 1, tzinfo=UTC)
    assert return_recycled(at=back) == 1
    assert return_recycled(at=back) == 0
    lead.refresh_from_db()
    promise = FollowUp.objects.open().get()
    assert (lead.stage, lead.owner, lead.intake_due_at) == ("lead", rep, back)
    # Four business hours after nine o'clock.
    assert (promise.kind, promise.owner, promise.due_at) == ("call", rep, datetime(2026, 12, 1, 12, tzinfo=UTC))
    assert promise.because == "recycled on 20 Nov 2026: New budget in December"
    assert Recycling.objects.get().returned_at == back


def test_who_moved_on_or_whose_owner_left_is_not_called(rep: User, company: Company) -> None:
    moved, left = recycled(rep, date(2026, 12, 1)), recycled(rep, date(2026, 12, 1))
    Lead.objects.filter(pk=moved.pk).update(stage="mql")
    User.objects.filter(pk=rep.pk).update(is_active=False)
    assert return_recycled(at=AT + timedelta(days=20)) == 1
    left.refresh_from_db()
    moved.refresh_from_db()
    assert (left.stage, left.owner, moved.stage) == ("lead", None, "mql")
    assert not FollowUp.objects.open().exists()
    assert not Recycling.objects.waiting().exists()
