"""Who came to a webinar, from a file as webinar services export it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leads.actions.imports.file import map_columns, receive_file, start_import
from leads.actions.imports.rows import import_rows
from leads.models import ImportRun, Lead, Submission, Touchpoint, User, WebForm
from tests.conftest import NOW
from tests.leads.factories import CampaignFactory, LeadFactory, WebFormFactory

pytestmark = pytest.mark.django_db
STARTS = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
FILE = """Attended,Email,Join time,Time in session (minutes)
Yes,ada@example.com,2026-11-20 15:01,20
Yes,ada@example.com,2026-11-20 15:30,25
Yes,walkin@example.com,2026-11-20 15:05,40
No,bob@example.com,,
Yes,nobody,2026-11-20 15:05,3
"""


@pytest.fixture
def webinar(company: Any) -> WebForm:
    form: WebForm = WebFormFactory(
        name="Data quality", kind="webinar_registration", starts_at=STARTS, campaign=CampaignFactory(code="webinar-q4")
    )
    for name in ("ada", "bob", "cy"):
        Submission.objects.create(
            form=form, source="form: Data quality", received_at=STARTS - timedelta(days=3), payload={},
            state="accepted", lead=LeadFactory(email=f"{name}@example.com"),
        )  # fmt: skip
    return form


def take(webinar: WebForm, admin: User, *, is_dry_run: bool = False) -> ImportRun:
    run = receive_file(
        kind="attendance",
        file_name="zoom.csv",
        content=FILE.encode(),
        by=admin,
        at=NOW,
        web_form=str(webinar.public_id),
    )
    assert run.columns == {
        "email": "Email", "joined_at": "Join time", "minutes": "Time in session (minutes)", "attended": "Attended",
    }  # fmt: skip
    map_columns(run=run, columns=run.columns, defaults=run.defaults, save_as="")
    start_import(run=run, is_dry_run=is_dry_run, by=admin, at=NOW)
    import_rows(run_id=run.pk, at=NOW)
    run.refresh_from_db()
    return run


def marks(webinar: WebForm) -> dict[str, str]:
    rows = Submission.objects.filter(form=webinar).values_list("lead__email", "attendance")
    return {email.partition("@")[0]: mark for email, mark in rows}


def test_who_came_gets_a_touchpoint_and_who_did_not_is_marked(webinar: WebForm, admin_user: User) -> None:
    run = take(webinar, admin_user)
    assert (run.rows_created, run.rows_rejected) == (1, 1)
    assert marks(webinar) == {"ada": "attended", "bob": "no_show", "cy": "no_show"}
    touch = Touchpoint.objects.select_related("campaign").get(lead__email="ada@example.com")
    assert (touch.kind, touch.name) == ("webinar_attendance", "Data quality, 20 minutes")
    assert touch.occurred_at == datetime(2026, 11, 20, 14, 1, tzinfo=UTC)
    assert touch.campaign == webinar.campaign
    assert Lead.objects.get(email="walkin@example.com").stage == "lead"
    assert not Touchpoint.objects.filter(lead__email="bob@example.com").exists()


def test_the_same_file_again_changes_nothing(webinar: WebForm, admin_user: User) -> None:
    take(webinar, admin_user)
    before = Touchpoint.objects.count()
    again = take(webinar, admin_user)
    assert (again.rows_created, again.rows_updated) == (0, 0)
    assert Touchpoint.objects.count() == before
    assert marks(webinar) == {"ada": "attended", "bob": "no_show", "cy": "no_show"}


def test_a_dry_run_marks_nobody(webinar: WebForm, admin_user: User) -> None:
    take(webinar, admin_user, is_dry_run=True)
    assert marks(webinar) == {"ada": "", "bob": "", "cy": ""}
    assert not Touchpoint.objects.exists()
