"""An empty installation leads its admin, step by step, to the first report."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import ApiKey, Company, ImportRun, JobRun, Territory, TerritoryRep, User
from tests.alignment.factories import report
from tests.conftest import NOW
from tests.leads.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


def done(client: Client) -> list[bool]:
    return [step.is_done for step in client.get(reverse("first-run")).context["steps"]]


def test_steps_are_done_by_what_is_there(boss: Client) -> None:
    assert done(boss) == [False] * 6
    Company.objects.update(name="Initech")
    assert done(boss) == [True, False, False, False, False, False]
    rep = UserFactory()
    assert done(boss)[1]
    TerritoryRep.objects.create(territory=Territory.objects.get(is_catch_all=True), rep=rep)
    assert done(boss)[2]
    ApiKey.objects.create_key(name="website", scopes=[])
    assert done(boss)[3]
    job = JobRun.objects.create(kind="import", period="1", state="done", created_at=NOW)
    ImportRun.objects.create(kind="leads", file_name="x", file_hash="x", content=b"", job=job, created_at=NOW)
    assert done(boss) == [True, True, True, True, True, False]
    report()
    assert done(boss) == [True] * 6


def test_every_step_opens(boss: Client) -> None:
    for step in boss.get(reverse("first-run")).context["steps"]:
        assert boss.get(step.url, follow=True).status_code == 200


def test_an_admin_is_sent_to_the_checklist_until_the_first_report(boss: Client, company: Company) -> None:
    assert boss.get("/").headers["Location"] == reverse("first-run")
    report()
    assert boss.get("/").headers["Location"] == reverse("integrations:connections")


def test_others_are_sent_where_they_always_are(client: Client, rep: User) -> None:
    client.force_login(rep)
    assert client.get("/").headers["Location"] == reverse("leads:my-day")
    assert client.get(reverse("first-run")).status_code == 403
