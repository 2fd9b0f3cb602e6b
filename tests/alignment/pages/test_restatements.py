"""The page of a report's restatements, and the same in the API."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client

from alignment.actions.report.restate import restate
from leads.models import ApiKey, Company, Opportunity, Scope, User
from leads.past.acting import Door, act, backdated
from tests.alignment.factories import MONDAY, build_world, report
from tests.leads.factories import LeadFactory, UserFactory
from tests.leads.figures import world

pytestmark = pytest.mark.django_db
URL = "/reports/2026-W46/restatements"
API = "/api/v1/integrations/sales/reports/2026-W46/restatements"
LATER = MONDAY + timedelta(days=2)


@pytest.fixture(autouse=True)
def today() -> object:
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.fixture
def reader(client: Client, director: User) -> Client:
    client.force_login(director)
    return client


def text_of(response: object) -> str:
    html = response.content.decode()
    return " ".join(unescape(re.sub(r"<(svg|script|style).*?</\1>|<[^>]+>", " ", html, flags=re.S)).split())


@pytest.fixture
def made(company: Company):
    made = build_world()
    lead = LeadFactory(captured_at=world.on(10))
    world.passage(lead, "mql", world.on(10))
    report()
    with backdated(MONDAY + timedelta(days=1)), act(Door.PAGE, actor=made.ben.pk):
        Opportunity.objects.filter(pk=made.won.pk).update(amount_cents=310_000, reporting_cents=310_000)
        world.passage(lead, "sql", MONDAY + timedelta(days=1), "mql")
    restate(at=LATER)
    return made


def test_without_restatements_it_says_so(reader: Client, company: Company) -> None:
    report()
    assert "No restatements Every figure still matches the live data." in text_of(reader.get(URL))
    assert "No restatements: every figure still matches the live data." in text_of(reader.get("/reports/2026-W46"))


def test_from_the_report_to_the_row(reader: Client, made) -> None:
    page = reader.get("/reports/2026-W46").content.decode()
    own = f"{URL}?figure=pipeline.won"
    assert f'href="{own}"' in page
    assert f'href="{URL}"' in page
    response = reader.get(own)
    shown = text_of(response)
    assert "Deal amount changed 1 +€100.00 Total +€100.00" in shown
    assert "Deal: Amount €3,000.00 → €3,100.00 17 Nov 2026 Ben page +€100.00" in shown
    row = f"/opportunities/{made.won.public_id}"
    assert f'href="{row}"' in response.content.decode()
    assert reader.get(row).status_code == 200
    assert f'href="{own}"' in reader.get("/reports/2026-W46/figures/pipeline.won").content.decode()


def test_what_only_grew_older_is_told_apart(reader: Client, made) -> None:
    shown = text_of(reader.get(URL))
    corrections, aged = shown.split("Changed as time passed")
    assert "Won revenue" in corrections
    assert "MQL → SQL" not in corrections
    assert "MQL → SQL" in aged
    assert "Reached the stage after publication no correction" in aged
    assert "changed as time passed, which is no correction" in text_of(reader.get("/reports/2026-W46"))
    assert "1 figure " in text_of(reader.get("/reports/2026-W46"))


def test_links_on_the_page_lead_somewhere(reader: Client, made) -> None:
    links = set(re.findall(r'href="(/(?:reports|opportunities|leads)/[^"]+)"', reader.get(URL).content.decode()))
    assert len(links) > 5
    for link in links:
        assert reader.get(unescape(link)).status_code == 200, link


def test_an_unknown_week_is_not_found(reader: Client, company: Company) -> None:
    for week in ("2026-W46", "2026-W99", "x"):
        assert reader.get(f"/reports/{week}/restatements").status_code == 404
    reader.force_login(UserFactory(role="sales_rep"))
    assert reader.get(URL).status_code == 403


# --- the API ---------------------------------------------------------------------------------------------------------


def bearer(*scopes: str) -> dict[str, str]:
    _, key = ApiKey.objects.create_key(name="test", scopes=list(scopes))
    return {"Authorization": f"Bearer {key}"}


def test_the_api_tells_the_same(client: Client, made) -> None:
    key = bearer(Scope.PERFORMANCE_READ, Scope.LEADS_READ)
    answer = client.get(API, headers=key).json()
    won = next(each for each in answer["restatements"] if each["figure"] == "pipeline.won" and not each["item"])
    assert (answer["week"], answer["currency"]) == ("2026-W46", "EUR")
    assert won["published"] == {"amount": "3000.00", "currency": "EUR"}
    assert won["current"] == {"amount": "3100.00", "currency": "EUR"}
    (cause,) = won["causes"]
    assert (cause["key"], cause["effect"]["amount"], cause["count"]) == ("deal_amount", "100.00", 1)
    (row,) = cause["rows"]
    assert row["changed"] == [{"of": "Deal", "column": "Amount", "from": "€3,000.00", "to": "€3,100.00"}]
    assert (row["name"], row["by"], row["door"], row["at"][:10]) == ("Won", "Ben", "page", "2026-11-17")
    only = client.get(API, {"figure": "leads.conversion.mql_to_sql"}, headers=key).json()["restatements"]
    assert [(each["figure"], each["is_correction"]) for each in only] == [("leads.conversion.mql_to_sql", False)]


def test_names_are_for_keys_that_may_read_leads(client: Client, made) -> None:
    answer = client.get(API, headers=bearer(Scope.PERFORMANCE_READ))
    assert answer.status_code == 200
    assert "Byron" not in answer.content.decode()
    causes = [cause for each in answer.json()["restatements"] for cause in each["causes"]]
    assert {row["name"] for cause in causes for row in cause["rows"]} == {None}


def test_who_may_ask_the_api(client: Client, made) -> None:
    assert client.get(API).status_code == 401
    assert client.get(API, headers=bearer(Scope.LEADS_READ)).status_code == 403
    key = bearer(Scope.PERFORMANCE_READ)
    assert client.get(API, {"week": "x"}, headers=key).status_code == 400
    assert client.get(API.replace("W46", "W45"), headers=key).status_code == 404
    assert client.get(API.replace("2026-W46", "x"), headers=key).status_code == 404
