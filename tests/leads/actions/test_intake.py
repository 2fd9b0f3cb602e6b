"""Intake: score, assign, plan; once, in order, with reasons."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from leads.actions.capture.capture import capture_lead
from leads.actions.intake import finish_intake, run_intake
from leads.models import (
    Assignment,
    FollowUp,
    Lead,
    LeadEvent,
    LeadScore,
    LifecyclePassage,
    RepAbsence,
    RepCapacity,
    ScoringRule,
    Territory,
    TerritoryRep,
    Touchpoint,
)
from tests.leads.actions.capture.items import AT, event, item
from tests.leads.factories import LeadFactory, TerritoryFactory, TouchpointFactory, UserFactory, rule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


@pytest.fixture
def dach(db: None) -> Territory:
    territory = TerritoryFactory(name="DACH")
    rule(territory, 3, country=["DE", "AT", "CH"])
    for name, weight in (("Jana Weber", 2), ("Karl Moser", 1)):
        TerritoryRep.objects.create(territory=territory, rep=UserFactory(name=name), weight=weight)
    return territory


def captured(**fields) -> Lead:
    return capture_lead(item=item(**fields), source="website", at=AT).lead


def qualified(n: int = 0, **fields) -> Lead:
    return captured(
        **{"email": f"person{n}@company{n}.example", "job_title": "CTO", "company_size": 120, "country": "DE"} | fields
    )


def test_the_whole_intake_of_a_good_lead(dach: Territory) -> None:
    lead = qualified()

    run_intake(lead_ids=[lead.pk], at=AT)

    lead.refresh_from_db()
    score = LeadScore.objects.get()
    assert lead.score == score.total == sum(reason["points"] for reason in score.reasons) > 0
    assert (lead.stage, lead.owner.name, lead.territory, lead.intake_due_at) == ("mql", "Jana Weber", dach, None)
    assignment = Assignment.objects.get()
    assert assignment.because == "rule 3: country is DE, AT or CH; Jana Weber is next in turn"
    follow_up = FollowUp.objects.get()
    # Wednesday 10:30 in Berlin and four business hours.
    assert (follow_up.owner, follow_up.due_at) == (lead.owner, datetime(2026, 11, 18, 13, 30, tzinfo=UTC))
    kinds = ["captured", "scored", "stage_changed", "assigned", "follow_up_planned"]
    assert list(LeadEvent.objects.order_by("pk").values_list("kind", flat=True)) == kinds
    lead.account.refresh_from_db()
    assert lead.account.owner == lead.owner


def test_running_twice_changes_nothing(dach: Territory) -> None:
    lead = qualified()
    run_intake(lead_ids=[lead.pk], at=AT)
    models = (LeadScore, Assignment, FollowUp, LeadEvent, LifecyclePassage)
    before = ([model.objects.count() for model in models], Lead.objects.values().get())
    credits = list(TerritoryRep.objects.order_by("pk").values_list("credit", flat=True))

    run_intake(lead_ids=[lead.pk], at=AT + timedelta(minutes=5))

    assert ([model.objects.count() for model in models], Lead.objects.values().get()) == before
    assert list(TerritoryRep.objects.order_by("pk").values_list("credit", flat=True)) == credits


def test_reps_take_turns_by_weight_across_calls(dach: Territory) -> None:
    for n in range(6):
        run_intake(lead_ids=[qualified(n).pk], at=AT)
    one_by_one = list(Lead.objects.order_by("pk").values_list("owner__name", flat=True))

    run_intake(lead_ids=[qualified(n).pk for n in range(6, 12)], at=AT)
    together = list(Lead.objects.order_by("pk").values_list("owner__name", flat=True))[6:]

    assert one_by_one == ["Jana Weber", "Karl Moser", "Jana Weber"] * 2 == together


def test_the_account_owner_takes_colleagues_also_within_one_batch(dach: Territory) -> None:
    leads = [qualified(email=f"person{n}@one.example") for n in range(4)]

    run_intake(lead_ids=[lead.pk for lead in leads], at=AT)

    assert set(Lead.objects.values_list("owner__name", flat=True)) == {"Jana Weber"}
    assert "already owns the account" in Assignment.objects.latest("pk").because


def test_away_full_and_inactive_reps_are_passed_over_and_named(dach: Territory) -> None:
    jana, karl = (share.rep for share in dach.reps.select_related("rep").order_by("pk"))
    lena = UserFactory(name="Lena Roth")
    TerritoryRep.objects.create(territory=dach, rep=lena)
    RepAbsence.objects.create(rep=jana, starts_on=date(2026, 11, 16), ends_on=date(2026, 11, 20))
    RepCapacity.objects.create(rep=karl, open_leads=1)
    LeadFactory(owner=karl)

    run_intake(lead_ids=[qualified().pk], at=AT)

    assignment = Assignment.objects.get()
    assert assignment.owner == lena
    assert assignment.passed_over == [
        {"rep": "Jana Weber", "why": "is away until 2026-11-20"},
        {"rep": "Karl Moser", "why": "is at capacity (1 of 1 open leads)"},
    ]


def test_capacity_counts_the_leads_of_the_same_round(dach: Territory) -> None:
    for share in dach.reps.select_related("rep"):
        RepCapacity.objects.create(rep=share.rep, open_leads=2)

    run_intake(lead_ids=[qualified(n).pk for n in range(6)], at=AT)

    owners = list(Lead.objects.values_list("owner__name", flat=True))
    assert sorted(owner or "" for owner in owners) == ["", "", *["Jana Weber"] * 2, *["Karl Moser"] * 2]


def test_without_a_rep_the_lead_keeps_its_territory_and_is_tried_again(dach: Territory) -> None:
    dach.reps.all().delete()
    lead = qualified()

    run_intake(lead_ids=[lead.pk], at=AT)
    run_intake(lead_ids=[lead.pk], at=AT + timedelta(minutes=1))

    lead.refresh_from_db()
    assert (lead.territory, lead.owner, lead.stage) == (dach, None, "mql")
    assert Assignment.objects.get().because == "rule 3: country is DE, AT or CH; the territory has no reps"
    assert not FollowUp.objects.exists()

    TerritoryRep.objects.create(territory=dach, rep=UserFactory(name="Mia Lang"))
    assert finish_intake(at=AT + timedelta(hours=1)) == 1
    lead.refresh_from_db()
    assert (lead.owner.name, lead.intake_due_at) == ("Mia Lang", None)
    # The person has waited since becoming an MQL, whoever was there.
    assert FollowUp.objects.get().due_at == datetime(2026, 11, 18, 13, 30, tzinfo=UTC)


def test_no_rule_means_the_catch_all(dach: Territory) -> None:
    TerritoryRep.objects.create(territory=Territory.objects.get(is_catch_all=True), rep=UserFactory(name="Max Fern"))

    run_intake(lead_ids=[qualified(country="BR").pk], at=AT)

    assignment = Assignment.objects.get()
    assert (assignment.owner.name, assignment.rule) == ("Max Fern", None)
    assert assignment.because == "no rule holds, so everywhere else; Max Fern is the only one available"


def test_a_sign_up_stays_a_subscriber_without_owner(dach: Territory) -> None:
    lead = qualified(event=event("email_signup"))

    run_intake(lead_ids=[lead.pk], at=AT)

    lead.refresh_from_db()
    assert (lead.stage, lead.owner, lead.intake_due_at) == ("subscriber", None, None)
    assert lead.score > 0
    assert not Assignment.objects.exists()


def test_a_recycled_lead_qualifies_again_only_after_a_new_inquiry(dach: Territory) -> None:
    lead = qualified()
    Lead.objects.update(stage="recycled")
    LifecyclePassage.objects.create(lead=lead, from_stage="mql", to_stage="recycled", passed_at=AT)

    run_intake(lead_ids=[lead.pk], at=AT + timedelta(hours=1))
    assert Lead.objects.get().stage == "recycled"

    later = AT + timedelta(days=1)
    capture_lead(item=item(email=lead.email, event=event(occurred_at=later)), source="website", at=later)
    run_intake(lead_ids=[lead.pk], at=later)
    assert Lead.objects.get().stage == "mql"


def test_a_rule_that_cannot_be_scored_is_left_out(dach: Territory) -> None:
    ScoringRule.objects.filter(name="Company of 50 to 5,000").update(conditions={"schema": 1, "match": "most"})

    run_intake(lead_ids=[qualified().pk], at=AT)

    rules = [reason["rule"] for reason in LeadScore.objects.get().reasons]
    assert rules
    assert "Company of 50 to 5,000" not in rules


def test_the_sweep_takes_what_is_due_and_a_bad_lead_does_not_stop_the_others(dach: Territory) -> None:
    good, bad, later = qualified(1), qualified(2), qualified(3)
    Lead.objects.filter(pk=bad.pk).update(attributes=["not a mapping"])
    Lead.objects.filter(pk=later.pk).update(intake_due_at=AT + timedelta(hours=1))

    finish_intake(at=AT)

    states = dict(Lead.objects.values_list("pk", "intake_due_at"))
    assert states == {good.pk: None, bad.pk: AT + timedelta(minutes=15), later.pk: AT + timedelta(hours=1)}
    assert finish_intake(at=AT) == 0


def test_queries_do_not_grow_with_the_leads(dach: Territory, django_assert_max_num_queries) -> None:
    Lead.objects.bulk_create(
        LeadFactory.build(email=f"l{n}@l{n}.example", country="DE", intake_due_at=AT, stage="subscriber")
        for n in range(100)
    )

    with django_assert_max_num_queries(30):
        assert finish_intake(at=AT) == 100


def test_opens_and_clicks_of_machines_earn_no_points(dach: Territory) -> None:
    lead = qualified()
    run_intake(lead_ids=[lead.pk], at=AT)
    lead.refresh_from_db()
    before = lead.score
    kinds = ("email_click", "webinar_attendance", "form_submission")
    touches = [
        TouchpointFactory(lead=lead, kind=kind, name="Pricing request", occurred_at=AT, exclusion=why)
        for kind in kinds
        for why in ("scanner", "bot", "machine")
    ]
    run_intake(lead_ids=[lead.pk], at=AT)
    lead.refresh_from_db()
    assert lead.score == before
    # The control: the same touchpoints of a person.
    Touchpoint.objects.filter(pk__in=[touch.pk for touch in touches]).update(exclusion="")
    run_intake(lead_ids=[lead.pk], at=AT)
    lead.refresh_from_db()
    assert lead.score > before
