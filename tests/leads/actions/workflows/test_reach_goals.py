"""Goals end enrollments while they wait; enrollments follow a person through merges and back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leads.actions.identity.merge_leads import merge_leads
from leads.actions.identity.unmerge_lead import unmerge_lead
from leads.actions.workflows.advance import advance_enrollments
from leads.actions.workflows.enroll import enroll_triggered
from leads.actions.workflows.reach_goals import end_reached
from leads.models import Enrollment, Lead
from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import Operator
from leads.pure.workflows.ready import Planned
from tests.leads.actions.workflows.made import MAIL, MONDAY, WAIT, created, workflow
from tests.leads.factories import LeadFactory, TouchpointFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
SQL = Group((Condition("stage", Operator.IS, ("sql",)),))
REPLIED = Group((Condition("event:email_reply", Operator.HAPPENED, low=1),))
LATER = MONDAY + timedelta(hours=3)


def waiting(goal: Group, *more: Planned) -> Enrollment:
    """An enrollment at its first wait of two days."""
    enroll_triggered(at=MONDAY)
    flow = workflow(WAIT, *more, MAIL, goal=goal)
    created([LeadFactory(changed_at=MONDAY)], MONDAY)
    enroll_triggered(at=MONDAY)
    advance_enrollments(at=MONDAY)
    return flow.enrollments.get()


def test_a_stage_ends_it_while_it_waits() -> None:
    row = waiting(SQL)
    enroll_triggered(at=LATER - timedelta(minutes=1))
    assert end_reached(at=LATER) == 0
    Lead.objects.update(stage="sql", changed_at=LATER)
    assert end_reached(at=LATER) == 1
    assert end_reached(at=LATER) == 0
    row.refresh_from_db()
    assert (row.state, row.ended_at) == ("goal", LATER)
    assert "SQL" in row.ended_because


def test_a_touchpoint_ends_it_and_leads_without_news_are_not_looked_at() -> None:
    row = waiting(REPLIED)
    enroll_triggered(at=LATER)
    TouchpointFactory(lead=row.lead, kind="email_reply", occurred_at=MONDAY, recorded_at=MONDAY)
    assert end_reached(at=LATER) == 0
    TouchpointFactory(lead=row.lead, kind="email_reply", occurred_at=LATER, recorded_at=LATER)
    assert end_reached(at=LATER + timedelta(minutes=1)) == 1


def test_an_enrollment_goes_on_with_the_survivor_and_returns_when_the_merge_is_taken_back() -> None:
    row = waiting(Group(), WAIT)
    loser, survivor = row.lead, LeadFactory(changed_at=MONDAY)
    Enrollment.objects.update(due_at=LATER)
    merge_leads(survivor_id=survivor.pk, loser_id=loser.pk, by=None, at=MONDAY + timedelta(minutes=5))
    advance_enrollments(at=LATER)
    row.refresh_from_db()
    assert row.lead == survivor
    unmerge_lead(loser_id=loser.pk, by=None, at=LATER)
    advance_enrollments(at=LATER + timedelta(days=2))
    row.refresh_from_db()
    assert (row.lead, row.began_as, row.state) == (loser, None, "completed")
    assert row.mails.get().email == loser.email
