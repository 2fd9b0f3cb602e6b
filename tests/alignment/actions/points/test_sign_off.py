"""Sign-offs: a person, a version, frozen evidence; withdrawn with a reason, never deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import ProtectedError

from alignment.actions.points import sign_off as signing
from alignment.actions.points.add_evidence import EvidenceRefused, add_evidence
from alignment.actions.points.plan_criteria import plan_criterion, plan_point
from alignment.actions.points.set_aside import reopen, set_aside
from alignment.actions.points.sign_off import SignOffRefused, sign_off
from alignment.actions.points.withdraw_sign_off import withdraw_sign_off
from alignment.models import AcceptanceCriterion, CriterionEvent, Evidence, SignOff
from leads.models import Company, User
from tests.alignment.factories import MONDAY, build_world, criterion, named

pytestmark = pytest.mark.django_db


def state(of: AcceptanceCriterion) -> str:
    return AcceptanceCriterion.objects.get(pk=of.pk).state


def test_evidence_makes_ready_and_the_sign_off_freezes_it(company: Company, sales_leader: User) -> None:
    build_world()
    named(sales_leader, "Olga Reid")
    wanted = criterion()
    add_evidence(criterion=wanted, note=" Workshop ", url="https://docs.example.com/a", by=sales_leader, at=MONDAY)
    assert state(wanted) == "ready"
    signed = sign_off(criterion=wanted, by=sales_leader, at=MONDAY)
    assert state(wanted) == "signed_off"
    assert (signed.signed_by_name, signed.criterion_version, signed.criterion_text) == ("Olga Reid", 1, wanted.text)
    assert signed.evidence["documents"] == [
        {
            "note": "Workshop",
            "url": "https://docs.example.com/a",
            "added_by": "Olga Reid",
            "added_at": MONDAY.isoformat(),
        }
    ]
    live = {found["figure"]: found for found in signed.evidence["live"]}
    assert set(live) == {"leads.acceptance_rate", "leads.conversion.mql_to_sql"}
    assert live["leads.acceptance_rate"]["text"] == "50.0%"
    assert live["leads.acceptance_rate"]["version"] == 1
    add_evidence(criterion=wanted, note="Later", by=sales_leader, at=MONDAY + timedelta(days=1))
    signed.refresh_from_db()
    assert len(signed.evidence["documents"]) == 1
    assert state(wanted) == "signed_off"


def test_without_evidence_a_note_must_stand_in(company: Company, sales_leader: User) -> None:
    with pytest.raises(SignOffRefused, match="evidence"):
        sign_off(criterion=criterion(), by=sales_leader, at=MONDAY, note="  ")
    assert state(criterion()) == "not_ready"
    assert sign_off(criterion=criterion(), by=sales_leader, at=MONDAY, note="Seen in the demo").note


@pytest.mark.parametrize("role", ["sales_rep", "marketing_director"])
def test_only_sales_leaders_and_admins_sign(company: Company, role: str, rep: User, director: User) -> None:
    user = {"sales_rep": rep, "marketing_director": director}[role]
    for action in (
        lambda: sign_off(criterion=criterion(), by=user, at=MONDAY, note="x"),
        lambda: set_aside(criterion=criterion(), by=user, reason="x", at=MONDAY),
        lambda: plan_point(point=criterion().point, owner=user, due_on=None, by=user),
        lambda: plan_criterion(criterion=criterion(), owner=user, due_on=None, by=user, at=MONDAY),
    ):
        with pytest.raises(SignOffRefused):
            action()
    if role == "marketing_director":
        add_evidence(criterion=criterion(), note="x", by=user, at=MONDAY)
    else:
        with pytest.raises(EvidenceRefused):
            add_evidence(criterion=criterion(), note="x", by=user, at=MONDAY)
    assert not SignOff.objects.exists()
    assert not CriterionEvent.objects.exists()


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "http://docs.example.com", "ftp://docs.example.com", "//docs.example.com", "https://"],
)
def test_only_full_https_addresses_are_evidence(company: Company, sales_leader: User, url: str) -> None:
    with pytest.raises(EvidenceRefused, match="https"):
        add_evidence(criterion=criterion(), note="x", url=url, by=sales_leader, at=MONDAY)
    assert not Evidence.objects.exists()
    assert state(criterion()) == "not_ready"


def test_of_two_who_sign_at_once_one_succeeds(
    company: Company, sales_leader: User, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second has read everything when the first one signs: the narrowest place of the race."""
    wanted = criterion()
    states = signing.OPEN

    class Racing(tuple):  # read by the conditional update, after every check
        def __iter__(self):
            if signing.OPEN is not states:
                monkeypatch.setattr(signing, "OPEN", states)
                sign_off(criterion=criterion(), by=admin_user, at=MONDAY, note="first")
            return tuple.__iter__(self)

    monkeypatch.setattr(signing, "OPEN", Racing(states))
    with pytest.raises(SignOffRefused, match="just signed"):
        sign_off(criterion=wanted, by=sales_leader, at=MONDAY, note="second")
    # Both ran in one connection here, so the refusal also rolled the first one back; the second was never written.
    assert not SignOff.objects.filter(note="second").exists()


def test_signing_old_words_is_refused(company: Company, sales_leader: User) -> None:
    AcceptanceCriterion.objects.filter(pk=criterion().pk).update(text="New words", version=2)
    with pytest.raises(SignOffRefused, match="wording changed"):
        sign_off(criterion=criterion(), by=sales_leader, at=MONDAY, note="x", version=1)
    assert sign_off(criterion=criterion(), by=sales_leader, at=MONDAY, note="x", version=2).criterion_version == 2


def test_a_withdrawn_sign_off_stays_on_record(company: Company, sales_leader: User) -> None:
    signed = sign_off(criterion=criterion(), by=sales_leader, at=MONDAY, note="x")
    with pytest.raises(SignOffRefused, match="already"):
        sign_off(criterion=criterion(), by=sales_leader, at=MONDAY, note="again")
    with pytest.raises(SignOffRefused, match="why"):
        withdraw_sign_off(sign_off=signed, by=sales_leader, reason=" ", at=MONDAY)
    withdraw_sign_off(sign_off=signed, by=sales_leader, reason="The pilot failed", at=MONDAY)
    with pytest.raises(SignOffRefused, match="already"):
        withdraw_sign_off(sign_off=signed, by=sales_leader, reason="Again", at=MONDAY)
    assert state(criterion()) == "not_ready"
    sign_off(criterion=criterion(), by=sales_leader, at=MONDAY, note="second try")
    assert SignOff.objects.count() == 2
    with pytest.raises(ProtectedError):
        criterion().delete()


def test_not_applicable_needs_a_reason_and_can_be_taken_up_again(company: Company, sales_leader: User) -> None:
    with pytest.raises(SignOffRefused):
        set_aside(criterion=criterion(), by=sales_leader, reason="", at=MONDAY)
    set_aside(criterion=criterion(), by=sales_leader, reason="No platform here", at=MONDAY)
    assert criterion().state == "not_applicable"
    assert criterion().state_note == "No platform here"
    with pytest.raises(SignOffRefused, match="not applicable"):
        sign_off(criterion=criterion(), by=sales_leader, at=MONDAY, note="x")
    reopen(criterion=criterion(), by=sales_leader, reason="Now there is one", at=MONDAY)
    assert criterion().state == "not_ready"
    assert criterion().state_note == ""
    kinds = CriterionEvent.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["not_applicable", "reopened"]
    sign_off(criterion=criterion(), by=sales_leader, at=MONDAY, note="x")
    with pytest.raises(SignOffRefused, match="signed off"):
        set_aside(criterion=criterion(), by=sales_leader, reason="x", at=MONDAY)
