"""Transfers: one lead, many, a whole book; to a person, evenly, by rules; and back again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.actions.routing.carry_out_transfer import carry_out_at_once, carry_out_transfers
from leads.actions.routing.deactivate_person import KEEP, deactivate_person
from leads.actions.routing.reassign_lead import reassign_lead
from leads.actions.routing.request_transfer import TransferRefused, request_transfer
from leads.actions.routing.take_over_leads import take_over_leads
from leads.actions.routing.undo_transfer import request_undo, undo_at_once, undo_transfers
from leads.models import (
    Account,
    Assignment,
    FollowUp,
    JobRun,
    Lead,
    LeadEvent,
    Opportunity,
    RepCapacity,
    Territory,
    TerritoryRep,
    Transfer,
    User,
)
from leads.queries.transfers import book_of, leads_of, plan_transfer
from tests.leads.factories import AccountFactory, LeadFactory, OpportunityFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
AT = datetime(2026, 11, 16, 9, tzinfo=UTC)


@pytest.fixture
def ana(db: None) -> User:
    return UserFactory(name="Ana Ruiz")


@pytest.fixture
def jana(db: None) -> User:
    return UserFactory(name="Jana Weber")


@pytest.fixture
def karl(db: None) -> User:
    return UserFactory(name="Karl Moser")


def promised(lead: Lead, owner: User | None = None, kind: str = "call") -> FollowUp:
    return FollowUp.objects.create(
        lead=lead,
        owner=owner or lead.owner,
        kind=kind,
        because="MQL",
        planned_at=AT,
        due_at=AT + timedelta(hours=2),
    )


def book(rep: User, size: int = 4) -> list[Lead]:
    """Leads of a rep, two of an account each, all with a call."""
    leads = []
    for number in range(size):
        account = leads[-1].account if number % 2 else AccountFactory(owner=rep)
        leads.append(LeadFactory(owner=rep, stage="mql", account=account))
        promised(leads[-1])
    return leads


def test_one_lead_goes_to_a_person_with_its_follow_ups_and_comes_back(
    ana: User, jana: User, karl: User, sales_leader: User
) -> None:
    lead = book(ana, 1)[0]
    of_karl = promised(lead, karl, "email")

    transfer = reassign_lead(lead=lead, to=jana, reason="Speaks German", by=sales_leader, at=AT)

    lead.refresh_from_db()
    of_karl.refresh_from_db()
    assert lead.owner == jana
    assert FollowUp.objects.get(kind="call").owner == jana
    assert of_karl.owner == karl
    assert Account.objects.get().owner == ana
    logged = Assignment.objects.get()
    assert (logged.owner, logged.by) == (jana, sales_leader)
    assert logged.because == "Transferred from Ana Ruiz: Speaks German"
    assert (transfer.leads, transfer.follow_ups, transfer.job.state) == (1, 1, "done")
    # From this row CRMs learn of the new owner.
    assert LeadEvent.objects.get(kind="assigned").details["owner"] == "Jana Weber"

    request_undo(transfer=transfer, reason="Ana wants her back", by=sales_leader, at=AT)
    undo_at_once(transfer=transfer, at=AT)

    lead.refresh_from_db()
    transfer.refresh_from_db()
    assert lead.owner == ana
    assert FollowUp.objects.get(kind="call").owner == ana
    assert (transfer.undone_at, transfer.kept) == (AT, 0)
    assert Assignment.objects.latest("pk").because == "Transfer undone: Ana wants her back"


def test_refusals_say_why(ana: User, jana: User, sales_leader: User) -> None:
    lead = LeadFactory(owner=ana)
    gone = UserFactory(name="Gil Gone", is_active=False)
    left = UserFactory(name="Lea Left", left_crm_at=AT)
    wrong = [
        ({"to": jana, "reason": " "}, "Give a reason"),
        ({"to": ana, "reason": "x"}, "Ana Ruiz owns this lead already"),
        ({"to": gone, "reason": "x"}, "Gil Gone is not active"),
        ({"to": left, "reason": "x"}, "Lea Left is not active"),
    ]
    for given, why in wrong:
        with pytest.raises(TransferRefused, match=why):
            reassign_lead(lead=lead, by=sales_leader, at=AT, **given)
    assert not Transfer.objects.exists()
    with pytest.raises(TransferRefused, match="gives the book away"):
        request_transfer(way="person", to=[ana], reason="x", by=sales_leader, at=AT, from_rep=ana)
    with pytest.raises(TransferRefused, match="name nobody"):
        request_transfer(way="rules", to=[jana], reason="x", by=sales_leader, at=AT, from_rep=ana)
    request_transfer(way="person", to=[jana], reason="x", by=sales_leader, at=AT, from_rep=ana)
    with pytest.raises(TransferRefused, match="being transferred already"):
        request_transfer(way="rules", to=[], reason="x", by=sales_leader, at=AT, from_rep=ana)


def test_a_whole_book_goes_to_one_person_and_back(ana: User, jana: User, sales_leader: User) -> None:
    leads = book(ana)
    closed = LeadFactory(owner=ana, stage="customer")
    elsewhere = LeadFactory(owner=jana, stage="mql")
    stray = promised(elsewhere, ana, "meeting")
    deal = OpportunityFactory(owner=ana)
    won = OpportunityFactory(owner=ana, status="won")
    found = book_of(ana, AT)
    assert (found.leads, found.closed_leads, found.follow_ups, found.meetings) == (4, 1, 5, 1)
    assert (found.deals, found.deals_elsewhere, found.accounts) == (1, 0, 2)

    transfer = request_transfer(way="person", to=[jana], reason="Ana leaves", by=sales_leader, at=AT, from_rep=ana)
    transfer = carry_out_at_once(transfer=transfer, at=AT)

    assert (transfer.leads, transfer.follow_ups, transfer.opportunities, transfer.accounts) == (4, 5, 1, 2)
    assert set(Lead.objects.filter(pk__in=[lead.pk for lead in leads]).values_list("owner__name", flat=True)) == {
        "Jana Weber"
    }
    for row, owner in ((closed, ana), (stray, jana), (deal, jana), (won, ana)):
        row.refresh_from_db()
        assert row.owner == owner
    assert book_of(ana, AT).is_empty

    # What somebody changed since stays as it is.
    Lead.objects.filter(pk=leads[0].pk).update(owner=sales_leader)
    FollowUp.objects.filter(lead=leads[1]).update(done_at=AT, outcome="reached")
    request_undo(transfer=transfer, reason="Ana stays", by=sales_leader, at=AT)
    transfer = undo_at_once(transfer=transfer, at=AT)

    assert transfer.kept == 2
    owners = list(
        Lead.objects.filter(pk__in=[lead.pk for lead in leads]).order_by("pk").values_list("owner", flat=True)
    )
    assert owners == [sales_leader.pk, ana.pk, ana.pk, ana.pk]
    deal.refresh_from_db()
    assert deal.owner == ana
    assert set(Account.objects.values_list("owner", flat=True)) == {ana.pk}
    with pytest.raises(TransferRefused, match="undone already"):
        request_undo(transfer=transfer, reason="again", by=sales_leader, at=AT)


def test_closed_leads_go_along_where_asked(ana: User, jana: User, sales_leader: User) -> None:
    LeadFactory(owner=ana, stage="customer")
    transfer = request_transfer(
        way="person", to=[jana], reason="x", by=sales_leader, at=AT, from_rep=ana, takes_closed=True
    )
    carry_out_at_once(transfer=transfer, at=AT)
    assert Lead.objects.get().owner == jana


def test_a_book_is_spread_evenly_with_colleagues_together(
    ana: User, jana: User, karl: User, sales_leader: User
) -> None:
    book(ana, 10)
    transfer = request_transfer(way="evenly", to=[jana, karl], reason="x", by=sales_leader, at=AT, from_rep=ana)
    planned = plan_transfer(
        way="evenly", leads=list(leads_of(transfer)), to=[jana, karl], leaving=[ana.pk], at=AT
    ).owners

    carry_out_at_once(transfer=transfer, at=AT)

    counts = sorted(Lead.objects.filter(owner=each).count() for each in (jana, karl))
    assert counts == [4, 6]
    for account in Account.objects.all():
        assert set(account.leads.values_list("owner", flat=True)) == {account.owner_id}
    assert dict(Lead.objects.values_list("pk", "owner")) == {pk: owner.pk for pk, owner in planned.items()}
    assert set(FollowUp.objects.values_list("owner", flat=True)) == {jana.pk, karl.pk}


def test_rules_choose_the_reps_and_never_the_one_who_leaves(
    ana: User, jana: User, karl: User, sales_leader: User
) -> None:
    territory = Territory.objects.get(is_catch_all=True)
    for rep in (ana, jana, karl):
        TerritoryRep.objects.create(territory=territory, rep=rep)
    RepCapacity.objects.create(rep=karl, open_leads=1)
    leads = [LeadFactory(owner=ana, stage="mql") for _ in range(4)]
    transfer = request_transfer(way="rules", to=[], reason="Ana leaves", by=sales_leader, at=AT, from_rep=ana)
    planned = plan_transfer(way="rules", leads=list(leads_of(transfer)), to=[], leaving=[ana.pk], at=AT).owners

    carry_out_at_once(transfer=transfer, at=AT)

    assert [Lead.objects.filter(owner=each).count() for each in (ana, jana, karl)] == [0, 3, 1]
    assert dict(Lead.objects.values_list("pk", "owner")) == {pk: owner.pk for pk, owner in planned.items() if owner}
    last = Assignment.objects.get(lead=leads[-1])
    assert last.because == (
        "Transferred from Ana Ruiz: Ana leaves; no rule holds, so everywhere else; Jana Weber is the only one available"
    )
    assert last.passed_over == [
        {"rep": "Ana Ruiz", "why": "gives their leads away"},
        {"rep": "Karl Moser", "why": "is at capacity (1 of 1 open leads)"},
    ]


def test_leads_for_which_nobody_is_available_wait_and_get_their_follow_up_back(ana: User, sales_leader: User) -> None:
    from leads.actions.intake import finish_intake

    lead = book(ana, 1)[0]
    transfer = request_transfer(way="rules", to=[], reason="x", by=sales_leader, at=AT, from_rep=ana)
    transfer = carry_out_at_once(transfer=transfer, at=AT)
    lead.refresh_from_db()
    assert (transfer.without_owner, lead.owner, lead.intake_due_at) == (1, None, AT)

    mia = UserFactory(name="Mia Lang")
    TerritoryRep.objects.create(territory=Territory.objects.get(is_catch_all=True), rep=mia)
    finish_intake(at=AT)

    assert Lead.objects.get().owner == mia
    assert FollowUp.objects.get().owner == mia


def test_deactivating_ends_access_and_hands_the_book_on(ana: User, jana: User, admin_user: User) -> None:
    leads = book(ana, 2)
    transfer = deactivate_person(person=ana, by=admin_user, at=AT, way="person", to=[jana], reason="Ana left")

    assert transfer is not None
    assert not User.objects.get(pk=ana.pk).is_active
    # The sweep that takes over for people who left waits for the transfer.
    assert take_over_leads(at=AT) == 0
    assert set(Lead.objects.values_list("owner", flat=True)) == {ana.pk}
    carry_out_at_once(transfer=transfer, at=AT)
    assert set(Lead.objects.filter(pk__in=[each.pk for each in leads]).values_list("owner", flat=True)) == {jana.pk}
    with pytest.raises(TransferRefused, match="Activate Ana Ruiz first"):
        request_undo(transfer=Transfer.objects.get(), reason="x", by=admin_user, at=AT)


def test_a_book_may_stay_for_now_and_is_transferred_later(ana: User, jana: User, admin_user: User) -> None:
    book(ana, 2)
    with pytest.raises(TransferRefused, match="Give a reason"):
        deactivate_person(person=ana, by=admin_user, at=AT, way=KEEP, reason=" ")
    assert User.objects.get(pk=ana.pk).is_active
    assert deactivate_person(person=ana, by=admin_user, at=AT, way=KEEP, reason="Her successor starts in May") is None
    assert not User.objects.get(pk=ana.pk).is_active
    # Territory rules leave the book alone until a person decides.
    assert take_over_leads(at=AT) == 0
    assert set(Lead.objects.values_list("owner", flat=True)) == {ana.pk}
    transfer = request_transfer(way="person", to=[jana], reason="x", by=admin_user, at=AT, from_rep=ana)
    carry_out_at_once(transfer=transfer, at=AT)
    assert set(Lead.objects.values_list("owner", flat=True)) == {jana.pk}


def test_who_cannot_be_deactivated(ana: User, admin_user: User) -> None:
    with pytest.raises(TransferRefused, match="cannot deactivate yourself"):
        deactivate_person(person=admin_user, by=admin_user, at=AT)
    boss = UserFactory(role="admin", is_superuser=True, is_active=False)
    with pytest.raises(TransferRefused, match="deactivated already"):
        deactivate_person(person=boss, by=admin_user, at=AT)
    with pytest.raises(TransferRefused, match="only admin left"):
        deactivate_person(person=admin_user, by=ana, at=AT)
    assert deactivate_person(person=ana, by=admin_user, at=AT) is None
    assert not User.objects.get(pk=ana.pk).is_active


def test_a_killed_worker_is_continued_and_nothing_is_given_twice(
    ana: User, jana: User, karl: User, sales_leader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leads.actions.routing import carry_out_transfer

    monkeypatch.setattr(carry_out_transfer, "CHUNK", 3)
    book(ana, 10)
    transfer = request_transfer(way="evenly", to=[jana, karl], reason="x", by=sales_leader, at=AT, from_rep=ana)
    shares = carry_out_transfer._Shares(transfer, [jana, karl])
    carry_out_transfer._give_chunk(transfer, [jana, karl], shares, AT)
    JobRun.objects.filter(pk=transfer.job_id).update(state="running", beat_at=AT)

    assert carry_out_transfers(clock=lambda: AT + timedelta(minutes=1)) == 0
    assert carry_out_transfers(clock=lambda: AT + timedelta(minutes=3)) == 1

    assert Assignment.objects.count() == 10
    assert sorted(Lead.objects.filter(owner=each).count() for each in (jana, karl)) == [4, 6]
    for account in Account.objects.all():
        assert set(account.leads.values_list("owner", flat=True)) == {account.owner_id}
    undo = request_undo(transfer=Transfer.objects.get(), reason="x", by=sales_leader, at=AT)
    assert undo_transfers(clock=lambda: AT) == 1
    assert set(Lead.objects.values_list("owner", flat=True)) == {ana.pk}
    assert undo.items.filter(is_undone=False).count() == 0


def test_statements_do_not_grow_with_the_book(ana: User, jana: User, sales_leader: User) -> None:
    counts = []
    for size in (4, 40):
        book(ana, size)
        transfer = request_transfer(way="person", to=[jana], reason="x", by=sales_leader, at=AT, from_rep=ana)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            carry_out_at_once(transfer=transfer, at=AT)
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert Opportunity.objects.count() == 0
