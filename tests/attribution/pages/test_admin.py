"""Rules are edited in the admin; runs are only read there."""

from __future__ import annotations

import pytest
from django.test import Client

from attribution.models import AttributionRules
from leads.models import User
from tests.attribution.factories import company_with_deals, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def test_rules_are_edited_and_refuse_nonsense(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    url = "/admin/attribution/attributionrules/1/change/"
    assert client.get("/admin/attribution/attributionrules/").status_code == 200
    assert client.post(url, {"scope": "account", "half_life_days": "30"}).status_code == 302
    assert AttributionRules.objects.values_list("scope", "half_life_days").get() == ("account", 30.0)
    assert client.post(url, {"scope": "account", "half_life_days": "0"}).status_code == 200
    assert AttributionRules.objects.get().half_life_days == 30.0
    assert client.get("/admin/attribution/attributionrules/add/").status_code == 403


def test_runs_are_read_only(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    company_with_deals()
    done = run(reason="for the admin")
    assert "for the admin" in client.get("/admin/attribution/attributionrun/?q=admin").content.decode()
    url = f"/admin/attribution/attributionrun/{done.pk}"
    assert client.get(f"{url}/change/").status_code == 200
    assert client.post(f"{url}/delete/").status_code == 403
