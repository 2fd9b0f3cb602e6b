"""Bodies for the capture endpoint, and what comes of them."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from integrations.models import PendingPush
from leads.models import Account, Campaign, Lead, LeadEvent, Touchpoint

URL = "/api/v1/integrations/sales/leads"


def body(**members: Any) -> dict[str, Any]:
    full: dict[str, Any] = {
        "email": "Ada@Example.com",
        "first_name": "Ada",
        "company": "Analytical Engines",
        "job_title": "CTO",
        "phone": "+49 30 1234",
        "country": "DE",
        "industry": "software",
        "company_size": 120,
        "event": {
            "type": "form_submission",
            "occurred_at": "2026-11-16T09:30:00+01:00",
            "name": "Pricing request",
            "utm": {"source": "google", "medium": "cpc", "campaign": "q4-brand", "term": "", "content": ""},
            "landing_page": "https://our.example/pricing",
            "referrer": "https://www.google.com/",
            "visitor_id": "v-1",
        },
        "consent": {"text": "Yes", "given_at": "2026-11-16T09:30:00+01:00", "basis": "consent"},
        **members,
    }
    return {name: value for name, value in full.items() if value != "absent"}


def post(client: Client, key: dict[str, str], data: Any, **headers: str) -> Any:
    raw = data if isinstance(data, bytes | str) else json.dumps(data)
    return client.post(URL, raw, content_type="application/json", headers={**key, **headers})


def pointers(response: Any) -> set[tuple[str, str]]:
    assert response.headers["Content-Type"].startswith("application/problem+json"), response.content
    return {(error["pointer"], error["code"]) for error in response.json().get("errors", [])}


def nothing_written() -> bool:
    models = (Lead, Touchpoint, Account, Campaign, LeadEvent, PendingPush)
    return not any(model.objects.exists() for model in models)
