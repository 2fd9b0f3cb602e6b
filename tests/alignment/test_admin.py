"""Admin of alignment: targets of known figures, new words as new versions, reports to read only."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from alignment.models import IntegrationPoint, Target
from leads.models import Company, User
from tests.alignment.factories import criterion, report

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


def test_a_target_needs_a_known_figure(admin: Client, company: Company) -> None:
    url = reverse("admin:alignment_target_add")
    given = {"starts_on": "2026-10-01", "ends_on": "2026-12-31", "weekly_value": "40"}
    refused = admin.post(url, {**given, "figure": "leads.nonsense"})
    assert "There is no figure" in refused.content.decode()
    assert admin.post(url, {**given, "figure": "leads.mqls"}).status_code == 302
    assert Target.objects.get().weekly_value == 40
    assert admin.get(reverse("admin:alignment_target_changelist")).status_code == 200


def test_a_target_is_written_and_read_as_people_do(admin: Client, company: Company) -> None:
    url = reverse("admin:alignment_target_add")
    days = {"starts_on": "2026-10-01", "ends_on": "2026-12-31"}
    for figure, text in (("pipeline.sourced", "€650,000"), ("attribution.roi", "250 %"), ("leads.mqls", "75")):
        assert admin.post(url, {**days, "figure": figure, "weekly_value": text}).status_code == 302
    held = dict(Target.objects.values_list("figure", "weekly_value"))
    assert held == {"pipeline.sourced": 65_000_000, "attribution.roi": 2.5, "leads.mqls": 75}
    listed = admin.get(reverse("admin:alignment_target_changelist")).content.decode()
    for text in ("Sourced pipeline", "€650,000", "250.0%"):
        assert text in listed
    target = Target.objects.get(figure="pipeline.sourced")
    page = reverse("admin:alignment_target_change", args=[target.pk])
    shown = admin.get(page).context["adminform"].form["weekly_value"].value()
    assert shown == "650000.00 EUR"
    assert admin.post(page, {**days, "figure": "pipeline.sourced", "weekly_value": shown}).status_code == 302
    target.refresh_from_db()
    assert target.weekly_value == 65_000_000
    for text in ("650.000", "1,23", "much", "-"):
        answer = admin.post(page, {**days, "figure": "pipeline.sourced", "weekly_value": text})
        assert answer.status_code == 200, text


def test_new_words_are_a_new_version(admin: Client, company: Company) -> None:
    point = IntegrationPoint.objects.get(code="1.1.1")
    url = reverse("admin:alignment_integrationpoint_change", args=[point.pk])
    form = admin.get(url).context["adminform"].form
    data = {name: form[name].value() if form[name].value() is not None else "" for name in form.fields}
    data["frameworks"] = '[{"title": "A", "url": "/a"}]'
    rows = list(point.criteria.order_by("position"))
    data |= {"criteria-TOTAL_FORMS": len(rows), "criteria-INITIAL_FORMS": len(rows)}
    for number, row in enumerate(rows):
        data |= {
            f"criteria-{number}-id": row.pk,
            f"criteria-{number}-point": point.pk,
            f"criteria-{number}-position": row.position,
            f"criteria-{number}-text": "New words" if number == 0 else row.text,
        }
    response = admin.post(url, data)
    assert response.status_code == 302, response.context["errors"]
    assert (criterion().text, criterion().version) == ("New words", 2)
    assert criterion(position=2).version == 1


def test_reports_are_read_only(admin: Client, company: Company) -> None:
    made = report()
    url = reverse("admin:alignment_weeklyreport_change", args=[made.pk])
    assert admin.get(url).status_code == 200
    assert admin.post(url, {"week": "2020-W01"}).status_code == 403
    assert admin.post(reverse("admin:alignment_weeklyreport_delete", args=[made.pk])).status_code == 403
