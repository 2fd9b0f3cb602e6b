"""One lead's whole story, through the doors people and machines use: from a posted form to the weekly report."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.browser.conftest import Portal, Visitor

pytestmark = pytest.mark.browser


def eventually(look: Callable[[], Any], seconds: float = 60) -> Any:
    """The first truthy answer within the time; the worker does its part meanwhile."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.5)
    return found


def sync_now(visitor: Visitor) -> None:
    """An admin asks for a sync of the sandbox connection and waits until it has ended."""
    visitor.sign_in("admin")
    visitor.page.goto("/connections/sandbox-main")
    visitor.page.get_by_role("button", name="Sync now").click()
    visitor.page.wait_for_load_state("networkidle")
    eventually(lambda: (visitor.page.reload(), not visitor.page.get_by_text(re.compile("Sync is")).count())[1])


def test_one_lead_from_form_to_report(portal: Portal, visitor: Visitor) -> None:
    campaign = portal.api("GET", "/integrations/sales/attribution").json()["results"][0]["campaign"]
    now = datetime.now(UTC)
    payload: dict[str, Any] = {
        "email": "grace.story@hopper-systems.example",
        "first_name": "Grace",
        "last_name": "Story",
        "company": "Hopper Systems",
        "job_title": "CTO",
        "country": "DE",
        "postal_code": "10115",
        "industry": "software",
        "company_size": 120,
        "event": {
            "type": "form_submission",
            "occurred_at": (now - timedelta(minutes=2)).isoformat(),
            "name": "Pricing request",
            "utm": {"source": "google", "medium": "cpc", "campaign": campaign["code"]},
        },
    }
    posted = portal.api("POST", "/integrations/sales/leads", json=payload)
    assert posted.status_code == 201, posted.text
    assert posted.json()["is_new"], posted.text
    payload["event"] = {**payload["event"], "type": "webinar_attendance", "name": "Analytics in practice"}
    known = portal.api("POST", "/integrations/sales/leads", json=payload)
    assert known.status_code == 200, known.text
    assert known.json()["id"] == posted.json()["id"], known.text
    lead = known.json()
    assert lead["stage"] == "mql"
    assert lead["score"]["total"] == sum(r["points"] for r in lead["score"]["reasons"])
    assert lead["assignment"]["owner"]
    assert lead["assignment"]["because"]
    assert lead["follow_up"]["due_at"]
    assert lead["crm"][0]["state"] == "pending"

    # On the leads page with score, owner and reason; its own page tells why.
    visitor.sign_in("sales_leader")
    visitor.page.goto("/leads?q=Story")
    visitor.page.get_by_role("link", name="Grace Story").click()
    visitor.page.get_by_text(lead["assignment"]["because"]).first.wait_for()
    visitor.page.locator(".timeline-title", has_text="Pricing request").first.wait_for()
    visitor.look("lead")
    visitor.page.get_by_role("button", name="Accept", exact=True).click()
    visitor.page.get_by_text("Grace Story is accepted.").wait_for()

    # In the CRM after a sync, once.
    sync_now(visitor)
    visitor.look("connection")
    people = portal.crm("GET", "/v1/people", params={"external_id": lead["id"]}).json()["results"]
    assert [person["email"] for person in people] == ["grace.story@hopper-systems.example"]

    # Sales closes a deal in the CRM; the next pull brings revenue to the campaign.
    path = f"/integrations/sales/attribution/{campaign['id']}"
    before = portal.api("GET", path, params={"model": "linear"}).json()
    deal = portal.crm(
        "POST",
        "/v1/deals",
        json={
            "name": "Hopper Systems rollout",
            "amount": "12345.67",
            "currency": "EUR",
            "stage": "proposal",
            "contacts": [{"person_id": people[0]["id"], "role": "decision_maker"}],
        },
    )
    assert deal.status_code == 201, deal.text
    closed = portal.crm("PATCH", f"/v1/deals/{deal.json()['id']}", json={"stage": "won"})
    assert closed.status_code == 200, closed.text
    sync_now(visitor)

    def attributed() -> int:
        after = portal.api("GET", path, params={"model": "linear"}).json()
        cents = [round(float(answer["totals"]["attributed_revenue"]["amount"]) * 100) for answer in (after, before)]
        return int(cents[0] - cents[1])

    assert eventually(attributed, 90) == 1_234_567

    visitor.sign_in("marketing_director")
    visitor.page.goto(f"/attribution/campaigns/{campaign['id']}?method=linear")
    visitor.page.get_by_text("Hopper Systems rollout").first.click()
    visitor.page.get_by_text(re.compile("Pricing request|Form submission")).filter(visible=True).first.wait_for()
    visitor.look("journey")
