"""Methods in words, the company's own, and runs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from attribution.actions.fit_methods import fit_methods
from attribution.actions.runs.work_on_runs import work_on_runs
from attribution.models import AttributionRun, CustomMethod
from leads.models import Opportunity, User
from tests.attribution.factories import AT, company_with_deals, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
OWN = {"name": "Ends", "slug": "ends", "first_touch": "60", "lead_creation": "0", "opportunity_creation": "0",
       "closing": "40", "others": "0", "is_active": "on"}  # fmt: skip


@pytest.fixture
def made() -> dict[str, Any]:
    made = company_with_deals()
    run()
    return made


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_every_method_has_its_sentence(client: Client, director: User, made: dict[str, Any]) -> None:
    client.force_login(director)
    text = page(client, "/attribution/methods")
    assert "Not learned yet" in text
    assert "Half-life: 7" in text
    assert "Refit now" not in text
    fit_methods(at=AT, reason="A first look")
    text = page(client, "/attribution/methods")
    assert "Would have come anyway" in text
    assert "A first look" in text
    assert "Not learned yet" not in text


def test_an_admin_makes_and_edits_a_method(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    text = client.post("/attribution/methods/add", {**OWN, "closing": "30"}, headers={"HX-Request": "true"})
    assert text.status_code == 200
    assert "sum to 90.00 %" in text.content.decode().replace("90 %", "90.00 %")
    text = client.post("/attribution/methods/add", {**OWN, "do": "check"}).content.decode()
    assert "60 % to the first touch" in text
    assert not CustomMethod.objects.exists()
    refused = client.post("/attribution/methods/add", {**OWN, "closing": "30", "do": "save"})
    assert refused.status_code == 422
    assert "must sum to 100" in refused.content.decode()
    assert "version 1" in client.post("/attribution/methods/add", {**OWN, "do": "save"}, follow=True).content.decode()
    url = "/attribution/methods/own/ends"
    assert "Ends" in page(client, url)
    client.post(url, {**OWN, "first_touch": "50", "closing": "50", "do": "save"})
    assert CustomMethod.objects.get(slug="ends").version == 2


def test_directors_look_only(client: Client, director: User) -> None:
    client.force_login(director)
    assert client.get("/attribution/methods/add").status_code == 403
    assert client.post("/attribution/methods/refit").status_code == 403
    assert client.post("/attribution/runs/recompute").status_code == 403


def test_a_run_says_what_it_moved_and_why(client: Client, director: User, made: dict[str, Any]) -> None:
    first = AttributionRun.objects.get()
    Opportunity.objects.filter(pk=made["won"].pk).update(amount_cents=150_000, reporting_cents=150_000, changed_at=AT)
    second = run()
    client.force_login(director)
    text = page(client, f"/attribution/runs/{second.public_id}")
    assert "Another amount" in text
    assert "Search" in text
    assert f"/attribution/journeys/{made['won'].public_id}" in text
    assert second.inputs_hash in text
    text = page(client, f"/attribution/runs/{second.public_id}?with={first.public_id}&method=first_touch")
    assert "1 run since" in text
    assert "Settings and models are the same" in text
    assert "Money of First touch" in text
    assert f"/attribution/runs/{second.public_id}" in page(client, "/attribution/runs")
    # The page names ten campaigns; runs are added up over all.
    second.difference["methods"]["first_touch"]["campaigns"] = []
    second.save(update_fields=["difference"])
    url = f"/attribution/runs/{second.public_id}?with={first.public_id}&method=first_touch"
    assert '<span>Search</span><span class="num">€499.99</span>' in page(client, url)
    second.difference = {key: value for key, value in second.difference.items() if key != "moves"}
    second.difference["methods"]["first_touch"]["campaigns"] = [{"campaign": "Old", "id": "", "cents": 12}]
    second.save(update_fields=["difference"])
    assert "only the ten largest moves are known" in page(client, url)


def test_recompute_and_refit_are_planned_and_watched(client: Client, admin_user: User, made: dict[str, Any]) -> None:
    client.force_login(admin_user)
    url = client.post("/attribution/runs/recompute").headers["Location"]
    assert "run-progress" in page(client, url)
    assert "HX-Refresh" not in client.get(f"{url}/progress").headers
    assert client.post("/attribution/runs/recompute").headers["Location"] == url
    learned = client.post("/attribution/methods/refit").headers["Location"]
    assert learned != url
    work_on_runs(clock=lambda: AT)
    assert client.get(f"{url}/progress").headers["HX-Refresh"] == "true"
    assert "Recomputed by hand" in page(client, url)
    assert "by Person" in page(client, url)
    assert "models learn anew" in page(client, learned)
