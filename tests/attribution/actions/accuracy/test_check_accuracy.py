"""The three accuracies: measured, kept, and nothing made up stays behind."""

from __future__ import annotations

import pytest
from django.utils import timezone

from attribution.actions.accuracy.check_accuracy import check_agreement, check_capture, check_causal
from attribution.actions.accuracy.send_contacts import DoorClosed, send_contacts
from attribution.models import AccuracyCheck, SourceCheck
from attribution.pure.accuracy.capture_truth import TROUBLES, Merged, Posted, made_up
from leads.models import Account, ApiKey, Campaign, Lead, LeadEvent, Submission, Touchpoint
from tests.attribution.factories import AT, company_with_deals, run
from tests.leads.factories import channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
MADE = (Account, ApiKey, Campaign, Lead, LeadEvent, Submission, Touchpoint)


def rows() -> list[int]:
    return [model.objects.count() for model in MADE]


def test_made_up_people_arrive_as_their_troubles_let_them_and_leave_nothing(django_capture_on_commit_callbacks) -> None:
    company_with_deals()
    before, told, now = rows(), [], timezone.now()
    with django_capture_on_commit_callbacks() as waiting:
        check = check_capture(at=now, seed=5, people=18, progress=lambda *step: told.append(step))
    assert rows() == before
    assert waiting == []
    assert told[-1][1:] == (18, 18)
    shares = {row["trouble"]: row for row in check.results}
    assert set(shares) == set(TROUBLES)
    for harmless in ("none", "signed_in", "merged", "repeated", "late_import"):
        assert shares[harmless]["value"] == 1, harmless
    for harmful in ("lost_cookie", "two_devices", "forwarded_mail"):
        assert 0 < shares[harmful]["value"] < 1, harmful
    assert shares["bot"]["value"] > 0.5
    assert check.sample == sum(row["sample"] for row in check.results) > 50
    assert check.low < check.value < check.high
    made = [made_up(person=1, seed=seed, at=now) for seed in (5, 5, 6)]
    assert made[0] == made[1] != made[2]


def test_people_with_two_records_need_the_merge() -> None:
    steps = made_up(person=list(TROUBLES).index("merged"), seed=5, at=timezone.now()).steps
    assert len({step.body["email"] for step in steps if isinstance(step, Posted)}) == 2
    assert [type(step) for step in steps].count(Merged) == 1
    send_contacts(steps=[step for step in steps if not isinstance(step, Merged)], at=timezone.now())
    assert Lead.objects.live().count() == 2


def test_a_closed_door_is_no_accuracy() -> None:
    body = {"email": "a@capture-check.example", "event": {}}
    send_contacts(steps=[Posted(body)], at=AT)  # refused, which is an answer
    assert (Lead.objects.count(), Submission.objects.count()) == (0, 1)
    with pytest.raises(DoorClosed, match="400"):
        send_contacts(steps=[Posted({"leads": "\0"})], at=AT)


def test_methods_agree_with_what_people_say() -> None:
    company = company_with_deals()
    run(kind="full")
    first, second = company["won"], company["repeat"]
    asked = {"answered_at": AT}
    SourceCheck.objects.create(opportunity=first, origin="sales", campaign=company["search"], **asked)
    SourceCheck.objects.create(opportunity=first, origin="self_reported", channel=channel("events"), **asked)
    SourceCheck.objects.create(opportunity=second, origin="self_reported", **asked)
    check = check_agreement(at=AT)
    assert check.kind == AccuracyCheck.Kind.AGREEMENT
    found = {row["method"]: row for row in check.results}
    assert found["first_touch"]["sample"] == 1
    assert found["first_touch"]["value"] == 1
    assert found["last_touch"]["value"] == 0
    assert found["first_touch"]["low"] == pytest.approx(0.2065, abs=1e-4)
    assert check.value == found["last_non_self_initiated"]["value"]


def test_nobody_was_asked() -> None:
    check = check_agreement(at=AT)
    assert (check.value, check.low, check.sample) == (None, None, 0)


def test_markets_of_known_truth_are_kept_with_their_worst() -> None:
    told = []
    check = check_causal(at=AT, seed=31, people=250, progress=lambda *step: told.append(step))
    assert len(told) == told[-1][2] >= 10
    assert 0 < check.low < check.value < 1
    assert check.sample == 250 * len(told)
    assert check.seed == 31
    hazard = next(row for row in check.results if row["method"] == "additive_hazard")
    assert (hazard["value"], hazard["worst"]) == (check.value, check.low)
    assert len(hazard["scenarios"]) == len(told)
