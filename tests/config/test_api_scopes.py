"""Keys and sessions at every address of the API: the scope that each needs, and the words for who lacks it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from django.test import Client
from django.utils import timezone

from leads.models import ApiKey, Lead, Scope, User
from tests.leads.api.keys import make_key
from tests.leads.factories import CampaignFactory, LeadFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
SCHEMA = yaml.safe_load((Path(__file__).parents[1] / "baselines" / "openapi.yaml").read_text())
NEEDED = {
    ("get", "/api/v1/campaigns/{campaign_id}/costs"): "costs:write",
    ("post", "/api/v1/campaigns/{campaign_id}/costs"): "costs:write",
    ("get", "/api/v1/campaigns/{campaign_id}/costs/history"): "costs:write",
    ("post", "/api/v1/costs/reports"): "costs:write",
    ("get", "/api/v1/history/{kind}/{record_id}"): "history:read",
    ("get", "/api/v1/integrations/sales/attribution"): "attribution:read",
    ("get", "/api/v1/integrations/sales/attribution/{campaign_id}"): "attribution:read",
    ("get", "/api/v1/integrations/sales/attribution/opportunities/{opportunity_id}"): "attribution:read",
    ("post", "/api/v1/integrations/sales/leads"): "leads:write",
    ("get", "/api/v1/integrations/sales/performance"): "performance:read",
    ("get", "/api/v1/integrations/sales/reports/{week}/restatements"): "performance:read",
    ("get", "/api/v1/leads"): "leads:read",
    ("get", "/api/v1/leads/{lead_id}"): "leads:read",
    ("get", "/api/v1/submissions/{submission_id}"): "leads:read",
    ("patch", "/api/v1/leads/{lead_id}"): "leads:write",
    ("get", "/api/v1/accounts"): "leads:read",
    ("get", "/api/v1/accounts/{account_id}"): "leads:read",
    ("get", "/api/v1/campaigns"): "attribution:read",
    ("get", "/api/v1/campaigns/{campaign_id}"): "attribution:read",
    ("get", "/api/v1/touchpoints"): "leads:read",
    ("get", "/api/v1/territories"): "leads:read",
    ("get", "/api/v1/owners"): "leads:read",
    ("get", "/api/v1/figures"): "performance:read",
    ("get", "/api/v1/figures/{key}"): "performance:read",
    ("get", "/api/v1/figures/{key}/rows"): "performance:read",
    ("get", "/api/v1/reports"): "performance:read",
    ("get", "/api/v1/reports/{week}"): "performance:read",
    ("get", "/api/v1/recommendations"): "performance:read",
    ("get", "/api/v1/integration-points"): "performance:read",
    ("get", "/api/v1/opportunities"): "opportunities:read",
    ("get", "/api/v1/opportunities/{opportunity_id}"): "opportunities:read",
    ("post", "/api/v1/opportunities"): "opportunities:write",
    ("patch", "/api/v1/opportunities/{opportunity_id}"): "opportunities:write",
}
VERBS = {"get", "post", "put", "patch", "delete"}
# For people who are signed in; it has no keys.
SESSIONS_ONLY = {("get", "/api/v1/search")}


def asked(client: Client, verb: str, path: str, **options: Any) -> Any:
    given = {"kind": "lead", "week": "2026-W40", "key": "pipeline.open"}
    for name in ("campaign_id", "record_id", "opportunity_id", "lead_id", "submission_id", "account_id"):
        given[name] = str(uuid4())
    if verb in ("post", "patch"):
        options = {"data": "{}", "content_type": "application/json", **options}
    return getattr(client, verb)(path.format(**given), **options)


def test_every_address_is_listed_here() -> None:
    served = {(verb, path) for path, verbs in SCHEMA["paths"].items() for verb in verbs if verb in VERBS}
    assert served == NEEDED.keys() | SESSIONS_ONLY


@pytest.mark.parametrize(("verb", "path"), NEEDED)
def test_a_key_needs_the_scope_and_no_other_opens(client: Client, verb: str, path: str) -> None:
    scope = NEEDED[verb, path]
    _, others = make_key(*(each for each in Scope.values if each != scope))
    refused = asked(client, verb, path, headers=others)
    assert refused.status_code == 403
    assert refused.json()["detail"] == f"The API key lacks the scope {scope}."
    _, right = make_key(scope)
    assert asked(client, verb, path, headers=right).status_code not in (401, 403)
    assert asked(client, verb, path).status_code == 401


@pytest.mark.parametrize("kind", ["revoked", "expired", "deleted"])
def test_a_key_that_is_no_more_opens_nothing(client: Client, kind: str) -> None:
    key, headers = make_key("leads:read")
    assert client.get("/api/v1/leads", headers=headers).status_code == 200
    if kind == "deleted":
        key.delete()
    else:
        gone = {"revoked": True} if kind == "revoked" else {"expiry_date": timezone.now() - timedelta(minutes=1)}
        ApiKey.objects.filter(pk=key.pk).update(**gone)
    assert client.get("/api/v1/leads", headers=headers).status_code == 401


def test_people_who_are_signed_in_are_told_of_their_role_and_not_of_a_key(
    client: Client, rep: User, director: User
) -> None:
    client.force_login(rep)
    refused = client.get("/api/v1/leads")
    assert refused.status_code == 403
    said = "Your role sees a part of the company, and the API answers for all of it: Sales rep."
    assert refused.json()["detail"] == said
    client.force_login(director)
    assert client.get("/api/v1/leads").status_code == 200
    written = asked(client, "post", "/api/v1/integrations/sales/leads")
    assert written.status_code == 403
    assert written.json()["detail"] == "A signed-in person reads only. Send an API key with the scope leads:write."


def test_pages_skip_and_double_nobody_while_rows_come_go_and_change(client: Client) -> None:
    _, key = make_key("leads:read")
    leads = LeadFactory.create_batch(12, stage="lead")
    gone, found, address = {str(leads[1].public_id)}, [], "/api/v1/leads?limit=3&stage=lead"
    while address:
        page = client.get(address, headers=key).json()
        found += [row["id"] for row in page["results"]]
        address = page["next"]
        LeadFactory.create_batch(2, stage="lead")  # newer than all pages that are still to come
        Lead.objects.filter(pk=leads[1].pk).delete()
        last = Lead.objects.get(public_id=found[-1])
        Lead.objects.filter(pk=last.pk).update(stage="mql", changed_at=timezone.now())  # leaves the filter
    assert len(found) == len(set(found))
    assert set(found) == {str(lead.public_id) for lead in leads} - gone


def test_pages_of_costs_stay_while_days_are_recorded(client: Client) -> None:
    _, key = make_key("costs:write")
    campaign = CampaignFactory()
    url = f"/api/v1/campaigns/{campaign.public_id}/costs"

    def record(days: range, amount: str) -> None:
        costs = [{"day": f"2026-10-{n:02d}", "cost": {"amount": amount, "currency": "EUR"}} for n in days]
        assert client.post(url, {"costs": costs}, content_type="application/json", headers=key).status_code == 200

    record(range(1, 11), "1.00")
    found, address = [], f"{url}?limit=4"
    while address:
        page = client.get(address, headers=key).json()
        found += [row["day"] for row in page["results"]]
        address = page["next"]
        record(range(1, 16), "2.00")
    assert sorted(found) == [f"2026-10-{n:02d}" for n in range(1, 11)]
