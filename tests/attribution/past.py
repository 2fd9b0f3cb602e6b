"""Credits and answers as of past moments, for tests that compare them with what was noted."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product
from typing import Any

from attribution.figures.campaign_series import campaign_weeks
from attribution.figures.campaign_table import campaign_table
from attribution.figures.headlines import headlines
from attribution.figures.journey_view import journey_view
from attribution.figures.payback import payback
from attribution.queries.past_credits import ensure_credits
from attribution.queries.rules import methods
from leads.figures.base import Scope, definitions, figure
from leads.models import Company, Opportunity, Touchpoint
from leads.pure.week import Period
from tests.attribution.factories import day, stored

SCOPES = ["contacts", "primary", "account"]
STEP = timedelta(hours=1)


def ensured() -> list[tuple[Any, ...]]:
    """Every credit, in the past computed first."""
    for scope in SCOPES:
        ensure_credits(deals=Opportunity.objects.all(), scope=scope)
    return stored()


def told(at: datetime) -> dict[Any, Any]:
    """Every figure of attribution under several questions, with its rows, and what pages show besides."""
    company = Company.current()
    found: dict[Any, Any] = {}
    campaign = str(Touchpoint.objects.filter(campaign__isnull=False).order_by("pk")[0].campaign.public_id)
    periods = [Period(day(0), day(80)), Period(day(8), day(42))]
    origins = [{}, {"campaign": campaign, "method": "last_touch"}, {"channel": "email", "journey_scope": "account"}]
    questions = [
        Scope(period=period, at=at, tz=company.tz, currency="EUR", basis=basis, **origin)
        for period, basis in product(periods, ("simple", "realised"))
        for origin in origins
    ]
    for scope in questions:
        for definition in definitions():
            if definition.key.startswith("attribution."):
                answer = figure(definition.key, scope)
                rows = {name: sorted(map(repr, part.rows())) for name, part in answer.parts.items()}
                found[definition.key, repr(scope)] = answer.value, rows
        table = campaign_table(scope, [method.key for method in methods()])
        found["table", repr(scope)] = repr(table)
        found["more", repr(scope)] = headlines(scope), payback(scope), campaign_weeks(scope)
    for deal, scope_name in product(Opportunity.objects.order_by("pk"), SCOPES):
        view = journey_view(deal, scope_name)
        assert view.is_current
        found["journey", deal.pk, scope_name] = view
    return found
