"""Lists of the API: filters, pages, chosen members, what changed since a moment, and the past."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from leads.forms.as_of import exact
from leads.models import Campaign, Company, Lead, Opportunity, Scope, Touchpoint
from tests.leads.api.keys import make_key
from tests.leads.as_of import PUBLISHED, changed_deal
from tests.leads.factories import (
    AccountFactory,
    CampaignFactory,
    LeadFactory,
    OpportunityFactory,
    TouchpointFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def ask(client: Client, path: str, **query: str) -> Any:
    _, headers = make_key(*Scope.values)
    return client.get(f"/api/v1/{path}", query, headers=headers)


def ids(client: Client, path: str, **query: str) -> list[str]:
    answer = ask(client, path, **query)
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()["results"]]


def of(*rows: Any) -> list[str]:
    return [str(row.public_id) for row in rows]


def test_opportunities_are_told_as_one_is(client: Client) -> None:
    account, rep = AccountFactory(name="Analytical Engines"), UserFactory()
    deal = OpportunityFactory(name="Platform", account=account, owner=rep)
    other = OpportunityFactory(name="Other", status="won", closed_at=deal.opened_at + timedelta(days=3))
    assert ids(client, "opportunities") == of(other, deal)
    for query in (
        {"q": "analytical"},
        {"status": "open"},
        {"owner": str(rep.public_id)},
        {"account": str(account.public_id)},
    ):
        assert ids(client, "opportunities", **query) == of(deal), query
    assert ids(client, "opportunities", closed_from="2020-01-01T00:00:00Z") == of(other)
    (listed,) = ask(client, "opportunities", status="open").json()["results"]
    one = ask(client, f"opportunities/{deal.public_id}")
    assert one.json() == listed
    assert listed["account"] == str(account.public_id)


def test_accounts_campaigns_and_touchpoints(client: Client) -> None:
    account = AccountFactory(name="Engines", country="DE")
    AccountFactory(country="FR")
    assert ids(client, "accounts", country="de") == of(account)
    assert ask(client, f"accounts/{account.public_id}").json()["name"] == "Engines"
    program = CampaignFactory(name="Autumn")
    campaign = CampaignFactory(name="Webinar", parent=program)
    assert ids(client, "campaigns", program=str(program.public_id)) == of(campaign)
    assert ask(client, f"campaigns/{campaign.public_id}").json()["program"] == str(program.public_id)
    touch = TouchpointFactory(campaign=campaign)
    machine = TouchpointFactory(lead=touch.lead, exclusion="scanner")
    assert ids(client, "touchpoints", lead=str(touch.lead.public_id)) == of(machine, touch)
    assert ids(client, "touchpoints", counted="true") == of(touch)
    (told,) = ask(client, "touchpoints", counted="false").json()["results"]
    assert (told["excluded_because"], told["campaign"]) == ("scanner", None)


def test_owners_and_territories(client: Client) -> None:
    rep, director = UserFactory(), UserFactory(role="marketing_director")
    assert str(rep.public_id) in ids(client, "owners")
    assert str(director.public_id) not in ids(client, "owners")
    LeadFactory(owner=director)
    assert str(director.public_id) in ids(client, "owners")
    assert "email" not in ask(client, "owners").json()["results"][0]
    assert ask(client, "territories").status_code == 200


def test_only_the_members_that_are_asked_for(client: Client) -> None:
    lead = LeadFactory(email="ada@customer.example")
    answer = ask(client, "leads", fields="id,email").json()
    assert answer["results"] == [{"id": str(lead.public_id), "email": "ada@customer.example"}]
    assert ask(client, f"leads/{lead.public_id}", fields="stage").json() == {"stage": "lead"}
    wrong = ask(client, "leads", fields="id,emial")
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["pointer"] == "/fields"
    assert ask(client, "leads", fields="").status_code == 400


@pytest.mark.parametrize(
    "path", ["leads", "opportunities", "accounts", "campaigns", "touchpoints", "territories", "owners"]
)
def test_unknown_parameters_are_refused_by_name(client: Client, path: str) -> None:
    answer = ask(client, path, colour="red")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/colour"
    assert ask(client, path, changed_since="yesterday").status_code == 400
    assert ask(client, path, changed_since="2026-01-01T00:00:00").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_a_caller_that_follows_changes_misses_none(client: Client) -> None:
    first = LeadFactory()
    page = ask(client, "leads").json()
    assert len(page["results"]) == 1
    since = page["changed_until"]
    assert ids(client, "leads", changed_since=since) == []
    # As a late commit would write it: by when it happened it is old.
    second = LeadFactory(captured_at=timezone.now() - timedelta(days=9))
    Lead.objects.filter(pk=first.pk).update(job_title="CTO")
    page = ask(client, "leads", changed_since=since).json()
    assert [each["id"] for each in page["results"]] == of(second, first)
    assert ids(client, "leads", changed_since=page["changed_until"]) == []
    deal, campaign = OpportunityFactory(), CampaignFactory()
    TouchpointFactory(lead=first, campaign=campaign)
    for path, model in (("opportunities", Opportunity), ("campaigns", Campaign), ("touchpoints", Touchpoint)):
        assert ids(client, path, changed_since=page["changed_until"]) == of(model.objects.get()), path
        until = ask(client, path).json()["changed_until"]
        assert ids(client, path, changed_since=until) == [], path
    Opportunity.objects.filter(pk=deal.pk).update(name="Renamed")
    assert ids(client, "opportunities", changed_since=page["changed_until"]) == of(deal)


def test_a_list_reads_the_past(client: Client) -> None:
    deal = changed_deal()
    now = ask(client, "opportunities").json()["results"]
    assert [each["name"] for each in now] == ["Entered late", "Analytical engine"]
    then = ask(client, "opportunities", as_of=exact(PUBLISHED)).json()
    assert [each["amount"]["amount"] for each in then["results"]] == ["50000.00"]
    one = ask(client, f"opportunities/{deal.public_id}", as_of=exact(PUBLISHED)).json()
    assert one["amount"]["amount"] == "50000.00"
    assert quote(exact(PUBLISHED))[:10] == one["as_of"][:10]


def test_pages_follow_each_other(client: Client) -> None:
    AccountFactory.create_batch(5)
    found, page = [], ask(client, "accounts", limit="2").json()
    _, headers = make_key(*Scope.values)
    while True:
        found += [each["id"] for each in page["results"]]
        if page["next"] is None:
            break
        page = client.get(page["next"], headers=headers).json()
    assert len(found) == 5
    assert len(set(found)) == 5


def test_figures_their_rows_and_who_is_told_names(client: Client, company: Company) -> None:
    LeadFactory(first_name="Ada", last_name="Byron", captured_at=timezone.now())
    listed = ask(client, "figures").json()["results"]
    assert {"leads.captured", "pipeline.won"} <= {each["key"] for each in listed}
    figure = ask(client, "figures/leads.captured").json()
    assert figure["value"] == 1
    rows_url = figure["parts"][0]["rows_url"]
    _, all_scopes = make_key(*Scope.values)
    _, only_performance = make_key("performance:read")
    named = client.get(rows_url, headers=all_scopes).json()
    assert (named["count"], named["next"]) == (1, None)
    path = named["columns"][0]["path"]
    assert named["results"][0][path] == "Ada Byron"
    assert client.get(rows_url, headers=only_performance).json()["results"][0][path] is None
    assert ask(client, "figures/leads.nothing").status_code == 404
    assert ask(client, "figures/leads.captured", **{"from": "soon"}).status_code == 400
    assert ask(client, "figures/leads.captured/rows", part="nothing").status_code == 400


def test_rows_of_a_figure_come_in_pages(client: Client) -> None:
    LeadFactory.create_batch(3, captured_at=timezone.now())
    _, headers = make_key("performance:read")
    page = client.get("/api/v1/figures/leads.captured/rows?limit=2", headers=headers).json()
    assert (len(page["results"]), page["count"]) == (2, 3)
    rest = client.get(page["next"], headers=headers).json()
    assert (len(rest["results"]), rest["next"]) == (1, None)


def test_a_key_for_attribution_reads_the_rows_of_its_own_figures(client: Client) -> None:
    _, headers = make_key("attribution:read")
    assert client.get("/api/v1/figures/attribution.revenue/rows", headers=headers).status_code == 200
    assert client.get("/api/v1/figures/pipeline.won/rows", headers=headers).status_code == 403
