"""Published reports and integration points by API."""

from __future__ import annotations

import pytest
from django.test import Client

from alignment.actions.report.publish_report import publish_report
from alignment.models import IntegrationPoint, SignOff, WeeklyReport
from leads.models import Company
from leads.pure.week import Week
from tests.conftest import NOW
from tests.leads.api.keys import make_key
from tests.leads.factories import LeadFactory

pytestmark = pytest.mark.django_db


def test_reports_are_listed_and_read_whole(client: Client, company: Company) -> None:
    LeadFactory()
    report = publish_report(week=Week.parse("2026-W46"), at=NOW)
    _, headers = make_key("performance:read")
    (listed,) = client.get("/api/v1/reports", headers=headers).json()["results"]
    assert (listed["week"], listed["digest"]) == ("2026-W46", report.digest)
    whole = client.get(listed["url"], headers=headers).json()
    assert whole["is_intact"]
    assert whole["content"] == report.content
    assert whole["definitions"] == report.definitions
    assert client.get(listed["restatements_url"], headers=headers).status_code == 200
    assert client.get("/api/v1/reports/2026-W40", headers=headers).status_code == 404
    assert WeeklyReport.objects.count() == 1


def test_integration_points_tell_criteria_and_who_signed(client: Client, company: Company) -> None:
    _, headers = make_key("performance:read")
    criterion = IntegrationPoint.objects.get(code="1.1.1").criteria.get(position=1)
    SignOff.objects.create(
        criterion=criterion,
        criterion_version=1,
        criterion_text=criterion.text,
        signed_by_name="Ada Byron",
        signed_at=NOW,
        evidence=[],
    )
    points = client.get("/api/v1/integration-points", headers=headers).json()["results"]
    assert [each["code"] for each in points] == ["1.1.1", "1.1.2", "1.1.3", "1.2.1", "1.2.2", "1.2.3"]
    first, second = points[0]["criteria"][:2]
    assert first["sign_off"]["by"] == "Ada Byron"
    assert second["sign_off"] is None
