"""What sales does with a lead: accept, reject with a reason, keep a promise; and passages in general."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leads.actions.follow_up.complete_follow_up import FollowUpRefused, complete_follow_up
from leads.actions.handover.accept_lead import accept_lead
from leads.actions.handover.reject_lead import reject_lead
from leads.actions.pass_stage import StageRefused, pass_stage
from leads.models import FollowUp, Lead, LeadEvent, LifecyclePassage, User
from tests.leads.actions.capture.items import AT
from tests.leads.factories import LeadFactory

pytestmark = pytest.mark.django_db


def promise(lead: Lead, rep: User) -> FollowUp:
    return FollowUp.objects.create(
        lead=lead, owner=rep, because="became MQL", planned_at=AT, due_at=AT + timedelta(hours=4)
    )


def test_accepting_is_written_once(rep: User) -> None:
    lead = LeadFactory(stage="mql", owner=rep)

    accept_lead(lead_id=lead.pk, by=rep, at=AT)
    accept_lead(lead_id=lead.pk, by=rep, at=AT)

    passage = LifecyclePassage.objects.get()
    assert (passage.from_stage, passage.to_stage, passage.by) == ("mql", "sal", rep)
    assert LeadEvent.objects.get().kind == "stage_changed"


def test_only_an_mql_can_be_accepted(rep: User) -> None:
    with pytest.raises(StageRefused, match="You can accept a lead at MQL"):
        accept_lead(lead_id=LeadFactory(stage="lead").pk, by=rep, at=AT)


@pytest.mark.parametrize(("reason", "stage"), [("bad_timing", "recycled"), ("competitor", "disqualified")])
def test_rejecting_keeps_the_reason_and_closes_the_promise(rep: User, reason: str, stage: str) -> None:
    lead = LeadFactory(stage="mql", owner=rep)
    promise(lead, rep)

    reject_lead(lead_id=lead.pk, reason=reason, by=rep, at=AT, note="Next year")

    lead.refresh_from_db()
    passage = LifecyclePassage.objects.get()
    assert lead.stage == passage.to_stage == stage
    assert (passage.reason, passage.because) == (reason, "Next year")
    assert FollowUp.objects.get().outcome == "not_needed"


def test_a_rejection_needs_a_known_reason_and_a_lead_that_sales_has(rep: User) -> None:
    with pytest.raises(StageRefused, match="reason"):
        reject_lead(lead_id=LeadFactory(stage="mql").pk, reason="", by=rep, at=AT)
    with pytest.raises(StageRefused, match="this one is at Subscriber"):
        reject_lead(lead_id=LeadFactory(stage="subscriber").pk, reason="no_need", by=rep, at=AT)


def test_skipped_rungs_are_inferred() -> None:
    lead = LeadFactory(stage="lead")

    pass_stage(lead=lead, to="opportunity", at=AT, because="a deal was opened")

    steps = LifecyclePassage.objects.order_by("pk").values_list("to_stage", "is_inferred")
    assert list(steps) == [("mql", True), ("sal", True), ("sql", True), ("opportunity", False)]


def test_a_stale_reader_is_refused() -> None:
    lead = LeadFactory(stage="mql")
    Lead.objects.update(stage="sal")

    with pytest.raises(StageRefused, match="just changed"):
        pass_stage(lead=lead, to="sql", at=AT)

    assert not LifecyclePassage.objects.exists()


def test_a_promise_is_kept_once(rep: User) -> None:
    follow_up = promise(LeadFactory(stage="mql", owner=rep), rep)

    complete_follow_up(follow_up_id=follow_up.pk, outcome="reached", by=rep, at=AT, note=" Called ")

    follow_up.refresh_from_db()
    assert (follow_up.outcome, follow_up.note, follow_up.done_at) == ("reached", "Called", AT)
    with pytest.raises(FollowUpRefused, match="before"):
        complete_follow_up(follow_up_id=follow_up.pk, outcome="no_answer", by=rep, at=AT)
    with pytest.raises(FollowUpRefused, match="how"):
        complete_follow_up(follow_up_id=follow_up.pk, outcome="", by=rep, at=AT)
