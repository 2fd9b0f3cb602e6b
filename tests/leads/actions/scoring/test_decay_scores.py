"""Scores decay by the company day: what is shown always equals the rules, and only what changes is written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.actions.identity.revise_accounts import AccountRevision, revise_accounts
from leads.actions.intake import run_intake
from leads.actions.scoring.decay_scores import decay_scores
from leads.actions.scoring.score_lead import score_leads
from leads.models import Company, Lead, LeadEvent, LeadScore, ScoringRule, ScoringRuleSet, ShownScore, Touchpoint
from leads.past.settled import settled_now
from leads.past.span import known_at
from leads.pure.conditions.grammar import Condition, Group, to_json
from leads.pure.conditions.properties import Operator
from leads.pure.scoring.score import Scorer
from leads.queries.scoring import bring_up_to_date, rule_set_of, scores_as_shown, scoring_facts, shown_scores
from tests.leads.factories import AccountFactory, LeadFactory, TouchpointFactory, channel

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 1, 9, tzinfo=UTC)
TITLES = ("CTO", "Data Engineer", "Student", "Buyer")
KINDS = ("form_submission", "email_click", "page_view", "webinar_attendance", "email_unsubscribe")


def rule(name: str, side: str, points: int, *conditions: Condition, **more: Any) -> ScoringRule:
    rules = ScoringRuleSet.objects.get(state="active")
    return ScoringRule.objects.create(
        rule_set=rules, group=side, name=name, points=points, conditions=to_json(Group(conditions)), position=99, **more
    )


def happened(kind: str, **more: Any) -> Condition:
    return Condition(f"event:{kind}", Operator.HAPPENED, low=1, **more)


def crowd(size: int) -> list[Lead]:
    """Leads whose touchpoints lie up to 50 days back, scored at the start."""
    Lead.objects.bulk_create(
        Lead(
            email=f"p{n}@c{n % 40}.example",
            job_title=TITLES[n % 4],
            company_size=(None, 5, 80, 900)[n % 3],
            stage="subscriber",
            captured_at=START - timedelta(days=60),
            changed_at=START,
        )
        for n in range(size)
    )
    leads = list(Lead.objects.order_by("pk"))
    email = channel("email")
    Touchpoint.objects.bulk_create(
        Touchpoint(
            lead=lead,
            channel=email,
            kind=KINDS[(n + k) % 5],
            occurred_at=START - timedelta(days=(n * 7 + k * 11) % 50, hours=n % 24),
            recorded_at=START,
            dedupe_key=f"{n}-{k}",
        )
        for n, lead in enumerate(leads)
        for k in range(1 + n % 5)
    )
    score_leads(leads=leads, at=START)
    return leads


def by_the_rules(on: date) -> dict[int, tuple[int, int]]:
    """Fit and behavior of every lead from its facts."""
    scorer = Scorer(rule_set_of(ScoringRuleSet.objects.get(state="active")))
    facts = scoring_facts(list(Lead.objects.values_list("pk", flat=True)), scorer.rule_set, Company.current().tz)
    return {pk: scorer.sums(each, on) for pk, each in facts.items()}


def stored() -> dict[int, tuple[int, int]]:
    return {row.lead_id: (row.fit, row.behaviour) for row in ShownScore.objects.all()}


def totals() -> dict[int, int]:
    return dict(Lead.objects.values_list("pk", "score"))


def test_after_30_days_without_events_every_stored_score_equals_its_rules() -> None:
    """1,487 of 1,500 differed before there was a sweep."""
    crowd(1_500)
    before, rows = totals(), LeadScore.objects.count()
    later = START + timedelta(days=30)
    decay_scores(at=later)
    expected = by_the_rules(later.date())
    assert stored() == expected
    assert totals() == {pk: sum(each) for pk, each in expected.items()}
    assert sum(before[pk] != total for pk, total in totals().items()) > 1_000
    # Nothing happened to the leads: their history tells nothing.
    assert LeadScore.objects.count() == rows
    assert not LeadEvent.objects.filter(happened_at__gt=START).exists()


def test_each_of_60_days_every_shown_score_equals_its_rules() -> None:
    rule("Recent page view", "behaviour", 9, happened("page_view", days=14))
    rule("Unsubscribed", "behaviour", -12, happened("email_unsubscribe"), half_life_days=10)
    rule("Created lately", "fit", 7, Condition("created", Operator.LAST_DAYS, days=75))
    crowd(60)
    written = 0
    for day in range(1, 61):
        at = START + timedelta(days=day)
        if day % 7:  # sweeps are late on some days
            written += decay_scores(at=at)
            assert stored() == by_the_rules(at.date())
        shown = shown_scores(list(totals()), at.date(), Company.current().tz)
        assert {pk: (each.score.fit, each.score.behaviour) for pk, each in shown.items()} == by_the_rules(at.date())
    assert 0 < written < 60 * 60 / 2


def test_a_late_sweep_shows_no_wrong_score_and_reading_writes_nothing() -> None:
    leads = crowd(20)
    on = (START + timedelta(days=20)).date()
    with CaptureQueriesContext(connection) as asked:
        bring_up_to_date(leads, on, Company.current().tz)
    assert {lead.pk: lead.score for lead in leads} == {pk: sum(each) for pk, each in by_the_rules(on).items()}
    assert not [each for each in asked if not each["sql"].startswith("SELECT")]


def test_a_sweep_looks_only_at_what_may_change() -> None:
    crowd(50)
    tomorrow = START + timedelta(days=1)
    decay_scores(at=tomorrow)
    with CaptureQueriesContext(connection) as asked:
        assert decay_scores(at=tomorrow) == 0
    assert len(asked) <= 5
    assert not ShownScore.objects.due(tomorrow.date()).exists()


def test_sweeps_cost_queries_by_batch() -> None:
    crowd(300)
    with CaptureQueriesContext(connection) as asked:
        decay_scores(at=START + timedelta(days=9))
    assert len(asked) < 30


def test_the_reasons_of_what_a_lead_bears_add_up_to_it() -> None:
    crowd(30)
    decay_scores(at=START + timedelta(days=12))
    for pk, score in scores_as_shown(list(totals())).items():
        assert sum(reason.points for reason in score.reasons) == totals()[pk]


def test_who_qualifies_as_a_penalty_decays_is_handed_to_the_intake() -> None:
    rule("Complained", "behaviour", -40, happened("email_complaint"), half_life_days=5)
    lead = LeadFactory(job_title="CTO", company_size=100, industry="software")
    for kind in ("form_submission", "form_submission", "email_complaint"):
        TouchpointFactory(lead=lead, kind=kind, occurred_at=START)
    ScoringRuleSet.objects.filter(state="active").update(half_life_days=None)
    run_intake(lead_ids=[lead.pk], at=START)
    assert Lead.objects.get().stage == "lead"
    for day in range(1, 40):
        decay_scores(at=START + timedelta(days=day))
        due = list(Lead.objects.filter(intake_due_at__isnull=False).values_list("pk", flat=True))
        run_intake(lead_ids=due, at=START + timedelta(days=day))
    lead.refresh_from_db()
    assert lead.stage == "mql"
    assert lead.passages.get(to_stage="mql").passed_at > START


def test_a_change_of_the_account_is_looked_at_by_the_next_sweep() -> None:
    account = AccountFactory(industry="retail")
    lead = LeadFactory(account=account)
    run_intake(lead_ids=[lead.pk], at=START)
    before = Lead.objects.get().score
    revise_accounts(revisions=[AccountRevision(account.pk, {"industry": "software"})])
    on = START.date()
    shown = shown_scores([lead.pk], on, Company.current().tz)[lead.pk]
    assert shown.score.total == before + 10
    decay_scores(at=START)
    assert Lead.objects.get().score == before + 10
    assert LeadScore.objects.filter(lead=lead).count() == 2


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_decay_makes_one_narrow_version_and_the_past_keeps_it() -> None:
    lead = LeadFactory()
    TouchpointFactory(lead=lead, occurred_at=START)
    run_intake(lead_ids=[lead.pk], at=START)
    first, then = Lead.objects.get().score, settled_now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM leads_lead_past")
        wide = cursor.fetchone()[0]
        decay_scores(at=START + timedelta(days=30))
        cursor.execute("SELECT count(*) FROM leads_lead_past")
        assert cursor.fetchone()[0] == wide
        cursor.execute("SELECT count(*) FROM leads_shownscore_past")
        assert cursor.fetchone()[0] == 2
    now = Lead.objects.get().score
    assert now == first - 10
    with known_at(then):
        assert Lead.objects.get().score == first
        assert list(Lead.objects.order_by("-score").values_list("score", flat=True)) == [first]
    with known_at(settled_now()):
        assert Lead.objects.get().score == now
