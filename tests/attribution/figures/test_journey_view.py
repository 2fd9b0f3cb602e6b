"""A journey's page knows whether its credits are those of what is there now, whatever the methods learn from."""

from __future__ import annotations

import pytest

from attribution.actions.fit_methods import fit_methods
from attribution.figures.journey_view import journey_view
from attribution.models import AttributionRules
from attribution.queries.rules import read_rules
from leads.models import Lead, LeadScore, Opportunity, ScoringRuleSet
from tests.attribution.factories import AT, company_with_deals, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def test_journeys_are_current_after_a_run_with_a_baseline_of_fit_points() -> None:
    company_with_deals()
    _score_everybody()
    fit_methods(at=AT, reason="test")
    run()
    assert read_rules()[0].needs_points
    rules = AttributionRules.objects.get(pk=1)
    for deal in Opportunity.objects.all():
        assert all(journey_view(deal, scope).is_current for scope in rules.scopes), deal


def _score_everybody() -> None:
    rule_set, _ = ScoringRuleSet.objects.get_or_create(version=900)
    LeadScore.objects.bulk_create(
        LeadScore(lead=lead, rule_set=rule_set, total=points, fit=points, behaviour=0, scored_at=AT)
        for points, lead in enumerate(Lead.objects.order_by("pk"), 1)
    )


def test_a_deal_that_changed_after_the_run_is_not_current() -> None:
    deal = company_with_deals()["won"]
    run()
    Opportunity.objects.filter(pk=deal.pk).update(reporting_cents=5)
    deal.refresh_from_db()
    assert not journey_view(deal, AttributionRules.objects.get(pk=1).scope).is_current
