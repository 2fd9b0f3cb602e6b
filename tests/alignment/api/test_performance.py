"""``GET /api/v1/integrations/sales/performance``."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from attribution.actions.runs.run_attribution import run_attribution
from attribution.models import AttributionRules
from leads.figures.base import figure
from leads.models import ApiKey, Company, Scope
from leads.pure.money import to_cents
from leads.pure.week import Period
from tests.leads.figures import world
from tests.leads.figures.world import AT, TZ, scope

ADDRESS = "/api/v1/integrations/sales/performance"
ASKED = {"from": "2026-10-01", "to": "2026-12-31"}
Q4 = Period.of_dates(date(2026, 10, 1), date(2027, 1, 1), TZ)


@pytest.fixture(autouse=True)
def at_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is read at the door; here it stands at the tests' moment."""
    monkeypatch.setattr("leads.past.deemed.timezone.now", lambda: AT)


@pytest.fixture
def made(company: Company):
    made = world.build()
    run_attribution(at=AT, reason="test")
    return made


def bearer(*scopes: str) -> dict[str, str]:
    _, key = ApiKey.objects.create_key(name="test", scopes=list(scopes))
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def key(db: None) -> dict[str, str]:
    return bearer(Scope.PERFORMANCE_READ)


def cents(money: dict[str, str]) -> int:
    assert money["currency"] == "EUR"
    return to_cents(money["amount"], "EUR")


def figures(value: object):
    """Every figure object anywhere in the answer."""
    if isinstance(value, dict):
        if "definition" in value:
            yield value
        for inner in value.values():
            yield from figures(inner)


def test_every_figure_is_the_registered_one(made, client: Client, key) -> None:
    answer = client.get(ADDRESS, ASKED, headers=key).json()
    listed = list(figures(answer))
    assert len(listed) == 11 + 4 + 10 + 10
    for shown in listed:
        found = figure(shown["definition"]["key"], scope(Q4))
        assert shown["definition"]["version"] == found.definition.version
        assert shown["unit"] == found.definition.unit
        value = cents(shown["value"]) if isinstance(shown["value"], dict) else shown["value"]
        assert value == pytest.approx(found.value), shown["definition"]


def test_hand_worked_values(made, client: Client, key) -> None:
    answer = client.get(ADDRESS, ASKED, headers=key).json()
    assert answer["period"] == {"from": "2026-10-01", "to": "2026-12-31", "time_zone": "Europe/Berlin"}
    assert answer["as_of"] == "2026-11-21T11:00:00+01:00"
    assert answer["pipeline"]["won"]["value"] == {"amount": "4000.00", "currency": "EUR"}
    assert answer["pipeline"]["velocity"]["factors"]["win_rate"]["value"] == 0.75
    assert answer["leads"]["captured"]["value"] == 6
    assert answer["leads"]["conversion"]["cohort"]["lead_to_mql"]["value"] == pytest.approx(5 / 6)


def test_campaigns_and_unattributed_add_up_to_won_revenue(made, client: Client, key) -> None:
    for model in ("linear", "first_touch", "last_touch"):
        found = client.get(ADDRESS, {**ASKED, "model": model}, headers=key).json()["campaigns"]
        earned = sum(cents(row["attributed_revenue"]) for row in found["results"])
        assert earned + cents(found["no_campaign"]) + cents(found["unattributed"]) == cents(found["total"]) == 400_000
        assert found["model"]["key"] == model


def test_models_differ_and_roi_needs_a_cost(made, client: Client, key) -> None:
    by_name = {}
    for model in ("first_touch", "linear"):
        rows = client.get(ADDRESS, {**ASKED, "model": model}, headers=key).json()["campaigns"]["results"]
        by_name[model] = {row["name"]: row for row in rows}
    search = by_name["first_touch"]["Search"]
    assert search["attributed_revenue"]["amount"] == "3000.00"
    assert cents(by_name["linear"]["Search"]["attributed_revenue"]) < 300_000
    assert (search["cost"]["amount"], search["is_cost_incomplete"]) == ("180.00", True)
    assert search["roi"] == pytest.approx((3000 - 180) / 180)
    assert search["roi_reason"] is None


def test_roi_is_unknown_without_a_cost(made, client: Client, key) -> None:
    made.search.costs.all().delete()
    rows = client.get(ADDRESS, ASKED, headers=key).json()["campaigns"]["results"]
    search = next(row for row in rows if row["name"] == "Search")
    assert (search["cost"], search["roi"]) == (None, None)
    assert search["roi_reason"] == "No cost is recorded in the period."


def test_an_empty_company_says_null_where_it_cannot_know(company: Company, client: Client, key) -> None:
    answer = client.get(ADDRESS, ASKED, headers=key).json()
    assert answer["pipeline"]["velocity"]["value"] is None
    assert answer["leads"]["speed_to_lead"]["value"] is None
    assert answer["leads"]["captured"]["value"] == 0
    assert answer["campaigns"]["results"] == []
    assert answer["campaigns"]["total"] == {"amount": "0.00", "currency": "EUR"}


def test_narrowed_by_territory_id_or_name_and_channel(made, client: Client, key) -> None:
    for territory in (str(made.south.pk), "south", "South"):
        answer = client.get(ADDRESS, {**ASKED, "territory": territory}, headers=key).json()
        assert answer["territory"] == made.south.pk
        assert answer["leads"]["captured"]["value"] == 2
    answer = client.get(ADDRESS, {**ASKED, "channel": "events"}, headers=key).json()
    assert answer["leads"]["captured"]["value"] == 2


def test_rows_open_in_the_same_scope(made, client: Client, key, director) -> None:
    shown = client.get(ADDRESS, {**ASKED, "territory": "South"}, headers=key).json()["pipeline"]["won"]
    client.force_login(director)
    opened = client.get(shown["page_url"]).context["figure"]
    assert opened.value == cents(shown["value"]) == 100_000
    assert opened.scope.at == AT


def test_weeks_are_periods_too(made, client: Client, key) -> None:
    answer = client.get(ADDRESS, {**ASKED, "from": "2026-W45", "to": "2026-W46"}, headers=key).json()
    assert answer["period"]["from"] == "2026-11-02"
    assert answer["period"]["to"] == "2026-11-15"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"from": "soon"}, "from"),
        ({"from": "2026-W54"}, "from"),
        ({"from": "2026-11-10", "to": "2026-11-01"}, "to"),
        ({"territory": "Atlantis"}, "territory"),
        ({"territory": "9" * 30}, "territory"),
        ({"channel": "smoke-signals"}, "channel"),
        ({"model": "best_touch"}, "model"),
        ({"scope": "everybody"}, "scope"),
        ({"scope": "account"}, "scope"),
        ({"as_of": "2999-01-01"}, "as_of"),
        ({"as_of": "2026-11-01T00:00:00"}, "as_of"),
        ({"metod": "linear"}, "metod"),
        ({"method": "linear"}, "method"),
        ({"channel": ["email", "events"]}, "channel"),
        ({"territory": "a\0"}, "territory"),
    ],
)
def test_bad_parameters_are_named(company: Company, client: Client, key, asked, name: str) -> None:
    response = client.get(ADDRESS, asked, headers=key)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in response.json()["errors"]] == [f"/{name}"]


def test_every_bad_parameter_is_named_at_once(company: Company, client: Client, key) -> None:
    errors = client.get(ADDRESS, {"from": "x", "model": "y", "z": "1"}, headers=key).json()["errors"]
    assert {error["pointer"] for error in errors} == {"/from", "/model", "/z"}


def test_an_unchanged_answer_is_not_sent_again(made, client: Client, key) -> None:
    first = client.get(ADDRESS, ASKED, headers=key)
    again = client.get(ADDRESS, ASKED, headers={**key, "If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    made.open.delete()
    changed = client.get(ADDRESS, ASKED, headers={**key, "If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_who_may_read(company: Company, client: Client, key, rep, director) -> None:
    assert client.get(ADDRESS).status_code == 401
    assert client.get(ADDRESS, headers=bearer(Scope.LEADS_WRITE)).status_code == 403
    assert client.post(ADDRESS, headers=key).status_code == 405
    client.force_login(rep)
    assert client.get(ADDRESS).status_code == 403
    client.force_login(director)
    assert client.get(ADDRESS, ASKED).status_code == 200


def test_the_schema_describes_it(company: Company, client: Client) -> None:
    schema = client.get("/api/v1/schema", {"format": "json"}).json()
    operation = schema["paths"]["/api/v1/integrations/sales/performance"]["get"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert names >= {"from", "to", "territory", "channel", "model", "as_of"}
    answer = schema["components"]["schemas"]["PerformanceAnswer"]
    assert set(answer["properties"]) >= {"period", "pipeline", "campaigns", "leads"}
    assert set(schema["components"]["schemas"]["PeriodAnswer"]["properties"]) == {"from", "to", "time_zone"}


def test_journeys_of_another_scope(made, client: Client, key) -> None:
    own = client.get(ADDRESS, ASKED, headers=key).json()["campaigns"]
    AttributionRules.objects.update(kept_scopes=["contacts", "primary"])
    named = client.get(ADDRESS, {**ASKED, "scope": "contacts"}, headers=key).json()["campaigns"]
    assert named["total"] == own["total"]
    assert cents(own["total"]) == 400_000
    assert "scope=contacts" in named["results"][0]["rows_url"]
    # Not computed yet: nothing is credited to anybody.
    assert cents(client.get(ADDRESS, {**ASKED, "scope": "primary"}, headers=key).json()["campaigns"]["total"]) == 0


def test_a_company_whose_method_is_gone_reads_linear(made, client: Client, key) -> None:
    Company.objects.update(default_method="custom-gone")
    answer = client.get(ADDRESS, ASKED, headers=key).json()
    assert answer["campaigns"]["model"]["key"] == "linear"
    assert cents(answer["campaigns"]["total"]) == 400_000
    assert "method=linear" in answer["pipeline"]["won"]["rows_url"]
