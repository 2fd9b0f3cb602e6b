"""The seeded demo: the portal's own rules agree with every row, and seeding again changes nothing."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction
from django.db.models import Count, F, Max, Sum
from pytest_django import DjangoDbBlocker

from alignment.models import AcceptanceCriterion, Evidence, IntegrationPoint, SignOff, WeeklyReport
from attribution.models import AttributionRun, Credit
from config.demo import seed as seed_module
from config.demo import seed_crm, seed_points
from config.demo.company import build
from config.demo.seed import Order
from config.dev.state import write_private
from integrations.models import Connection, ExternalRecord, PendingPush, StageMap
from integrations.sandbox_crm.store import Store
from leads.actions.scoring.score_lead import score_leads
from leads.actions.workflows.enroll import enroll_triggered
from leads.models import (
    ApiKey,
    Assignment,
    Campaign,
    CampaignCost,
    Enrollment,
    FollowUp,
    JobRun,
    Lead,
    LeadScore,
    LifecyclePassage,
    Opportunity,
    OpportunityChange,
    PipelineStage,
    Scope,
    ShownScore,
    Stage,
    Touchpoint,
    User,
    Workflow,
    WorkflowMail,
)
from leads.pure import lifecycle
from leads.pure.workflows.hold_out import arm_of
from leads.queries.scoring import scores_as_shown
from tests.config.demo.ordered import AT, LEADS, order_for, quiet

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(scope="module")
def made(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Order]:
    with django_db_blocker.unblock(), transaction.atomic():
        order = order_for(tmp_path_factory.mktemp("demo"))
        quiet(order)
        yield order
        transaction.set_rollback(True)


@pytest.fixture
def seeded(made: Order) -> Iterator[Order]:
    """The demo, made once; what a test changes of its rows is rolled back, and its file put back, after the test."""
    kept = made.out.read_bytes()
    yield made
    write_private(made.out, kept.decode())


def test_counts_match_the_company(seeded: Order) -> None:
    company = build(seeded.seed, AT, LEADS)
    assert Lead.objects.count() == LEADS
    assert Touchpoint.objects.count() == len(company.touches)
    assert Campaign.objects.count() == 60
    assert CampaignCost.objects.count() == len(company.costs)
    assert Opportunity.objects.count() == len(company.deals) > 15
    assert User.objects.count() == 11
    assert JobRun.objects.get(kind=seed_module.KIND).state == JobRun.State.DONE
    assert WeeklyReport.objects.get().week == "2026-W46"
    assert AttributionRun.objects.get().opportunities_seen == len(company.deals)


def test_credits_reconcile_with_won_revenue(seeded: Order) -> None:
    won = Opportunity.objects.won()
    revenue = won.aggregate(total=Sum("reporting_cents"))["total"]
    credited = Credit.objects.filter(opportunity__in=won).values_list("scope", "method").annotate(total=Sum("cents"))
    assert {total for _, _, total in credited} == {revenue}
    assert {scope for scope, _, _ in credited} == {"contacts", "account"}
    assert {"first_touch", "linear", "markov_1", "additive_hazard"} <= {method for _, method, _ in credited}


def test_scores_are_the_sum_of_their_reasons(seeded: Order) -> None:
    for score in LeadScore.objects.all():
        assert score.total == sum(reason["points"] for reason in score.reasons)
    newest = set(LeadScore.objects.values("lead").annotate(newest=Max("pk")).values_list("newest", flat=True))
    assert set(ShownScore.objects.values_list("given", flat=True)) == newest
    assert not ShownScore.objects.exclude(total=F("lead__score")).exists()
    for pk, score in scores_as_shown(list(ShownScore.objects.values_list("lead", flat=True))).items():
        assert sum(reason.points for reason in score.reasons) == Lead.objects.get(pk=pk).score
    assert Lead.objects.live().filter(scores__isnull=True).count() == 0


def test_the_scoring_action_would_give_the_same_scores(seeded: Order) -> None:
    scores, passages = LeadScore.objects.count(), LifecyclePassage.objects.count()
    score_leads(leads=list(Lead.objects.live().select_related("account", "channel")), at=AT)
    assert LeadScore.objects.count() == scores
    assert LifecyclePassage.objects.count() == passages


def test_passages_form_a_ladder_that_ends_at_the_stage(seeded: Order) -> None:
    for lead in Lead.objects.live().prefetch_related("passages"):
        passages = sorted(lead.passages.all(), key=lambda passage: passage.pk)
        assert passages[0].from_stage == ""
        assert passages[-1].to_stage == lead.stage
        for before, after in pairwise(passages):
            assert after.from_stage == before.to_stage
            assert before.passed_at <= after.passed_at < AT
            assert lifecycle.is_allowed(before.to_stage, after.to_stage)


def test_every_mql_has_a_score_and_a_follow_up_of_that_moment(seeded: Order) -> None:
    became = LifecyclePassage.objects.filter(to_stage=Stage.MQL, is_inferred=False)
    assert became.count() > 30
    for passage in became:
        assert LeadScore.objects.filter(lead=passage.lead, scored_at=passage.passed_at, is_qualified=True).exists()
        assert FollowUp.objects.filter(lead=passage.lead, planned_at=passage.passed_at).exists()


def test_leads_have_owners_with_a_logged_reason(seeded: Order) -> None:
    for lead in Lead.objects.live().exclude(stage=Stage.SUBSCRIBER):
        assignment = Assignment.objects.get(lead=lead)
        assert assignment.owner_id == lead.owner_id is not None
        assert assignment.assigned_at >= lead.captured_at
        assert assignment.because
    assert not Lead.objects.filter(stage=Stage.SUBSCRIBER, owner__isnull=False).exists()
    away = [a for a in Assignment.objects.all() if any("away" in passed["why"] for passed in a.passed_over)]
    assert away, "the rep on leave was passed over"


def test_touches_belong_to_known_people_and_lie_in_the_past(seeded: Order) -> None:
    assert not Touchpoint.objects.filter(occurred_at__gte=AT).exists()
    assert not Touchpoint.objects.filter(lead__merged_into__isnull=False).exists()
    forms = Touchpoint.objects.filter(kind="form_submission", occurred_at__lt=F("lead__captured_at"))
    assert not forms.exists()
    wrong = Touchpoint.objects.filter(campaign__isnull=False).exclude(channel=F("campaign__channel"))
    assert not wrong.exists()


def test_opportunities_agree_with_their_history(seeded: Order) -> None:
    for deal in Opportunity.objects.select_related("stage"):
        last = OpportunityChange.objects.filter(opportunity=deal).order_by("changed_at", "pk").last()
        assert last is not None
        assert (last.stage_id, last.status, last.amount_cents) == (deal.stage_id, deal.status, deal.amount_cents)
        assert last.changed_at == deal.changed_at
        assert deal.status == deal.stage.status
        assert deal.reporting_cents is not None
    foreign = Opportunity.objects.exclude(currency="EUR")
    assert foreign.exists()
    assert not foreign.filter(reporting_cents=F("amount_cents")).exists()
    told = sum(bool(deal.contacts) for deal in build(seeded.seed, AT, LEADS).deals)
    assert Opportunity.objects.filter(contacts__is_primary=True).count() == told


def test_unknown_cost_has_no_row(seeded: Order) -> None:
    late = CampaignCost.objects.filter(campaign__channel__key="paid-social").aggregate(last=Max("spent_on"))["last"]
    assert late == AT.date() - timedelta(days=11)
    total = CampaignCost.objects.aggregate(total=Sum("reporting_cents"))["total"]
    assert total > 0
    assert not CampaignCost.objects.filter(reporting_cents__isnull=True).exists()


def test_the_crm_holds_the_same_people_and_deals(seeded: Order) -> None:
    there = Connection.objects.get(slug=seed_crm.SLUG)
    assert there.secret == seeded.sandbox_token
    assert StageMap.objects.filter(connection=there).count() == PipelineStage.objects.count()
    assert seeded.sandbox_data is not None
    store = Store(seeded.sandbox_data)
    try:
        counts = store.counts()
        assert counts["people"] == ExternalRecord.objects.filter(connection=there, kind="person").count()
        assert counts["deals"] == Opportunity.objects.count()
        won = Opportunity.objects.filter(status="won").select_related("stage").latest("closed_at")
        link = ExternalRecord.objects.get(connection=there, opportunity=won)
        remote = store.get("deals", link.remote_id)
        assert (remote["stage"], remote["name"]) == (won.stage.key, won.name)
        numbers = {str(row["id"]) for row in store.history([link.remote_id])}
        ours = OpportunityChange.objects.filter(opportunity=won).values_list("source_key", flat=True)
        assert numbers == set(ours)
    finally:
        store.close()


def test_every_live_lead_is_with_the_crm_or_owed_to_it(seeded: Order) -> None:
    pushes = PendingPush.objects.values_list("state").annotate(n=Count("pk"))
    assert sum(n for _, n in pushes) == Lead.objects.live().count()
    linked = ExternalRecord.objects.filter(kind="person").values("lead")
    unlinked = Lead.objects.live().exclude(pk__in=linked)
    assert not PendingPush.objects.filter(lead__in=unlinked).exclude(state="pending").exists()


def test_workflows_went_by_their_own_rules(seeded: Order) -> None:
    assert Workflow.objects.filter(is_on=True).count() == 6
    entered = Enrollment.objects.entered()
    assert entered.count() > 20
    for flow in Workflow.objects.all():
        arms = flow.arms.select_related("lead", "version")
        assert [arm.arm for arm in arms] == [
            arm_of(flow.seed, str(arm.lead.public_id), arm.version.hold_out_percent) for arm in arms
        ]
    assert not Enrollment.objects.running().filter(due_at__lte=seeded.at).exists()
    late = WorkflowMail.objects.filter(state="sent", sent_at__lt=F("not_before"))
    assert not late.exists()
    # Nothing of these weeks is enrolled once more by the portal's own look.
    count = Enrollment.objects.count()
    enroll_triggered(at=seeded.at)
    assert Enrollment.objects.count() == count


def test_seeding_twice_doubles_nothing_and_keeps_the_sign_ins(seeded: Order) -> None:
    def state() -> list[int]:
        return [model.objects.count() for model in (Lead, Touchpoint, Opportunity, LeadScore, User, ApiKey, JobRun)]

    rows, first = state(), json.loads(seeded.out.read_text())
    again = quiet(
        Order(
            at=AT + timedelta(days=1),
            out=seeded.out,
            url="http://127.0.0.1:9999",
            leads=LEADS,
            reports=1,
            sandbox_url="http://127.0.0.1:9998",
            sandbox_token=seeded.sandbox_token,
        )
    )
    assert state() == rows
    assert again == {**first, "url": "http://127.0.0.1:9999"} == json.loads(seeded.out.read_text())
    assert Connection.objects.get(slug=seed_crm.SLUG).base_url == "http://127.0.0.1:9998"


def test_the_sign_ins_work_and_only_their_owner_can_read_them(seeded: Order) -> None:
    answer = json.loads(seeded.out.read_text())
    assert stat.S_IMODE(seeded.out.stat().st_mode) == 0o600
    assert [user["role"] for user in answer["users"]] == [
        "marketing_director", "sales_leader", "sales_rep", "admin",
    ]  # fmt: skip
    for entry in answer["users"]:
        user = User.objects.get(email=entry["email"])
        assert user.role == entry["role"]
        assert user.check_password(entry["password"])
    key = ApiKey.objects.get_from_key(answer["api_key"])
    assert set(key.scopes) == set(Scope.values)


def test_a_lost_file_gets_new_sign_ins(seeded: Order) -> None:
    first = json.loads(seeded.out.read_text())
    seeded.out.unlink()
    again = quiet(seeded)
    assert again["api_key"] != first["api_key"]
    assert ApiKey.objects.count() == 1
    director = User.objects.get(email=first["users"][0]["email"])
    assert not director.check_password(first["users"][0]["password"])


def test_the_next_row_gets_a_number_of_its_own(seeded: Order) -> None:
    assert connection.vendor in {"sqlite", "postgresql"}
    lead = Lead.objects.create(email="new@example.com", captured_at=AT, changed_at=AT)
    # Above all there are; people made up for the capture check took numbers with them when they went.
    assert lead.pk == Lead.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert lead.pk == LEADS + 1 if connection.vendor == "sqlite" else lead.pk > LEADS


def test_integration_points_are_under_way(seeded: Order) -> None:
    assert not IntegrationPoint.objects.filter(owner=None).exists()
    assert not IntegrationPoint.objects.filter(due_on=None).exists()
    signed = SignOff.objects.filter(withdrawn_at=None)
    assert signed.count() == AcceptanceCriterion.objects.filter(state=AcceptanceCriterion.State.SIGNED_OFF).count() > 4
    assert all(sign_off.evidence["documents"] and sign_off.evidence["live"] for sign_off in signed)
    assert not signed.filter(signed_at__gt=AT).exists()
    for evidence in Evidence.objects.all():
        assert evidence.added_at < min([row.signed_at for row in evidence.criterion.sign_offs.all()], default=AT)


def test_points_are_seeded_once(seeded: Order) -> None:
    before = list(Evidence.objects.order_by("pk").values_list("pk", "added_at"))
    seed_points.write_points(AT)
    assert list(Evidence.objects.order_by("pk").values_list("pk", "added_at")) == before
