"""Of two workers one takes an import. What decides is judged on the row that changes, never in a subquery.

`UPDATE … WHERE id IN (SELECT …)` reads its subquery once: on PostgreSQL the one that waited for the other's claim would
not see it, and both would go on.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.actions.imports.file import map_columns, receive_file, resume_import, start_import
from leads.actions.imports.rows import import_rows
from leads.models import ImportRun, JobRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.fixture
def run() -> ImportRun:
    run = receive_file(kind="leads", file_name="people.csv", content=b"email\nada@engines.example\n", by=None, at=AT)
    map_columns(run=run, columns=run.columns, defaults={})
    start_import(run=run, is_dry_run=False, by=None, at=AT)
    return run


def changes_of_state(said: CaptureQueriesContext) -> list[str]:
    """The updates of the job's state that ask for the state before."""
    updates = [query["sql"] for query in said if query["sql"].startswith('UPDATE "leads_jobrun" SET "state"')]
    return [update for update in updates if '"state"' in update.partition(" WHERE ")[2]]


def test_a_claim_is_judged_on_the_job(run: ImportRun) -> None:
    with CaptureQueriesContext(connection) as said:
        assert import_rows(run_id=run.pk, at=AT) is not None
    (claim,) = changes_of_state(said)
    assert "SELECT" not in claim
    assert import_rows(run_id=run.pk, at=AT) is None


def test_so_is_going_on_after_a_failure(run: ImportRun) -> None:
    JobRun.objects.filter(pk=run.job_id).update(state=JobRun.State.FAILED)
    with CaptureQueriesContext(connection) as said:
        resume_import(run=run)
    (claim,) = changes_of_state(said)
    assert "SELECT" not in claim


def test_a_run_that_was_never_started_has_nothing_to_claim() -> None:
    run = receive_file(kind="leads", file_name="people.csv", content=b"email\nada@engines.example\n", by=None, at=AT)
    assert import_rows(run_id=run.pk, at=AT) is None
