"""The past of the seeded demo: what was known when is what had happened by then, and reports are its witnesses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Count, Q, Sum
from pytest_django import DjangoDbBlocker

from alignment.actions.report.compose_report import report_scope
from alignment.actions.report.freeze_figure import freeze_figure
from alignment.models import Evidence, SignOff, Target, WeeklyReport
from alignment.pure import sealing
from attribution.models import MethodFit, SourceCheck
from config.demo.company import build
from config.demo.deals import changes_of
from config.demo.records import DemoCompany
from config.demo.seed import Order
from leads.models import (
    Assignment,
    Campaign,
    CampaignCost,
    Change,
    Company,
    FollowUp,
    Lead,
    LeadScore,
    LifecyclePassage,
    Opportunity,
    OpportunityChange,
    PipelineStage,
    ShownScore,
    Touchpoint,
)
from leads.past.acting import Door
from leads.past.install import missing, unrecorded
from leads.past.registry import facts
from leads.past.span import known_at
from leads.pure.week import Period, Week
from tests.config.demo.ordered import AT, LEADS, order_for, quiet

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SIX_WEEKS_AGO = AT - timedelta(weeks=6)
LAST_YEAR = AT - timedelta(days=365)
MOMENTS = [LAST_YEAR, SIX_WEEKS_AGO, AT - timedelta(days=10), AT]
REPORTS = 4
A_DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def made(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Order]:
    with django_db_blocker.unblock(), transaction.atomic():
        order = order_for(tmp_path_factory.mktemp("demo"), reports=REPORTS)
        quiet(order)
        yield order
        transaction.set_rollback(True)


@pytest.fixture
def seeded(made: Order) -> Order:
    return made


@pytest.fixture(scope="module")
def company() -> DemoCompany:
    return build(7, AT, LEADS)


def ended(at: datetime) -> datetime:
    """The last moment of which everything is known at a moment: changes hold up to a day."""
    return at if at == AT else at - A_DAY


@pytest.mark.usefixtures("seeded")
def test_newest_versions_are_the_rows() -> None:
    assert unrecorded(connections[DEFAULT_DB_ALIAS]) == []
    assert missing(connections[DEFAULT_DB_ALIAS]) == []


@pytest.mark.usefixtures("seeded")
def test_versions_follow_one_another() -> None:
    with connection.cursor() as cursor:
        known = set(Change.objects.values_list("pk", flat=True))
        for fact in facts():
            cursor.execute(f'SELECT id, known_by, ended_by FROM "{fact.versions}" ORDER BY id, known_by')
            rows = cursor.fetchall()
            assert {row[1] for row in rows} | {row[2] for row in rows} - {None} <= known, fact.table
            for (id, began, end), (next_id, next_began, _) in pairwise(rows):
                assert end is None or began < end
                assert next_id != id or next_began == end, fact.table


@pytest.mark.usefixtures("seeded")
def test_changes_are_in_the_order_of_their_moments() -> None:
    changes = list(Change.objects.filter(is_backdated=True).order_by("pk").values_list("at", flat=True))
    assert changes == sorted(changes)
    assert changes[0] == 0
    assert len(changes) > LEADS


@pytest.mark.usefixtures("seeded")
def test_every_change_says_who_wrote_it_through_which_door() -> None:
    told = Change.objects.filter(is_backdated=True).exclude(door=Door.MIGRATION)
    doors = Counter(told.values_list("door", flat=True))
    assert {Door.PAGE, Door.API, Door.IMPORT, Door.CRM, Door.JOB} <= set(doors)
    assert not told.filter(door=Door.PAGE, actor=None).exists()
    assert not told.filter(because="").exists()
    assert not told.exclude(door=Door.PAGE).filter(source="").exists()


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("at", MOMENTS)
def test_only_what_had_happened_is_known(at: datetime) -> None:
    moments = [
        (Lead, "captured_at"), (Touchpoint, "recorded_at"), (LifecyclePassage, "passed_at"), (LeadScore, "scored_at"),
        (Assignment, "assigned_at"), (FollowUp, "planned_at"), (FollowUp, "done_at"), (Opportunity, "opened_at"),
        (Opportunity, "closed_at"), (OpportunityChange, "recorded_at"), (CampaignCost, "recorded_at"),
    ]  # fmt: skip
    happened = {
        (model, field): model.objects.filter(**{f"{field}__lte": ended(at)}).count() for model, field in moments
    }
    with known_at(at):
        for model, field in moments:
            known = model.objects.filter(**{f"{field}__isnull": False})
            assert not known.filter(**{f"{field}__gt": at}).exists(), field
            if (model, field) != (Opportunity, "closed_at"):  # reopened ones were closed earlier, too
                assert known.count() >= happened[model, field], field


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("at", MOMENTS)
def test_nothing_known_refers_to_something_unknown(at: datetime) -> None:
    with known_at(at):
        leads, deals = Lead.objects.values("pk"), Opportunity.objects.values("pk")
        assert not Touchpoint.objects.exclude(lead__in=leads).exists()
        assert not LifecyclePassage.objects.exclude(lead__in=leads).exists()
        assert not FollowUp.objects.exclude(lead__in=leads).exists()
        assert not OpportunityChange.objects.exclude(opportunity__in=deals).exists()


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("at", MOMENTS)
def test_leads_stood_where_their_passages_had_brought_them(at: datetime) -> None:
    with known_at(at):
        stages = dict(Lead.objects.live().values_list("pk", "stage"))
        reached = dict(LifecyclePassage.objects.order_by("passed_at", "pk").values_list("lead", "to_stage"))
        scored = set(LeadScore.objects.values_list("lead", flat=True))
        shown = dict(ShownScore.objects.values_list("lead", "total"))
        owners = dict(Assignment.objects.order_by("assigned_at", "pk").values_list("lead", "owner"))
        known = {lead.pk: lead for lead in Lead.objects.live()}
    assert len(known) > 20
    assert reached == stages
    assert {pk: lead.score for pk, lead in known.items()} == shown
    assert shown.keys() == scored
    assert {pk: lead.owner_id for pk, lead in known.items() if lead.owner_id} == owners


@pytest.mark.usefixtures("seeded")
def test_a_lead_had_another_score_and_stage() -> None:
    now = {lead.pk: (lead.score, lead.stage) for lead in Lead.objects.live()}
    with known_at(SIX_WEEKS_AGO):
        then = {lead.pk: (lead.score, lead.stage) for lead in Lead.objects.live()}
    scores = [pk for pk, (score, _) in then.items() if score != now[pk][0]]
    stages = [pk for pk, (_, stage) in then.items() if stage != now[pk][1]]
    assert len(scores) > len(stages) > 5
    assert sum(score > 0 for score, _ in then.values()) > len(then) / 2


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("at", MOMENTS)
def test_deals_stood_where_their_history_had_brought_them(at: datetime, company: DemoCompany) -> None:
    keys = {stage.pk: stage.key for stage in PipelineStage.objects.all()}
    with known_at(at):
        known = list(Opportunity.objects.order_by("pk"))
        last = {change.opportunity_id: change for change in OpportunityChange.objects.order_by("changed_at", "pk")}
    first = Opportunity.objects.order_by("pk")[0].pk
    for deal in known:
        change, made = last[deal.pk], company.deals[deal.pk - first]
        assert (deal.stage_id, deal.status, deal.amount_cents) == (change.stage_id, change.status, change.amount_cents)
        assert deal.closed_at == (None if deal.status == "open" else change.changed_at)
        assert (deal.lost_reason != "") == (deal.status == "lost")
        assert deal.changed_at == change.changed_at
        stood = [step for step in changes_of(made) if step.at <= change.changed_at][-1]
        assert (keys[deal.stage_id], deal.amount_cents) == (stood.stage, stood.cents)
        assert deal.expected_close_on == (made.planned_on if deal.status == "open" else change.changed_at.date())


@pytest.mark.usefixtures("seeded")
def test_deals_stood_in_other_stages_and_amounts(company: DemoCompany) -> None:
    """Wherever deals moved on after a moment, whatever chance made of them."""
    now = {deal.pk: deal for deal in Opportunity.objects.all()}
    for at in MOMENTS[:-1]:
        with known_at(at):
            then = list(Opportunity.objects.all())
        known = [deal for deal in company.deals if deal.created_at <= ended(at)]
        assert len(known) <= len(then) <= len(now)
        moved = [deal for deal in known if _moved_on([(each.at, each.stage) for each in deal.stages], at)]
        assert not moved or any(deal.stage_id != now[deal.pk].stage_id for deal in then)
        priced = [deal for deal in known if _moved_on([(each.at, each.cents) for each in deal.amounts], at)]
        assert not priced or any(deal.amount_cents != now[deal.pk].amount_cents for deal in then)
        closed = [deal for deal in known if deal.closed_at and deal.closed_at > at]
        was_open = sum(deal.status == "open" for deal in then)
        assert not closed or was_open > sum(now[deal.pk].status == "open" for deal in then)


def _moved_on(moves: list[tuple[datetime, object]], at: datetime) -> bool:
    """To what it had never been before."""
    early, late = [value for when, value in moves if when <= at], [value for when, value in moves if when > at]
    return bool(early) and bool(late) and late[-1] not in early


@pytest.mark.usefixtures("seeded")
def test_a_follow_up_was_open_until_it_was_done() -> None:
    # Of the last weeks, in which a change holds an hour.
    recent = FollowUp.objects.filter(done_at__isnull=False, planned_at__gt=SIX_WEEKS_AGO)
    done = [row for row in recent if row.done_at - row.planned_at > timedelta(hours=2)]
    assert done
    for follow_up in done:
        with known_at(follow_up.done_at - timedelta(seconds=1)):
            then = FollowUp.objects.get(pk=follow_up.pk)
        assert (then.done_at, then.outcome) == (None, "")
        with known_at(follow_up.done_at + A_DAY):
            assert FollowUp.objects.get(pk=follow_up.pk).done_at == follow_up.done_at


@pytest.mark.usefixtures("seeded")
def test_late_costs_came_late() -> None:
    late = CampaignCost.objects.filter(recorded_at__gt=SIX_WEEKS_AGO, spent_on__lt=(SIX_WEEKS_AGO - 2 * A_DAY).date())
    all_late = set(late.values_list("pk", flat=True))
    with known_at(SIX_WEEKS_AGO):
        assert not CampaignCost.objects.filter(pk__in=all_late).exists()


@pytest.mark.usefixtures("seeded")
def test_settings_were_there_before_the_first_week(company: DemoCompany) -> None:
    with known_at(company.since - A_DAY):
        assert Company.current().name == company.name
        assert Campaign.objects.count() == 60
        assert Target.objects.exists()
        assert MethodFit.objects.exists()
        assert not Lead.objects.exists()


@pytest.mark.usefixtures("seeded")
def test_people_worked_on_points_and_answers_back_then() -> None:
    steps = [
        *((SignOff, row.pk, row.signed_at) for row in SignOff.objects.all()),
        *((Evidence, row.pk, row.added_at) for row in Evidence.objects.all()),
        *((SourceCheck, row.pk, row.answered_at) for row in SourceCheck.objects.all()),
    ]
    assert len(steps) > 10
    for model, pk, at in steps:
        with known_at(at - timedelta(seconds=1)):
            assert not model.objects.filter(pk=pk).exists()
        with known_at(at):
            assert model.objects.filter(pk=pk).exists()


@pytest.mark.usefixtures("seeded")
def test_the_company_grew_week_by_week() -> None:
    grown = []
    for report in WeeklyReport.objects.order_by("week"):
        with known_at(report.as_of):
            deals = Opportunity.objects.aggregate(count=Count("pk"), won=Sum("reporting_cents", filter=Q(status="won")))
            grown.append((Lead.objects.count(), Touchpoint.objects.count(), deals["count"], deals["won"]))
    assert len(grown) == REPORTS
    for before, after in pairwise(grown):
        assert all(early <= late for early, late in zip(before, after, strict=True))
        assert before[:2] != after[:2]


@pytest.mark.usefixtures("seeded")
def test_every_figure_of_a_report_is_what_was_known_then() -> None:
    for report in WeeklyReport.objects.order_by("week"):
        with known_at(report.as_of):
            asked = report_scope(company=Company.current(), week=Week.parse(report.week), at=report.as_of)
            for entry, about in report.content["figures"].items():
                period = Period(*map(datetime.fromisoformat, about["period"]))
                # A cohort of the week before is read at the age of the week's own.
                scope = replace(asked.during(period), at=datetime.fromisoformat(about["at"]))
                found = freeze_figure(key=about["figure"], scope=scope).about
                assert sealing.plain(found["value"]) == about["value"], f"{report.week} {entry}"
                assert [(part["name"], part["count"], part["total"]) for part in found["parts"]] == [
                    (part["name"], part["count"], part["total"]) for part in about["parts"]
                ], f"{report.week} {entry}"
