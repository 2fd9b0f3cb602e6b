"""Calls, emails, meetings and notes are logged, planned or not; they complete follow-ups and plan the next one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leads.actions.follow_up.complete_follow_up import FollowUpRefused
from leads.actions.follow_up.log_activity import log_activity
from leads.models import Activity, FollowUp, Lead, LeadEvent, User
from tests.leads.actions.capture.items import AT
from tests.leads.factories import LeadFactory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def lead(rep: User) -> Lead:
    made: Lead = LeadFactory(stage="sal", owner=rep)
    return made


def promise(lead: Lead, kind: str, due_in: timedelta = 2 * HOUR) -> FollowUp:
    return FollowUp.objects.create(
        lead=lead, owner=lead.owner, kind=kind, because="MQL", planned_at=AT - 2 * HOUR, due_at=AT + due_in
    )


def log(lead: Lead, by: User, kind: str = "call", outcome: str = "reached", **more: object) -> Activity:
    given = {"occurred_at": AT - HOUR, "at": AT, **more}
    return log_activity(lead_id=lead.pk, kind=kind, outcome=outcome, by=by, **given)  # type: ignore[arg-type]


def test_an_unplanned_call_is_kept_with_who_when_and_how(lead: Lead, rep: User) -> None:
    log(lead, rep, note=" Wants a trial ")
    activity = Activity.objects.get()
    assert (activity.kind, activity.outcome, activity.note) == ("call", "reached", "Wants a trial")
    assert (activity.by, activity.occurred_at, activity.recorded_at) == (rep, AT - HOUR, AT)
    assert activity.follow_up is None
    event = LeadEvent.objects.get()
    assert (event.kind, event.happened_at, event.details["outcome"]) == ("activity_logged", AT - HOUR, "reached")


def test_a_call_completes_the_planned_call_at_its_own_time(lead: Lead, rep: User) -> None:
    planned, other = promise(lead, "call"), promise(lead, "email")
    activity = log(lead, rep, outcome="no_answer")
    planned.refresh_from_db()
    other.refresh_from_db()
    assert (planned.outcome, planned.done_at) == ("no_answer", AT - HOUR)
    assert activity.follow_up == planned
    assert other.done_at is None


def test_who_was_reached_otherwise_needs_no_planned_email(lead: Lead, rep: User) -> None:
    planned = promise(lead, "email")
    log(lead, rep, outcome="no_answer")
    planned.refresh_from_db()
    assert planned.done_at is None
    log(lead, rep, outcome="reached")
    planned.refresh_from_db()
    assert planned.outcome == "reached"


def test_a_call_before_the_promise_does_not_keep_it(lead: Lead, rep: User) -> None:
    planned = promise(lead, "call")
    log(lead, rep, occurred_at=AT - 3 * HOUR)
    planned.refresh_from_db()
    assert planned.done_at is None


def test_the_next_contact_is_planned_in_the_same_step(lead: Lead, rep: User) -> None:
    promise(lead, "call")
    log(lead, rep, next_kind="call", next_due_at=AT + timedelta(days=1))
    waiting = FollowUp.objects.open().get()
    assert (waiting.kind, waiting.due_at, waiting.owner) == ("call", AT + timedelta(days=1), rep)


def test_nothing_is_written_when_the_next_contact_is_refused(lead: Lead, rep: User) -> None:
    with pytest.raises(FollowUpRefused, match="still to come"):
        log(lead, rep, next_kind="call", next_due_at=AT - HOUR)
    assert not Activity.objects.exists()
    assert not LeadEvent.objects.exists()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"kind": "fax"}, "Choose a call"),
        ({"kind": "note"}, "Write the note"),
        ({"outcome": ""}, "how the contact went"),
        ({"outcome": "not_needed"}, "how the contact went"),
        ({"occurred_at": AT + HOUR}, "has passed"),
        ({"next_kind": "call"}, "when to follow up"),
    ],
)
def test_what_makes_no_sense_is_refused(lead: Lead, rep: User, given: dict[str, object], why: str) -> None:
    with pytest.raises(FollowUpRefused, match=why):
        log(lead, rep, **given)
    assert not Activity.objects.exists()


def test_a_note_has_no_outcome_and_completes_nothing(lead: Lead, rep: User) -> None:
    planned = promise(lead, "call")
    activity = log(lead, rep, kind="note", outcome="reached", note="Budget in March")
    planned.refresh_from_db()
    assert (activity.outcome, planned.done_at) == ("", None)
