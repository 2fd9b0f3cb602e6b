"""Reports are read as of a moment, so what they count must have been known by then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection

from leads.past.acting import backdated

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _known_early(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test writes was known before any report, unless the test says otherwise."""
    with backdated(LONG_AGO):
        if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
            _credits_in_spans(request)
        yield


def _credits_in_spans(request: pytest.FixtureRequest) -> None:
    """Until credits are computed anew inside a span, it reads those of today."""
    if connection.vendor != "postgresql":
        return
    request.getfixturevalue("db")
    with connection.cursor() as cursor:
        for table in ("attribution_credit", "attribution_journeystate"):
            cursor.execute(f"CREATE OR REPLACE VIEW past.{table} AS SELECT * FROM public.{table}")
