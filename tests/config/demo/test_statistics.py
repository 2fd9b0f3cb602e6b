"""Statistics for the planner: of our tables, and without a lock on what the databases of a server share."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.demo.seed import _analyze
from leads.models import Lead

SHARED = "SELECT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation WHERE relisshared AND mode LIKE %s"


@pytest.mark.django_db
def test_seeding_analyzes_our_tables_and_locks_nothing_that_databases_share() -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        _analyze()
    named = [each["sql"] for each in asked if each["sql"].startswith("ANALYZE")]
    assert f'ANALYZE "{Lead._meta.db_table}"' in named
    assert "ANALYZE" not in named
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(SHARED, ["%Exclusive%"])
            assert cursor.fetchall() == []
