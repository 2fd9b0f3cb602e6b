"""Search everywhere: one page, one fragment, one API, each with what the person may see."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import ApiKey, Company, Lead, Scope, User
from tests.alignment.factories import report
from tests.leads.factories import AccountFactory, CampaignFactory, LeadFactory, OpportunityFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def records(company: Company, rep: User) -> Lead:
    account = AccountFactory(name="Initech", domain="initech.example")
    lead = LeadFactory(first_name="Init", last_name="Ada", account=account, owner=rep)
    LeadFactory(first_name="Initia", last_name="Other")
    OpportunityFactory(name="Initech renewal", account=account)
    CampaignFactory(name="Initial offer")
    return lead


def groups(client: Client, text: str) -> dict[str, list[str]]:
    answer = client.get(reverse("search"), {"q": text})
    assert answer.status_code == 200
    return {group["label"]: [item["title"] for item in group["found"]] for group in answer.context["groups"]}


def test_a_director_finds_everything(client: Client, records: Lead, director: User) -> None:
    client.force_login(director)
    assert groups(client, "init") == {
        "Leads": ["Init Ada", "Initia Other"],
        "Accounts": ["Initech"],
        "Deals": ["Initech renewal"],
        "Campaigns": ["Initial offer"],
    }


def test_what_was_found_comes_as_a_file(client: Client, records: Lead, director: User) -> None:
    client.force_login(director)
    answer = client.get(reverse("search"), {"q": "init", "export": "csv"})
    lines = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))
    assert lines[0] == ["Kind", "Name", "Detail", "Address"]
    assert [line[:2] for line in lines[1:]] == [
        ["Leads", "Init Ada"],
        ["Leads", "Initia Other"],
        ["Accounts", "Initech"],
        ["Deals", "Initech renewal"],
        ["Campaigns", "Initial offer"],
    ]
    assert lines[1][3] == f"http://testserver{records.get_absolute_url()}"
    assert client.get(reverse("search"), {"q": "init", "export": "xlsx"}).content[:2] == b"PK"


def test_a_rep_finds_what_is_theirs(client: Client, records: Lead, rep: User) -> None:
    client.force_login(rep)
    assert groups(client, "init") == {"Leads": ["Init Ada"], "Accounts": ["Initech"]}


def test_pages_are_found_by_role(client: Client, company: Company, rep: User, admin_user: User) -> None:
    client.force_login(admin_user)
    assert groups(client, "attr mod") == {"Pages": ["Attribution models"]}
    client.force_login(rep)
    assert groups(client, "attr") == {}
    assert groups(client, "pipe") == {"Pages": ["Pipeline"]}


@pytest.mark.parametrize("text", ["46", "W46", "2026-W46", "week 46", "weekly report 46", "report"])
def test_reports_are_found_by_week(client: Client, company: Company, director: User, text: str) -> None:
    report()
    client.force_login(director)
    assert groups(client, text)["Reports"] == ["Weekly report: week 46"]


def test_every_hit_opens(client: Client, records: Lead, director: User) -> None:
    client.force_login(director)
    answer = client.get(reverse("search"), {"q": "init"})
    urls = [item["url"] for group in answer.context["groups"] for item in group["found"]]
    assert len(urls) == 5
    for url in urls:
        assert client.get(url).status_code == 200


def test_the_dialog_gets_a_fragment(client: Client, records: Lead, director: User) -> None:
    client.force_login(director)
    page = client.get(reverse("search"), {"q": "init"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in page
    assert "Init Ada" in page


@pytest.mark.parametrize("text", ["init\0", "\0init", "INIT"])
def test_signs_that_no_database_keeps_are_left_out(client: Client, records: Lead, rep: User, text: str) -> None:
    client.force_login(rep)
    assert groups(client, text)["Leads"] == ["Init Ada"]


@pytest.mark.parametrize("text", ["%", "in%t", "_nit", "'; DROP TABLE", "i" * 5000, '"', "\\"])
def test_no_sign_stands_for_others(client: Client, records: Lead, rep: User, text: str) -> None:
    client.force_login(rep)
    assert groups(client, text) == {}


def test_what_people_are_called_is_no_markup(client: Client, company: Company, director: User) -> None:
    LeadFactory(first_name="<b>init", last_name="x")
    client.force_login(director)
    assert "<b>init" not in client.get(reverse("search"), {"q": "<b>init"}).content.decode()


def test_an_api_key_searches_the_company(client: Client, records: Lead) -> None:
    _, key = ApiKey.objects.create_key(name="search", scopes=[Scope.LEADS_READ])
    answer = client.get(reverse("api-search"), {"q": "init"}, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    found = answer.json()["results"]
    assert [(row["kind"], row["title"]) for row in found] == [
        ("lead", "Init Ada"),
        ("lead", "Initia Other"),
        ("account", "Initech"),
        ("deal", "Initech renewal"),
        ("campaign", "Initial offer"),
    ]
    assert found[0]["id"] == str(records.public_id)
    assert found[0]["url"] == f"http://testserver/leads/{records.public_id}"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"q": " "},
        {"q": "\0"},
        {"q": "x", "limit": "0"},
        {"q": "x", "limit": "21"},
        {"q": "init", "as_of": "2026-11-20"},
        {"q": "init", "territory": "1"},
        {"q": ["init", "ada"]},
    ],
)
def test_a_question_that_is_none_is_refused(client: Client, db: None, query: dict[str, object]) -> None:
    _, key = ApiKey.objects.create_key(name="search", scopes=[Scope.LEADS_READ])
    answer = client.get(reverse("api-search"), query, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_key_without_the_scope_finds_nothing(client: Client, db: None) -> None:
    _, key = ApiKey.objects.create_key(name="other", scopes=[])
    answer = client.get(reverse("api-search"), {"q": "init"}, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 403
