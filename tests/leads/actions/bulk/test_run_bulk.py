"""Many leads at once: each with its own result, exactly once, and taken back where that can be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leads.actions.bulk.run_bulk import CHUNK, BulkRefused, request_bulk, request_undo, run_bulks, why_not_undo
from leads.models import BulkRow, FollowUp, JobRun, Lead, User
from tests.leads.actions.capture.items import AT
from tests.leads.factories import LeadFactory, UserFactory

pytestmark = pytest.mark.django_db


def leads_of(owner: User, count: int, stage: str = "mql") -> list[int]:
    return [LeadFactory(owner=owner, stage=stage).pk for _ in range(count)]


def results(run: object) -> dict[str, int]:
    states = BulkRow.objects.filter(run=run).values_list("state", flat=True)
    return {state: list(states).count(state) for state in set(states)}


def test_few_are_done_at_once_and_each_is_answered(rep: User) -> None:
    mine, late = leads_of(rep, 2), leads_of(rep, 1, "sal")
    foreign = leads_of(UserFactory(), 1)
    run = request_bulk(verb="accept", ids=[*mine, *late, *foreign], params={}, by=rep, at=AT)
    run.job.refresh_from_db()
    assert (run.job.state, run.job.message) == ("done", "3 of 4 accepted")
    assert results(run) == {"done": 3, "refused": 1}
    assert set(Lead.objects.filter(owner=rep).values_list("stage", flat=True)) == {"sal"}
    assert "Only the owner" in BulkRow.objects.get(state="refused").why


def test_many_wait_for_a_worker_and_are_done_once(rep: User, sales_leader: User) -> None:
    ids = leads_of(rep, CHUNK + 20)
    params = {"reason": "no_need", "note": "List bought"}
    run = request_bulk(verb="reject", ids=ids, params=params, by=sales_leader, at=AT)
    assert run.job.state == "waiting"
    assert run_bulks(clock=lambda: AT) == len(ids)
    assert run_bulks(clock=lambda: AT) == 0
    run.job.refresh_from_db()
    assert (run.job.state, run.job.done, run.job.message) == ("done", 120, "120 of 120 rejected")
    assert set(Lead.objects.values_list("stage", flat=True)) == {"recycled"}


def test_a_dead_workers_rest_is_taken_up_where_it_ended(rep: User) -> None:
    ids = leads_of(rep, CHUNK + 20)
    due = (AT + timedelta(days=1)).isoformat()
    params = {"kind": "call", "due_at": due}
    run = request_bulk(verb="follow_up", ids=ids, params=params, by=rep, at=AT)
    JobRun.objects.filter(pk=run.job_id).update(state="running", beat_at=AT - timedelta(hours=1))
    for pk in ids[:CHUNK]:
        BulkRow.objects.create(run=run, lead_id=pk, state="done")
    assert run_bulks(clock=lambda: AT) == 20
    assert FollowUp.objects.count() == 20
    assert results(run) == {"done": 120}


def test_reassigning_is_taken_back_but_what_moved_on_stays(rep: User, sales_leader: User) -> None:
    to, third = UserFactory(), UserFactory()
    ids = leads_of(rep, 3)
    run = request_bulk(verb="assign", ids=ids, params={"to": to.pk, "reason": "Holiday"}, by=sales_leader, at=AT)
    assert set(Lead.objects.values_list("owner", flat=True)) == {to.pk}
    Lead.objects.filter(pk=ids[0]).update(owner=third)
    run.job.refresh_from_db()
    assert "sales leaders" in why_not_undo(run=run, by=UserFactory())
    request_undo(run=run, by=sales_leader, at=AT)
    assert dict(Lead.objects.values_list("pk", "owner")) == {ids[0]: third.pk, ids[1]: rep.pk, ids[2]: rep.pk}
    assert results(run) == {"undone": 2, "kept": 1}
    with pytest.raises(BulkRefused, match="taken back before"):
        request_undo(run=run, by=sales_leader, at=AT)


def test_what_makes_no_sense_is_refused(rep: User) -> None:
    with pytest.raises(BulkRefused, match="Choose what"):
        request_bulk(verb="fly", ids=[1], params={}, by=rep, at=AT)
    with pytest.raises(BulkRefused, match="at least one"):
        request_bulk(verb="accept", ids=[], params={}, by=rep, at=AT)
    with pytest.raises(BulkRefused, match="At most 10,000"):
        request_bulk(verb="accept", ids=range(10_001), params={}, by=rep, at=AT)
    run = request_bulk(verb="accept", ids=leads_of(rep, 1), params={}, by=rep, at=AT)
    with pytest.raises(BulkRefused, match="cannot be taken back"):
        request_undo(run=run, by=rep, at=AT)


def test_whoever_left_does_nothing_any_more(rep: User, sales_leader: User) -> None:
    ids = leads_of(rep, CHUNK)
    run = request_bulk(verb="accept", ids=ids, params={}, by=sales_leader, at=AT)
    User.objects.filter(pk=sales_leader.pk).update(is_active=False)
    run_bulks(clock=lambda: AT)
    run.job.refresh_from_db()
    assert run.job.state == "failed"
    assert set(Lead.objects.values_list("stage", flat=True)) == {"mql"}
