"""Every page within its committed number of queries. A page that asks more, or less, than its baseline fails.

After a change that is meant: ``UPDATE_BASELINES=1 pytest tests/architecture/test_query_counts.py`` and look at the
difference. The counts hold for the small demo company; that they do not grow with the data is tested below.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leads.figures.base import Scope, definitions, figure, keys, series, written
from leads.figures.together import figures, stock_series
from leads.models import Company
from leads.pure.week import Period, Week
from tests.architecture.conftest import World
from tests.architecture.test_access import LETTERS, PAGES
from tests.conftest import NOW

# Columns come by COPY on PostgreSQL, and Django's log does not hear of that.
READ_BY_COPY = {"attribution:journey", "attribution:journey-fragment"}
BASELINES = Path(__file__).resolve().parents[1] / "baselines" / "query_counts.json"
STOCKS = [key for key in keys() if written(key).weekly == "each"]
IS_UPDATING = bool(os.environ.get("UPDATE_BASELINES"))


def committed() -> dict[str, int]:
    return json.loads(BASELINES.read_text()) if BASELINES.exists() else {}


def counted(world: World, name: str) -> tuple[int, str]:
    """Queries of one page as the first role that may open it, and their SQL."""
    allowed, args = PAGES[name]
    role = next(role for role, letter in LETTERS.items() if letter in allowed)
    client = Client()
    client.force_login(world.people[role])
    url = reverse(name, args=args(world))
    client.get(url, follow=True)  # content types and the like are cached by the first request
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url, follow=True).status_code == 200
    return len(queries), "\n".join(query["sql"][:400] for query in queries.captured_queries)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_asks_what_it_always_asked(world: World, name: str) -> None:
    count, statements = counted(world, name)
    if IS_UPDATING:
        BASELINES.write_text(json.dumps({**committed(), name: count}, indent=2, sort_keys=True) + "\n")
    baseline = committed().get(name)
    is_unheard = connection.vendor == "postgresql" and name in READ_BY_COPY
    assert count < (baseline or 0) if is_unheard else count == baseline, (
        f"{name}: {count} queries, baseline {baseline}\n{statements}"
    )


def test_every_baseline_is_of_a_page() -> None:
    assert set(committed()) == set(PAGES)


@pytest.mark.slow
def test_figures_asked_together_are_what_they_are_alone(world: World) -> None:
    company = Company.current()
    quarter = Period(NOW - timedelta(days=90), NOW + timedelta(days=1))
    scope = Scope(period=quarter, at=NOW, tz=company.tz, currency=company.currency)
    of_rep = replace(scope, user=world.people["sales_rep"])
    asked = [(each.key, asks) for each in definitions() for asks in (scope, of_rep)]
    together = {(one.definition.key, one.scope.user): (one.totals, one.value) for one in figures(asked)}
    alone = {(key, asks.user): figure(key, asks) for key, asks in asked}
    assert together == {question: (one.totals, one.value) for question, one in alone.items()}

    values = {(one.definition.key, one.scope.user): one.value for one in figures(asked, for_value=True)}
    assert values == {question: one.value for question, one in alone.items()}


@pytest.mark.slow
@pytest.mark.parametrize("key", STOCKS)
def test_a_stock_week_by_week_is_what_each_week_gives_alone(world: World, key: str) -> None:
    company = Company.current()
    quarter = Period(NOW - timedelta(days=90), NOW + timedelta(days=1))
    last = Week.of(NOW, company.tz)
    for user in (None, world.people["sales_rep"]):
        scope = Scope(period=quarter, at=NOW, tz=company.tz, currency=company.currency, user=user)
        assert stock_series(key, scope, last.previous(4), last) == series(key, scope, last.previous(4), last)
