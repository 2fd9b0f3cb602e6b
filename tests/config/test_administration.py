"""The admin in groups an admin knows, in the company's time zone, with machinery for superusers alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from config.administration import GROUPS, SYSTEM, group_of
from leads.models import Company, FollowUp, Territory, User
from tests.leads.factories import LeadFactory, UserFactory

MACHINERY = [model for model in admin.site._registry if group_of(model._meta.label) == SYSTEM]


@pytest.fixture
def boss(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


@pytest.fixture
def admin_by_role(db: None) -> User:
    return UserFactory(role="admin", is_staff=True)


def test_every_model_of_a_group_is_there() -> None:
    registered = {model._meta.label for model in admin.site._registry}
    assert {label for models in GROUPS.values() for label in models} - registered == set()


def test_the_index_shows_groups_and_one_entry_for_machinery(boss: Client) -> None:
    answer = boss.get(reverse("admin:index"))
    groups = answer.context["app_list"]
    assert [group["name"] for group in groups] == [
        "People and territories",
        "Scoring and follow-up",
        "Campaigns and costs",
        "Money",
        "Integration points",
        "Keys",
        "System",
    ]
    assert [row["name"] for row in groups[-1]["models"]] == ["System records"]
    page = answer.content.decode()
    assert "<h1>Administration</h1>" in page
    for machine in ("Watermarks", "Solar events", "Clocked", "Crontabs", "Sync hints"):
        assert machine not in page


def test_machinery_is_listed_on_a_page_of_its_own(boss: Client) -> None:
    answer = boss.get(reverse("admin:system"))
    listed = {row["model"] for app in answer.context["app_list"] for row in app["models"]}
    assert listed == set(MACHINERY)
    assert "Watermarks" in answer.content.decode()


def test_an_admin_who_is_no_superuser_sees_no_machinery(client: Client, admin_by_role: User) -> None:
    client.force_login(admin_by_role)
    groups = client.get(reverse("admin:index")).context["app_list"]
    assert "System" not in [group["name"] for group in groups]
    assert client.get(reverse("admin:system")).status_code == 403
    assert client.get(reverse("admin:leads_campaign_changelist")).status_code == 200


@pytest.mark.parametrize("model", MACHINERY, ids=lambda model: model.__name__)
def test_machinery_opens_for_superusers_alone(client: Client, admin_by_role: User, model: type) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")  # type: ignore[attr-defined]
    client.force_login(admin_by_role)
    assert client.get(url).status_code == 403
    client.force_login(UserFactory(role="admin", is_staff=True, is_superuser=True))
    assert client.get(url).status_code == 200


def test_times_are_told_in_the_zone_of_the_company(boss: Client, company: Company) -> None:
    """23:30 UTC is the next day in Berlin."""
    FollowUp.objects.create(
        lead=LeadFactory(),
        owner=UserFactory(),
        kind=FollowUp.Kind.CALL,
        due_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
        planned_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    )
    page = boss.get(reverse("admin:leads_followup_changelist")).content.decode()
    assert "21 Nov 2026, 00:30" in page


def test_the_admin_is_set_in_the_font_of_the_portal(boss: Client) -> None:
    assert "vendor/inter/inter.css" in boss.get(reverse("admin:index")).content.decode()


def test_the_way_back_leads_through_the_group(boss: Client) -> None:
    lead = LeadFactory()
    for url in (
        reverse("admin:leads_territory_changelist"),
        reverse("admin:leads_territory_add"),
        reverse("admin:leads_territory_history", args=[Territory.objects.get(is_catch_all=True).pk]),
    ):
        page = boss.get(url).content.decode()
        assert "Administration</a> &rsaquo; People and territories" in page
    assert (
        "Administration</a> &rsaquo; System"
        in boss.get(reverse("admin:leads_lead_change", args=[lead.pk])).content.decode()
    )
