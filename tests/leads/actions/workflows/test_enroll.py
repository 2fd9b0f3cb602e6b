"""Who is enrolled by what, why not, and never twice."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.actions.identity.merge_leads import merge_leads
from leads.actions.workflows.advance import advance_enrollments
from leads.actions.workflows.enroll import enroll_triggered, forget_refusals
from leads.actions.workflows.version_workflow import activate_version, copy_version, switch_workflow
from leads.models import Company, Enrollment, FollowUp, HoldOutArm, Lead, Workflow
from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import Operator
from leads.pure.workflows.definition import Definition, Trigger
from leads.pure.workflows.hold_out import Arm, arm_of
from leads.queries.workflows.occurrences import dated
from tests.leads.actions.workflows.made import CALL, MONDAY, WAIT, created, told, workflow
from tests.leads.factories import AccountFactory, LeadFactory, TouchpointFactory, UserFactory, WebFormFactory

pytestmark = pytest.mark.django_db
LATER = MONDAY + timedelta(minutes=5)


def look(minutes: int = 6) -> int:
    return enroll_triggered(at=MONDAY + timedelta(minutes=minutes))


@pytest.fixture(autouse=True)
def started(company: Company) -> None:
    """A look before anything happened."""
    look(0)


def states(flow: Workflow) -> list[tuple[str, str]]:
    return list(Enrollment.objects.filter(workflow=flow).order_by("pk").values_list("state", "because"))


def test_an_occurrence_enrolls_once_however_often_it_is_read() -> None:
    flow, lead = workflow(WAIT), LeadFactory()
    created([lead], LATER)
    assert look(6) == 1
    assert look(7) == 0
    assert look(8) == 0
    assert states(flow) == [("running", "Became a lead")]


def test_a_second_occurrence_is_refused_with_the_reason() -> None:
    flow, lead = workflow(WAIT), LeadFactory()
    created([lead, lead], LATER)
    look()
    assert states(flow) == [
        ("running", "Became a lead"),
        ("refused", "Became a lead; is enrolled already"),
    ]


def test_what_is_committed_late_is_not_overlooked() -> None:
    flow, lead = workflow(WAIT), LeadFactory()
    look(9)
    created([lead], LATER)  # four minutes before that look, and not visible to it
    look(12)
    assert states(flow) == [("running", "Became a lead")]


def test_nothing_from_before_the_activation_starts_it() -> None:
    lead = LeadFactory()
    created([lead], MONDAY - timedelta(minutes=1))
    flow = workflow(WAIT)
    look()
    assert states(flow) == []


def test_conditions_say_why_not() -> None:
    germans = Group((Condition("country", Operator.IS, ("DE",)),))
    flow = workflow(WAIT, conditions=germans)
    german, french = LeadFactory(country="DE"), LeadFactory(country="FR")
    created([german, french], LATER)
    look()
    assert states(flow) == [
        ("running", "Became a lead. Country is DE"),
        ("refused", "Became a lead; does not meet the conditions: Country is FR"),
    ]


def test_who_has_reached_the_goal_is_not_enrolled() -> None:
    flow = workflow(WAIT, goal=Group((Condition("stage", Operator.IS, ("sql",)),)))
    created([LeadFactory(stage="sql")], LATER)
    look()
    assert states(flow) == [("refused", "Became a lead; has reached the goal already: Lifecycle stage is SQL")]


@pytest.mark.parametrize(
    ("definition", "kind", "details", "because"),
    [
        (Definition(Trigger.STAGE, {"stages": ["mql"]}), "stage_changed", {"to": "mql"}, "Reached MQL"),
        (Definition(Trigger.STAGE, {"stages": ["mql"]}), "stage_changed", {"to": "sal"}, None),
        (Definition(Trigger.SCORE, {"score": 50}), "scored", {"from": 49, "to": 50}, "Score rose to 50, at least 50"),
        (Definition(Trigger.SCORE, {"score": 50}), "scored", {"from": 50, "to": 60}, None),
        (Definition(Trigger.SCORE, {"score": 50}), "scored", {"from": 60, "to": 40}, None),
        (
            Definition(Trigger.SCORE, {"score": 50}),
            "scored",
            {"from": None, "to": 55},
            "Score rose to 55, at least 50",
        ),
        (Definition(Trigger.ASSIGNED), "assigned", {"owner": "Rita"}, "Was assigned to Rita"),
        (Definition(Trigger.ASSIGNED), "assigned", {"owner": ""}, None),
    ],
)
def test_each_trigger_of_an_event(
    definition: Definition, kind: str, details: dict[str, object], because: str | None
) -> None:
    flow = workflow(WAIT, definition=definition)
    told([LeadFactory()], kind, LATER, **details)
    look()
    assert states(flow) == ([("running", because)] if because else [])


@pytest.mark.parametrize(("reasons", "is_enrolled"), [([], True), (["no_budget"], True), (["bad_timing"], False)])
def test_a_rejection_by_its_reason(reasons: list[str], is_enrolled: bool) -> None:
    flow, lead = workflow(WAIT, definition=Definition(Trigger.REJECTED, {"reasons": reasons})), LeadFactory()
    rep = UserFactory()
    lead.events.create(
        kind="stage_changed",
        happened_at=LATER,
        recorded_at=LATER,
        by=rep,
        details={"to": "recycled", "reason": "no_budget"},
    )
    look()
    assert states(flow) == ([("running", "Was rejected: no budget")] if is_enrolled else [])


def test_forms_by_their_name() -> None:
    form = WebFormFactory(name="Demo request")
    one = workflow(WAIT, definition=Definition(Trigger.FORM, {"web_forms": [str(form.public_id)]}), name="One")
    every = workflow(WAIT, definition=Definition(Trigger.FORM, {"web_forms": []}), name="Every")
    TouchpointFactory(name="Demo request", occurred_at=LATER)
    TouchpointFactory(name="Another", occurred_at=LATER)
    TouchpointFactory(name="Demo request", occurred_at=LATER, exclusion="bot")
    look()
    assert states(one) == [("running", "Sent “Demo request”")]
    assert states(every) == [("running", "Sent “Demo request”"), ("running", "Sent “Another”")]


def test_only_mqls_that_nobody_answered_in_time() -> None:
    flow = workflow(WAIT, definition=Definition(Trigger.NO_ANSWER))
    rep, due = UserFactory(), LATER

    def promise(stage: str, **more: object) -> None:
        lead = LeadFactory(stage=stage, owner=rep)
        FollowUp.objects.create(lead=lead, owner=rep, because="SLA", planned_at=MONDAY, **{"due_at": due, **more})

    promise("mql")
    promise("mql", done_at=MONDAY, outcome="reached")
    promise("mql", due_at=MONDAY + timedelta(minutes=30))
    promise("sal")
    look()
    assert states(flow) == [("running", "Was not answered within the Sales SLA")]


def test_dates_by_company_day_from_the_opening_on() -> None:
    flow = workflow(WAIT, definition=Definition(Trigger.DATE, {"date": "created", "days": 3}), at=MONDAY)
    on_the_day = LeadFactory(captured_at=MONDAY - timedelta(days=2))
    LeadFactory(captured_at=MONDAY - timedelta(days=1))
    enroll_triggered(at=MONDAY + timedelta(hours=22))  # Tuesday, 8:00 in Berlin
    assert states(flow) == []
    enroll_triggered(at=MONDAY + timedelta(hours=23, minutes=1))
    assert [row.lead for row in flow.enrollments.all()] == [on_the_day]
    enroll_triggered(at=MONDAY + timedelta(hours=24))
    assert flow.enrollments.count() == 1
    flow.refresh_from_db()
    assert flow.dated_on == date(2026, 11, 17)


def test_the_date_in_an_attribute() -> None:
    flow = workflow(WAIT, definition=Definition(Trigger.DATE, {"date": "attribute:renewal", "days": -1}))
    LeadFactory(attributes={"renewal": "2026-11-17"})
    LeadFactory(attributes={"renewal": "2026-11-18"})
    look()
    assert states(flow) == [("running", "The day is 17 Nov 2026: the date in “renewal”")]


if connection.vendor == "postgresql":

    def test_an_index_finds_the_date_in_an_attribute() -> None:
        settings = {"date": "attribute:renewal", "days": 0}
        with CaptureQueriesContext(connection) as seen:
            assert dated(settings, date(2026, 11, 17), ZoneInfo("Europe/Berlin")) == []
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # of few rows it reads all
            cursor.execute(f"EXPLAIN {seen[-1]['sql']}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "lead_attributes" in plan


def test_a_webinar_of_yesterday() -> None:
    WebFormFactory(name="Webinar", kind="webinar_registration", starts_at=MONDAY - timedelta(hours=20))
    TouchpointFactory(name="Webinar", kind="webinar_registration")
    TouchpointFactory(name="Other", kind="webinar_registration")
    flow = workflow(WAIT, definition=Definition(Trigger.DATE, {"date": "webinar", "days": 1}))
    look()
    assert flow.enrollments.count() == 1


def test_a_paused_workflow_catches_up_on_nothing() -> None:
    flow = workflow(WAIT)
    switch_workflow(workflow=flow, is_on=False, at=MONDAY)
    created([LeadFactory()], LATER)
    look(6)
    switch_workflow(workflow=flow, is_on=True, at=MONDAY + timedelta(minutes=7))
    look(8)
    assert states(flow) == []


def test_running_enrollments_stay_on_their_version() -> None:
    flow = workflow(WAIT, CALL)
    early, late = LeadFactory(owner=UserFactory()), LeadFactory()
    created([early], LATER)
    look(6)
    draft = copy_version(version=flow.versions.get(), by=None, at=MONDAY)
    draft.steps.get(kind="follow_up").delete()
    activate_version(version=draft, why="Shorter", by=None, at=MONDAY + timedelta(minutes=7))
    created([late], MONDAY + timedelta(minutes=8))
    look(9)
    numbers = dict(flow.enrollments.values_list("lead", "version__number"))
    assert numbers == {early.pk: 1, late.pk: 2}
    advance_enrollments(at=MONDAY + timedelta(minutes=10))
    advance_enrollments(at=MONDAY + timedelta(days=3))
    assert FollowUp.objects.filter(lead=early).count() == 1
    assert FollowUp.objects.filter(lead=late).count() == 0


def test_a_merged_person_is_not_enrolled_a_second_time(sales_leader: object) -> None:
    flow, one, two = workflow(WAIT), LeadFactory(), LeadFactory()
    created([one], LATER)
    look(6)
    merge_leads(survivor_id=two.pk, loser_id=one.pk, by=None, at=MONDAY + timedelta(minutes=7))
    created([two], MONDAY + timedelta(minutes=8))
    look(9)
    assert states(flow)[1] == ("refused", "Became a lead; is enrolled already")
    advance_enrollments(at=MONDAY + timedelta(minutes=10))
    row = flow.enrollments.get(state="running")
    assert row.lead == two


def test_of_two_enrolled_people_who_are_one_one_goes_on() -> None:
    flow, one, two = workflow(WAIT), LeadFactory(), LeadFactory()
    created([one, two], LATER)
    look(6)
    merge_leads(survivor_id=two.pk, loser_id=one.pk, by=None, at=MONDAY + timedelta(minutes=7))
    advance_enrollments(at=MONDAY + timedelta(minutes=10))
    assert flow.enrollments.get(lead=one).state == "ended"
    assert flow.enrollments.get(lead=two).state == "running"


def unit(flow: Workflow, arms: dict[int, Arm]) -> UUID:
    """An id that the seed of the workflow puts into these arms, by percent held out."""
    return next(
        each
        for each in map(UUID, (f"{number:032x}" for number in count(1)))
        if all(arm_of(flow.seed, str(each), percent) == arm for percent, arm in arms.items())
    )


class TestHoldOut:
    def test_a_share_is_left_alone_by_the_seed(self) -> None:
        flow = workflow(WAIT, hold_out_percent=30)
        leads = LeadFactory.create_batch(60)
        created(leads, LATER)
        look()
        held = {lead.pk for lead in leads if arm_of(flow.seed, str(lead.public_id), 30) == Arm.HELD_OUT}
        assert 5 < len(held) < 35
        assert set(flow.enrollments.filter(state="held_out").values_list("lead", flat=True)) == held
        assert set(flow.arms.filter(arm="held_out").values_list("lead", flat=True)) == held
        assert flow.arms.filter(arm="treated").count() == 60 - len(held)

    def test_a_replay_gives_the_same_arms(self) -> None:
        flow = workflow(WAIT, hold_out_percent=50)
        leads = LeadFactory.create_batch(20)
        created(leads, LATER)
        look()
        before = set(flow.arms.values_list("lead", "arm"))
        HoldOutArm.objects.all().delete()
        Enrollment.objects.all().delete()
        look(7)
        assert set(flow.arms.values_list("lead", "arm")) == before

    def test_a_merged_person_keeps_the_earlier_arm(self) -> None:
        flow = workflow(WAIT, hold_out_percent=50, again_after_days=1)
        held = LeadFactory(public_id=unit(flow, {50: Arm.HELD_OUT}))
        treated = LeadFactory(public_id=unit(flow, {50: Arm.TREATED}))
        created([held], LATER)
        look(6)
        created([treated], MONDAY + timedelta(minutes=7))
        look(8)
        Enrollment.objects.filter(lead=treated).update(state="completed", ended_at=MONDAY)
        merge_leads(survivor_id=treated.pk, loser_id=held.pk, by=None, at=MONDAY + timedelta(minutes=9))
        created([treated], MONDAY + timedelta(days=3))
        enroll_triggered(at=MONDAY + timedelta(days=3, minutes=1))
        newest = flow.enrollments.order_by("-pk").first()
        assert newest is not None
        assert (newest.lead, newest.state) == (treated, "held_out")

    def test_an_accounts_arm_does_not_follow_a_person(self) -> None:
        flow = workflow(WAIT, hold_out_percent=50, hold_out_unit="account", again_after_days=1)
        held = AccountFactory(public_id=unit(flow, {50: Arm.HELD_OUT}))
        treated = AccountFactory(public_id=unit(flow, {50: Arm.TREATED}))
        one, two = LeadFactory(account=held), LeadFactory(account=held)
        created([one, two], LATER)
        look()
        assert flow.arms.count() == 1
        assert set(flow.enrollments.values_list("state", flat=True)) == {"held_out"}
        Lead.objects.filter(pk=one.pk).update(account=treated)
        created([one], MONDAY + timedelta(days=3))
        enroll_triggered(at=MONDAY + timedelta(days=3, minutes=1))
        assert flow.enrollments.order_by("-pk")[0].state == "running"
        assert set(flow.arms.values_list("account", "arm")) == {(held.pk, "held_out"), (treated.pk, "treated")}

    def test_another_share_moves_nobody_who_has_an_arm(self) -> None:
        flow = workflow(WAIT, hold_out_percent=1, again_after_days=1)
        lead = LeadFactory(public_id=unit(flow, {1: Arm.TREATED, 50: Arm.HELD_OUT}))
        created([lead], LATER)
        look()
        assert flow.arms.get().arm == "treated"
        draft = copy_version(version=flow.versions.get(), by=None, at=MONDAY)
        flow.versions.filter(pk=draft.pk).update(hold_out_percent=50)
        draft.refresh_from_db()
        activate_version(version=draft, why="More", by=None, at=MONDAY + timedelta(minutes=8))
        Enrollment.objects.update(state="completed", ended_at=MONDAY)
        created([lead], MONDAY + timedelta(days=3))
        enroll_triggered(at=MONDAY + timedelta(days=3, minutes=1))
        assert flow.enrollments.order_by("-pk")[0].state == "running"
        assert flow.arms.count() == 1


def test_old_refusals_are_forgotten_and_nothing_else() -> None:
    flow, lead = workflow(WAIT), LeadFactory()
    created([lead, lead], LATER)
    look()
    assert forget_refusals(at=MONDAY + timedelta(days=90)) == 0
    assert forget_refusals(at=MONDAY + timedelta(days=91)) == 1
    assert states(flow) == [("running", "Became a lead")]


def test_queries_do_not_grow_with_leads() -> None:
    """Neither with those that changed nor with those that did not."""
    workflow(WAIT, conditions=Group((Condition("country", Operator.IS_NOT, ("FR",)),)), hold_out_percent=10)
    counts = []
    for minute, size in ((5, 3), (6, 40)):
        created(LeadFactory.create_batch(size), MONDAY + timedelta(minutes=minute))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            look(minute)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert Enrollment.objects.count() == 43
