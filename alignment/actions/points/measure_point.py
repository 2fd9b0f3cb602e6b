"""Measure an integration point: the live figures that bear on it, as machine evidence beside people's judgement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch
from django.utils.http import urlencode

from alignment.models import IntegrationPoint
from alignment.pure import sealing
from leads.figures import words
from leads.figures.base import Scope, definition, figure
from leads.models import Company, User
from leads.pure.week import Period, local_date, quarter_bounds, quarter_label

FIGURES: dict[str, tuple[tuple[str, str], ...]] = {
    "1.1.1": (
        ("leads.acceptance_rate", "whether sales finds qualified leads worth working"),
        ("leads.conversion.mql_to_sql", "whether qualification foretells real prospects"),
    ),
    "1.1.2": (
        ("pipeline.open", "what there is to assess"),
        ("pipeline.weighted", "what it is worth after the success probability of its stage"),
    ),
    "1.1.3": (
        ("leads.conversion.sql_to_opportunity", "whether the message carries prospects into a deal"),
        ("leads.rejection_reasons", "what sales heard instead of interest"),
    ),
    "1.2.1": (
        ("pipeline.created", "new pipeline against the plan"),
        ("pipeline.won", "revenue against the plan"),
    ),
    "1.2.2": (
        ("pipeline.velocity", "what the pipeline yields a day"),
        ("pipeline.lost_count", "deals that did not come through"),
    ),
    "1.2.3": (
        ("pipeline.win_rate", "how often a decision goes our way"),
        ("pipeline.cycle_survival", "how long a decision takes, open deals included"),
    ),
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """A live figure of the current quarter: what it says about the point, its value in words, where it opens."""

    key: str
    version: int
    name: str
    says: str
    value: float | int | None
    text: str
    period: str
    url: str


def measure_point(*, point: IntegrationPoint, at: datetime, user: User | None = None) -> list[Measurement]:
    """The figures of the quarter that bear on a point; a rep reads those of their own rows."""
    company = Company.current()
    first, end = quarter_bounds(local_date(at, company.tz), company.fiscal_year_start_month)
    scope = Scope(
        period=Period.of_dates(first, end, company.tz), at=at, tz=company.tz, currency=company.currency, user=user
    )
    label = f"{quarter_label(first, company.fiscal_year_start_month)} so far"
    return [
        _measure(key, says, scope, label)
        for key, says in FIGURES.get(point.code, ())
        if user is None or user.sees_all or not definition(key).is_company_wide
    ]


def frozen_measurements(measurements: list[Measurement], at: datetime) -> list[dict[str, Any]]:
    """Measurements as a sign-off keeps them."""
    return [
        {
            "figure": found.key,
            "version": found.version,
            "name": found.name,
            "value": sealing.plain(found.value),
            "text": found.text,
            "period": found.period,
            "measured_at": at.isoformat(),
        }
        for found in measurements
    ]


def _measure(key: str, says: str, scope: Scope, label: str) -> Measurement:
    found = figure(key, scope)
    meaning = found.definition
    try:
        url = f"{words.figure_path(key)}?{urlencode(scope.query())}"
    except NoReverseMatch:
        url = ""
    return Measurement(key, meaning.version, meaning.name, says, found.value, words.value_text(found), label, url)
