"""The attribution endpoints, as the contract says."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from attribution.models import AttributionRules, Credit
from attribution.pure.methods import all_methods
from leads.models import Company, Opportunity, User
from tests.attribution.factories import company_with_deals, cost, run
from tests.leads.api.keys import make_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
BASE = "/api/v1/integrations/sales/attribution"
METHODS = [method.key for method in all_methods() if not method.needs_fit]


@pytest.fixture
def key(db: None) -> dict[str, str]:
    return make_key("attribution:read")[1]


@pytest.fixture
def made(company: Company) -> dict[str, Any]:
    made = company_with_deals()
    run()
    return made


def euros(body: dict[str, str]) -> int:
    assert body["currency"] == "EUR"
    return int(body["amount"].replace(".", ""))


def test_a_campaign_with_its_weeks_and_models(client: Client, key: dict[str, str], made: dict[str, Any]) -> None:
    url = f"{BASE}/{made['social'].public_id}?model=linear&from=2026-W36&to=2026-W46"
    body = client.get(url, headers=key).json()
    assert body["campaign"]["id"] == str(made["social"].public_id)
    assert (body["model"]["key"], body["model"]["version"]) == ("linear", 1)
    assert body["period"] == {"from": "2026-08-31", "to": "2026-11-15", "time_zone": "Europe/Berlin"}
    assert (body["basis"], body["scope"], body["look_back_days"]) == ("simple", "contacts", 180)
    assert [week["week"] for week in body["weeks"]] == [f"2026-W{number}" for number in range(36, 47)]
    for name, total in (("revenue", "attributed_revenue"), ("cost", "cost")):
        assert sum(euros(week[name]) for week in body["weeks"] if week[name]) == euros(body["totals"][total]) > 0
    assert [month["month"] for month in body["months"]] == ["2026-08", "2026-09", "2026-10", "2026-11"]
    for name in ("revenue", "cost"):
        by_week, by_month = (
            sum(euros(step[name]) for step in body[steps] if step[name]) for steps in ("weeks", "months")
        )
        assert by_week == by_month
    assert body["totals"]["payback_months"] == 2
    assert body["totals"]["payback_unknown_because"] is None
    assert body["weeks"][-1]["pipeline"] == body["totals"]["attributed_pipeline"]
    assert sum(week["leads"] for week in body["weeks"]) == body["totals"]["leads"]
    assert [model["key"] for model in body["models"]] == METHODS
    linear = next(model for model in body["models"] if model["key"] == "linear")
    assert linear["attributed_revenue"] == body["totals"]["attributed_revenue"]
    revenue, cost = euros(body["totals"]["attributed_revenue"]), euros(body["totals"]["cost"])
    assert body["totals"]["roi"] == linear["roi"] == pytest.approx((revenue - cost) / cost)
    assert body["totals"]["influenced_opportunities"] == 6
    assert body["coverage"] == pytest.approx(361_111 / 411_111)
    assert all(link.startswith("http://testserver/") for link in body["links"].values())


def test_an_unknown_cost_has_a_reason(client: Client, key: dict[str, str], made: dict[str, Any]) -> None:
    totals = client.get(f"{BASE}/{made['mail'].public_id}", headers=key).json()["totals"]
    assert (totals["cost"], totals["roi"]) == (None, None)
    assert totals["roi_unknown_because"] == "no cost is reported in this period"


@pytest.mark.parametrize(
    ("query", "name", "says"),
    [
        ("model=magic", "model", "first_touch"),
        ("from=yesterday", "from", "neither a date"),
        ("from=2026-11-02&to=2026-11-01", "to", "before the first"),
        ("basis=cash", "basis", "cash"),
        ("scope=everybody", "scope", "contacts"),
        ("scope=account", "scope", "known are contacts"),
        ("basis=simple&basis=realised", "basis", "once"),
        ("as_of=2026-11-01T00:00:00", "as_of", "offset"),
        ("as_of=2026-11-01&as_of=2026-11-02", "as_of", "once"),
        ("as_of=2099-01-01", "as_of", "future"),
        ("modle=linear", "modle", "known are"),
    ],
)
def test_refusals_name_the_parameter(
    client: Client, key: dict[str, str], made: dict[str, Any], query: str, name: str, says: str
) -> None:
    for url in (f"{BASE}/{made['social'].public_id}", BASE):
        answer = client.get(f"{url}?{query}", headers=key)
        assert answer.status_code == 400
        assert answer.headers["Content-Type"] == "application/problem+json"
        (error,) = answer.json()["errors"]
        assert error["pointer"] == f"/{name}"
        assert says in error["detail"]


def test_an_unchanged_answer_is_not_sent_again(client: Client, key: dict[str, str], made: dict[str, Any]) -> None:
    url = f"{BASE}/{made['social'].public_id}?from=2026-09-01&to=2026-11-15"
    etag = client.get(url, headers=key).headers["ETag"]
    again = client.get(url, headers={**key, "If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    Opportunity.objects.filter(pk=made["won"].pk).update(reporting_cents=5)
    run()
    assert client.get(url, headers={**key, "If-None-Match": etag}).status_code == 200


def test_a_cost_that_comes_in_changes_the_tag(client: Client, key: dict[str, str], made: dict[str, Any]) -> None:
    for url in (f"{BASE}/{made['social'].public_id}?from=2026-09-01&to=2026-11-15", f"{BASE}?from=2026-09-01"):
        etag = client.get(url, headers=key).headers["ETag"]
        assert client.get(url, headers={**key, "If-None-Match": etag}).status_code == 304
        cost(made["social"], 1_00, at=len(url) % 40)
        assert client.get(url, headers={**key, "If-None-Match": etag}).status_code == 200


def test_another_scope_that_is_kept(client: Client, key: dict[str, str], made: dict[str, Any]) -> None:
    AttributionRules.objects.update(kept_scopes=["contacts", "primary"])
    linear = Credit.objects.of_scope("contacts").filter(opportunity=made["won"], method="linear")
    first = linear.order_by("touched_at")[0]
    first.pk, first.scope, first.weight, first.cents = None, "primary", 1.0, 100_001
    first.save(force_insert=True)
    url = f"{BASE}/{made['search'].public_id}?from=2026-09-01&to=2026-11-15&model=linear"
    body = client.get(f"{url}&scope=primary", headers=key).json()
    assert (body["scope"], body["totals"]["attributed_revenue"]["amount"]) == ("primary", "1000.01")
    assert "scope=primary" in body["links"]["revenue_rows"]
    own = client.get(url, headers=key).json()
    assert own["scope"] == "contacts"
    assert euros(own["totals"]["attributed_revenue"]) < 100_001
    deal = f"{BASE}/opportunities/{made['won'].public_id}?model=linear"
    assert [
        len(client.get(f"{deal}{scope}", headers=key).json()["models"][0]["credits"])
        for scope in ("", "&scope=contacts", "&scope=primary")
    ] == [4, 4, 1]
    assert client.get(f"{deal}&scope=account", headers=key).status_code == 400


def test_the_list_pages_and_sums_programmes(client: Client, key: dict[str, str], made: dict[str, Any]) -> None:
    query = "from=2026-09-01&to=2026-11-15&model=first_touch"
    first = client.get(f"{BASE}?{query}&limit=3", headers=key).json()
    second = client.get(first["next"], headers=key).json()
    rows = {row["campaign"]["name"]: row for row in first["results"] + second["results"]}
    assert set(rows) == {"Search programme", "Search", "Social", "Mail"}
    assert rows["Search programme"]["attributed_revenue"] == rows["Search"]["attributed_revenue"]
    for row in rows.values():
        one = client.get(f"{row['url']}?{query}", headers=key).json()["totals"]
        for name in ("attributed_revenue", "attributed_pipeline", "cost", "roi"):
            assert row[name] == one[name], (row["campaign"]["name"], name)


def test_credits_of_an_opportunity_sum_to_its_amount(client: Client, key: dict[str, str], made: dict[str, Any]) -> None:
    for name in ("won", "untouched", "dollars"):
        body = client.get(f"{BASE}/opportunities/{made[name].public_id}", headers=key).json()
        assert [model["key"] for model in body["models"]] == METHODS
        for model in body["models"]:
            given = sum(euros(credit["credit"]) for credit in model["credits"]) + euros(model["unattributed"])
            assert given == euros(body["opportunity"]["amount"])
    one = client.get(f"{BASE}/opportunities/{made['won'].public_id}?model=linear", headers=key).json()
    assert [len(model["credits"]) for model in one["models"]] == [4]
    assert (
        client.get(f"{BASE}/opportunities/{made['unknown'].public_id}", headers=key).json()["opportunity"]["amount"]
        is None
    )


def test_what_is_not_there_is_404(client: Client, key: dict[str, str]) -> None:
    for url in (f"{BASE}/{uuid4()}", f"{BASE}/opportunities/{uuid4()}", f"{BASE}/not-an-id"):
        answer = client.get(url, headers=key)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_before_the_first_run_there_is_no_run(client: Client, key: dict[str, str]) -> None:
    campaign = company_with_deals()["social"]
    body = client.get(f"{BASE}/{campaign.public_id}", headers=key).json()
    assert body["run"] is None
    assert body["totals"]["attributed_revenue"]["amount"] == "0.00"


def test_keys_need_the_scope_and_people_the_whole_view(
    client: Client, made: dict[str, Any], director: User, rep: User
) -> None:
    url = f"{BASE}/{made['social'].public_id}"
    assert client.get(url).status_code == 401
    assert client.get(url, headers=make_key("leads:read")[1]).status_code == 403
    client.force_login(rep)
    assert client.get(url).status_code == 403
    client.force_login(director)
    assert client.get(url).status_code == 200


def test_queries_do_not_grow_with_the_data(client: Client, key: dict[str, str], made: dict[str, Any]) -> None:
    def queries(url: str) -> int:
        client.get(url, headers=key)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url, headers=key).status_code == 200
        return len(seen)

    urls = (BASE, f"{BASE}/{made['social'].public_id}?from=2025-01-01", f"{BASE}/opportunities/{made['won'].public_id}")
    few = [queries(url) for url in urls]
    for _ in range(3):
        company_with_deals()
    run()
    assert [queries(url) for url in urls] == few


def test_rows_of_every_figure_are_read_with_the_same_key(
    client: Client, key: dict[str, str], made: dict[str, Any]
) -> None:
    body = client.get(f"{BASE}/{made['social'].public_id}?from=2026-09-01&to=2026-11-15", headers=key).json()
    links = {name: url for name, url in body["links"].items() if name.endswith("_rows")}
    assert len(links) == 6
    for name, url in links.items():
        assert client.get(url, headers=key).status_code == 200, name
        assert client.get(url.replace("social", "x")).status_code == 401
        assert "/api/" not in body["links"][name.replace("_rows", "_page")]
    row = client.get(f"{BASE}?from=2026-09-01&to=2026-11-15", headers=key).json()["results"][0]
    rows = client.get(row["rows_url"], headers=key).json()
    assert rows["count"] > 0
    assert "/figures/attribution.revenue" in row["page_url"]
