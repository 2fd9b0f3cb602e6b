"""Whoever leaves hands on: open leads, promises and accounts go to those who are active, and the log says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leads.actions.routing.take_over_leads import take_over_leads
from leads.models import Account, Assignment, Company, FollowUp, Lead, LeadEvent, Territory, TerritoryRep, User
from leads.tasks import sweep_intake
from tests.leads.factories import AccountFactory, LeadFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 16, 9, tzinfo=UTC)


@pytest.fixture
def reps(company: Company) -> tuple[User, User]:
    territory = Territory.objects.get(is_catch_all=True)
    leaving, staying = UserFactory(name="Ana Ruiz"), UserFactory(name="Jana Weber")
    for rep in (leaving, staying):
        TerritoryRep.objects.create(territory=territory, rep=rep, weight=1)
    return leaving, staying


def promised(lead: Lead) -> FollowUp:
    due = AT + timedelta(hours=2)
    return FollowUp.objects.create(lead=lead, owner=lead.owner, because="MQL", planned_at=AT, due_at=due)


def test_open_leads_and_promises_of_a_deactivated_rep_go_to_an_active_one(reps: tuple[User, User]) -> None:
    leaving, staying = reps
    account = AccountFactory(owner=leaving)
    lead = LeadFactory(owner=leaving, stage="mql", account=account)
    closed = LeadFactory(owner=leaving, stage="customer")
    promise = promised(lead)
    User.objects.filter(pk=leaving.pk).update(is_active=False)

    assert take_over_leads(at=AT) == 1

    lead.refresh_from_db()
    promise.refresh_from_db()
    closed.refresh_from_db()
    assert (lead.owner, promise.owner, closed.owner) == (staying, staying, leaving)
    assert Account.objects.get(pk=account.pk).owner == staying
    reasons = list(Assignment.objects.filter(lead=lead).order_by("pk").values_list("owner__name", "because"))
    assert reasons[0] == (None, "Ana Ruiz was deactivated")
    assert reasons[1][0] == "Jana Weber"
    told = [each.details["because"] for each in LeadEvent.objects.filter(lead=lead, kind="assigned").order_by("pk")]
    assert told[0] == "Ana Ruiz was deactivated"
    assert len(told) == 2
    assert take_over_leads(at=AT) == 0


def test_a_lead_for_which_nobody_is_left_waits_without_an_owner(reps: tuple[User, User]) -> None:
    lead = LeadFactory(owner=reps[0], stage="mql")
    User.objects.update(is_active=False)
    take_over_leads(at=AT)
    lead.refresh_from_db()
    assert lead.owner is None
    assert lead.intake_due_at == AT
    User.objects.filter(pk=reps[1].pk).update(is_active=True)
    sweep_intake()
    lead.refresh_from_db()
    assert lead.owner == reps[1]


def test_a_promise_follows_the_lead_that_somebody_else_owns_by_now(reps: tuple[User, User]) -> None:
    leaving, staying = reps
    lead = LeadFactory(owner=leaving, stage="mql")
    promise = promised(lead)
    Lead.objects.filter(pk=lead.pk).update(owner=staying)
    User.objects.filter(pk=leaving.pk).update(is_active=False)
    take_over_leads(at=AT)
    promise.refresh_from_db()
    assert promise.owner == staying
