"""Suggestions: found for what changed, decided by people, remembered and taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.actions.identity.decide_duplicate import keep_apart, merge_duplicate, undo_decision
from leads.actions.identity.find_duplicates import find_duplicates
from leads.actions.identity.merge_leads import MergeRefused, merge_leads
from leads.models import Duplicate, IdentityKey, Lead, User
from leads.past.acting import backdated
from tests.conftest import NOW
from tests.leads.factories import LeadFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
State = Duplicate.State


def pair(**more: object) -> tuple[Lead, Lead]:
    one = LeadFactory(email="ada.byron@gmail.com", first_name="Ada", last_name="Byron", **more)
    return one, LeadFactory(email="adabyron+crm@gmail.com", first_name="A.", last_name="Lovelace", **more)


def found() -> list[tuple[int, int, list[str], str]]:
    return [(each.first_id, each.second_id, each.reasons, each.state) for each in Duplicate.objects.order_by("pk")]


def test_a_pair_is_found_once_with_its_reasons(rep: User) -> None:
    one, other = pair()
    LeadFactory(email="somebody@else.example")
    assert find_duplicates(at=NOW) == 3
    reason = "same mailbox but for dots or a plus tag"
    assert found() == [(one.pk, other.pk, [reason], State.OPEN)]
    assert find_duplicates(at=NOW + timedelta(minutes=1)) == 0
    assert len(found()) == 1


def test_only_what_changed_is_looked_at() -> None:
    LeadFactory.create_batch(30)
    find_duplicates(at=NOW)
    at = NOW + timedelta(minutes=1)
    with backdated(at):
        one = LeadFactory(phone="+49 30 1234567")
        other = LeadFactory(phone="030/1234567", country="DE")
    with CaptureQueriesContext(connection) as asked:
        assert find_duplicates(at=at) == 2
    assert len(asked) < 25
    assert found() == [(one.pk, other.pk, ["same telephone number"], State.OPEN)]


def test_reasons_that_are_no_more_take_the_pair_along() -> None:
    one, other = pair()
    find_duplicates(at=NOW)
    at = NOW + timedelta(minutes=1)
    with backdated(at):
        Lead.objects.filter(pk=other.pk).update(email="lovelace@engines.example")
    find_duplicates(at=at)
    assert found() == []
    assert one.identity_keys.count() == 1


def test_what_many_have_in_common_says_nothing() -> None:
    LeadFactory.create_batch(13, phone="+49 30 1234567")
    find_duplicates(at=NOW)
    assert found() == []
    Lead.objects.order_by("pk").first().delete()
    Duplicate.objects.all().delete()
    with backdated(NOW + timedelta(minutes=1)):
        Lead.objects.update(job_title="CTO")
    find_duplicates(at=NOW + timedelta(minutes=1))
    assert len(found()) == 66


def test_a_merge_and_its_undoing(admin_user: User) -> None:
    one, other = pair()
    find_duplicates(at=NOW)
    row = Duplicate.objects.get()
    with backdated(NOW):
        merge_duplicate(duplicate=row, survivor_id=other.pk, by=admin_user, at=NOW)
    one.refresh_from_db()
    assert one.merged_into_id == other.pk
    assert Duplicate.objects.visible_to(admin_user).count() == 0
    with pytest.raises(MergeRefused, match="meanwhile"):
        merge_duplicate(duplicate=row, survivor_id=other.pk, by=admin_user, at=NOW)
    with backdated(NOW):
        undo_decision(duplicate=row, by=admin_user, at=NOW)
    one.refresh_from_db()
    row.refresh_from_db()
    assert (one.merged_into_id, row.state) == (None, State.OPEN)


def test_not_the_same_is_remembered_whatever_changes(admin_user: User) -> None:
    one, _ = pair()
    find_duplicates(at=NOW)
    keep_apart(duplicate=Duplicate.objects.get(), by=admin_user, at=NOW)
    at = NOW + timedelta(minutes=1)
    with backdated(at):
        Lead.objects.filter(pk=one.pk).update(job_title="CTO")
    find_duplicates(at=at)
    assert [state for *_, state in found()] == [State.DIFFERENT]
    undo_decision(duplicate=Duplicate.objects.get(), by=admin_user, at=at)
    assert [state for *_, state in found()] == [State.OPEN]


def test_a_lead_that_was_merged_elsewhere_leaves_the_queue(admin_user: User) -> None:
    one, _ = pair()
    third = LeadFactory()
    find_duplicates(at=NOW)
    at = NOW + timedelta(minutes=1)
    with backdated(at):
        merge_leads(survivor_id=third.pk, loser_id=one.pk, by=admin_user, at=at)
    find_duplicates(at=at)
    assert IdentityKey.objects.filter(lead=one).count() == 0


def test_reps_see_and_decide_only_what_is_theirs(rep: User, admin_user: User) -> None:
    one, other = pair(owner=rep)
    find_duplicates(at=NOW)
    row = Duplicate.objects.get()
    assert Duplicate.objects.visible_to(rep).count() == 1
    Lead.objects.filter(pk=other.pk).update(owner=UserFactory())
    assert Duplicate.objects.visible_to(rep).count() == 0
    assert Duplicate.objects.visible_to(admin_user).count() == 1
    with pytest.raises(MergeRefused, match="owner of both"):
        keep_apart(duplicate=row, by=rep, at=NOW)
    with pytest.raises(MergeRefused, match="one of the two"):
        merge_duplicate(duplicate=row, survivor_id=0, by=admin_user, at=NOW)
    assert one.merged_into_id is None
