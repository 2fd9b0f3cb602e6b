"""Whatever JSON arrives, the endpoint answers with its contract: never a 5xx, never something half written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from leads.models import Lead, LifecyclePassage, Submission, Touchpoint
from tests.leads.api.keys import make_key

URL = "/api/v1/integrations/sales/leads"

text = st.text(max_size=30)
scalar = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), text)
anything = st.recursive(scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3))
email = st.one_of(st.sampled_from(["ada@a.example", "bob@b.example", "EVE@gmail.com"]), anything)
moment = st.one_of(st.sampled_from(["2026-11-16T09:30:00Z", "2026-11-16T09:30:00+14:00"]), anything)
event = st.fixed_dictionaries(
    {"type": st.sampled_from(["form_submission", "email_signup", "email_open"]) | anything, "occurred_at": moment},
    optional={
        "name": text | anything,
        "utm": st.dictionaries(st.sampled_from(["source", "medium", "campaign", "term"]), text, max_size=3) | anything,
        "landing_page": text.map(lambda tail: f"https://our.example/?utm_campaign={tail}") | anything,
        "referrer": anything,
        "visitor_id": anything,
    },
)
FREE = ("first_name", "company", "job_title", "phone", "country", "postal_code", "company_size", "consent")
details = dict.fromkeys(FREE, text | anything)
item = st.fixed_dictionaries(
    {"email": email, "event": event | anything},
    optional={**details, "external_id": st.sampled_from(["x-1", "x-2"]) | anything},
)
bodies = st.one_of(item, anything, st.fixed_dictionaries({"leads": st.lists(item | anything, max_size=4)}))


# What a body may hold is mostly read before any database is asked; the second one sees fewer.
EXAMPLES = 150 if connection.vendor == "sqlite" else 50


@pytest.mark.slow
class AnyBody(TestCase):
    """Each example runs in a transaction of its own that is rolled back."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(body=bodies)
    def test_any_body_gets_an_answer_of_the_contract(self, body: Any) -> None:
        headers = make_key()[1]
        response = Client().post(URL, json.dumps(body), content_type="application/json", headers=headers)

        assert response.status_code in (200, 201, 400, 422), response.content
        answer = response.json()
        if response.status_code >= 400:
            assert response.headers["Content-Type"].startswith("application/problem+json")
            assert answer["status"] == response.status_code
            assert answer["detail"]
        if response.status_code == 422:
            assert all(set(error) == {"pointer", "code", "detail"} for error in answer["errors"])
        results = answer.get("results", [{**answer, "status": response.status_code}])
        taken = [result for result in results if result["status"] in (200, 201)]
        self.check_that_what_is_written_is_whole({result["id"] for result in taken})

    def check_that_what_is_written_is_whole(self, answered: set[str]) -> None:
        leads = {str(public_id) for public_id in Lead.objects.values_list("public_id", flat=True)}
        assert leads == answered
        assert set(Touchpoint.objects.values_list("lead", flat=True)) == set(Lead.objects.values_list("pk", flat=True))
        assert LifecyclePassage.objects.count() >= len(leads)
        assert Submission.objects.filter(state="accepted").count() >= len(leads)
