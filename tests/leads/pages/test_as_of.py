"""A page asked as of a past moment: what it shows, how it leads on and back, and that it refuses to write."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from leads.forms.as_of import exact
from leads.models import CampaignCost, Company, Lead, Opportunity, Scope, User
from leads.past.acting import backdated
from leads.past.span import moment
from leads.views.past import asked_as_of
from leads.views.past_links import keep_as_of
from tests.leads.api.keys import make_key
from tests.leads.as_of import CHANGED, MADE, PAST, PUBLISHED, WEEK, changed_deal, won
from tests.leads.factories import CampaignFactory, LeadFactory


@pytest.fixture
def deal(company: Company) -> Opportunity:
    return changed_deal()


@pytest.fixture
def leader(client: Client, sales_leader: User) -> Client:
    client.force_login(sales_leader)
    return client


def table(response: HttpResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_a_figure_and_its_rows_are_those_of_then(deal: Opportunity, leader: Client) -> None:
    past, live = leader.get(won(), PAST), leader.get(won(), WEEK)
    assert (past.context["value"], live.context["value"]) == ("€50,000.00", "€60,001.00")
    assert "Entered late" not in past.content.decode()
    assert "Ada Byron" in past.content.decode()
    assert "Charles Babbage" in live.content.decode()
    assert past.context["figure"].scope.at == PUBLISHED


def test_files_are_those_of_then_and_say_so(deal: Opportunity, leader: Client) -> None:
    (row,) = table(response := leader.get(won(), {**PAST, "export": "csv"}))
    assert (row["Opportunity"], row["Amount"]) == ("Analytical engine", "50000.00")
    assert datetime.fromisoformat(row["As of"]) == PUBLISHED
    assert "as-of-2026-11-23" in response["Content-Disposition"]
    assert all("As of" not in row for row in table(leader.get(won(), {**WEEK, "export": "csv"})))
    book = leader.get(won(), {**PAST, "export": "xlsx"})
    with zipfile.ZipFile(io.BytesIO(book.content)) as sheets:
        texts = sheets.read("xl/sharedStrings.xml").decode()
    assert "2026-11-23T07:00:00.123456+01:00" in texts
    assert "Entered late" not in texts


@pytest.mark.parametrize("name", ["leads:lead-list", "leads:figures"])
def test_lists_of_then_say_so_in_a_last_column(deal: Opportunity, leader: Client, name: str) -> None:
    with backdated(MADE):
        LeadFactory(captured_at=MADE)
    response = leader.get(reverse(name), {"as_of": exact(PUBLISHED), "export": "csv"})
    assert "as-of-2026-11-23" in response["Content-Disposition"]
    assert table(response)[0]["As of"] == "2026-11-23T07:00:00.123456+01:00"
    assert "As of" not in table(leader.get(reverse(name), {"export": "csv"}))[0]
    book = leader.get(reverse(name), {"as_of": exact(PUBLISHED), "export": "xlsx"})
    with zipfile.ZipFile(io.BytesIO(book.content)) as sheets:
        assert "2026-11-23T07:00:00.123456+01:00" in sheets.read("xl/sharedStrings.xml").decode()


def test_pages_of_records_are_those_of_then(deal: Opportunity, leader: Client) -> None:
    url = reverse("leads:opportunity-detail", args=[deal.public_id])
    assert "€50,000.00" in leader.get(url, {"as_of": exact(PUBLISHED)}).content.decode()
    assert "€60,000.00" in leader.get(url).content.decode()
    # What was not known yet is not found, and the way back is on that page, too.
    late = Opportunity.objects.get(name="Entered late")
    missing = leader.get(reverse("leads:opportunity-detail", args=[late.public_id]), {"as_of": exact(PUBLISHED)})
    assert missing.status_code == 404
    assert "Back to now" in missing.content.decode()


def test_the_pipeline_is_that_of_then(deal: Opportunity, leader: Client) -> None:
    def shown(**asked: str) -> str:
        page = leader.get(reverse("alignment:pipeline"), asked)
        return next(tile.text for tile in page.context["outcomes"] if tile.name == "Won revenue")

    assert (shown(**PAST), shown(**WEEK)) == ("€50,000", "€60,001")


def test_leads_and_costs_are_those_of_then(company: Company, client: Client, director: User) -> None:
    client.force_login(director)
    with backdated(MADE):
        lead, campaign = LeadFactory(company="Engines"), CampaignFactory()
        CampaignCost.objects.create(
            campaign=campaign,
            spent_on=MADE.date(),
            amount_cents=100_00,
            currency="EUR",
            reporting_cents=100_00,
            recorded_at=MADE,
        )
    with backdated(CHANGED):
        Lead.objects.update(company="Engines and Sons")
        CampaignCost.objects.update(amount_cents=500_00, reporting_cents=500_00)
    for url, then, now in (
        (reverse("leads:lead-list"), "Engines<", "Engines and Sons"),
        (lead.get_absolute_url(), "Engines ·", "Engines and Sons"),
        (reverse("leads:campaign-costs", args=[campaign.public_id]), "€100.00", "€500.00"),
    ):
        past, live = (client.get(url, asked).content.decode() for asked in ({"as_of": exact(PUBLISHED)}, {}))
        assert now in live
        assert now not in past
        assert then.rstrip("<·") in past


def test_the_api_answers_as_of_then(deal: Opportunity, client: Client) -> None:
    _, key = make_key(Scope.PERFORMANCE_READ)
    url = reverse("performance")
    asked = {"from": "2026-11-16", "to": "2026-11-22"}
    past = client.get(url, {**asked, "as_of": exact(PUBLISHED)}, headers=key)
    live = client.get(url, asked, headers=key)
    amounts = [answer.json()["pipeline"]["won"]["value"]["amount"] for answer in (past, live)]
    assert amounts == ["50000.00", "60001.00"]
    assert past.json()["as_of"] == "2026-11-23T07:00:00.123456+01:00"
    assert f"as_of={quote(exact(PUBLISHED))}" in past.json()["pipeline"]["won"]["rows_url"]
    assert past["ETag"] != live["ETag"]
    again = client.get(url, {**asked, "as_of": exact(PUBLISHED)}, headers={**key, "If-None-Match": past["ETag"]})
    assert again.status_code == 304
    # The same rows at another moment are another answer.
    other = client.get(url, {**asked, "as_of": exact(PUBLISHED + timedelta(hours=1))}, headers=key)
    assert other["ETag"] != past["ETag"]


def test_lists_of_the_api_keep_the_moment_when_they_turn_pages(company: Company, client: Client) -> None:
    with backdated(MADE):
        LeadFactory.create_batch(2)
    with backdated(CHANGED):
        LeadFactory()
    _, key = make_key(Scope.LEADS_READ)
    page = client.get(reverse("api-leads"), {"limit": 1, "as_of": exact(PUBLISHED)}, headers=key).json()
    found = list(page["results"])
    while page["next"]:
        page = client.get(page["next"], headers=key).json()
        found += page["results"]
        assert datetime.fromisoformat(page["as_of"]) == PUBLISHED
    assert len(found) == 2
    assert "as_of" not in client.get(reverse("api-leads"), headers=key).json()


# --- there, and back -------------------------------------------------------------------------------------------------


def test_the_bar_says_when_and_leads_back(deal: Opportunity, leader: Client) -> None:
    page = leader.get(won(), PAST).content.decode()
    assert "Data as known on" in page
    assert "23 Nov 2026, 07:00 CET" in page
    (back,) = re.findall(r'href="([^"]*)" data-now', page)
    assert back == "?week=2026-W47"
    assert "Data as known on" not in leader.get(won(), WEEK).content.decode()


def test_the_filter_bar_has_a_control_for_the_moment(company: Company, leader: Client) -> None:
    url = reverse("alignment:pipeline")
    day = leader.get(url, {"as_of": "2026-11-20"}).content.decode()
    assert day.count('name="as_of"') == 1
    assert re.search(r'type="date"[^>]*name="as_of"[^>]*value="2026-11-20"', day)
    moment_shown = leader.get(url, {"as_of": exact(PUBLISHED)}).content.decode()
    assert re.search(rf'type="text"[^>]*name="as_of"[^>]*value="{re.escape(exact(PUBLISHED))}"', moment_shown)
    assert re.search(r'type="date"[^>]*name="as_of"[^>]*value=""', leader.get(url).content.decode())
    # An emptied field means now.
    assert "Data as known on" not in leader.get(url, {"as_of": ""}).content.decode()


def test_pages_without_filters_have_it_too(deal: Opportunity, leader: Client) -> None:
    assert 'name="as_of"' in leader.get(deal.get_absolute_url()).content.decode()


def test_a_redirect_stays_in_the_past(company: Company, client: Client, director: User) -> None:
    client.force_login(director)
    response = client.get(reverse("attribution:campaign-attribution"), {"as_of": "2026-11-20"})
    assert response.status_code == 302
    assert "as_of=2026-11-20" in response["Location"]


def test_a_merged_lead_was_a_lead_of_its_own(company: Company, leader: Client) -> None:
    with backdated(MADE):
        survivor, loser = LeadFactory(last_name="Byron"), LeadFactory(last_name="Lovelace")
    with backdated(CHANGED):
        Lead.objects.filter(pk=loser.pk).update(merged_into=survivor)
    then = leader.get(loser.get_absolute_url(), {"as_of": exact(PUBLISHED)})
    assert then.status_code == 200
    assert then.context["lead"] == loser
    assert leader.get(loser.get_absolute_url()).status_code == 302


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ('<a href="/pipeline">', '<a href="/pipeline?as_of=2026-11-20">'),
        ('<a href="/pipeline?a=1&amp;b=%C3%A4#x">', '<a href="/pipeline?a=1&amp;b=%C3%A4&amp;as_of=2026-11-20#x">'),
        ('<a href="?page=2">', '<a href="?page=2&amp;as_of=2026-11-20">'),
        ('<a href="?as_of=2026-11-01">', '<a href="?as_of=2026-11-01">'),
        ('<a class="x" href="?a=1" data-now>', '<a class="x" href="?a=1" data-now>'),
        ('<a href="/connections">', '<a href="/connections">'),
        ('<a href="/admin/">', '<a href="/admin/">'),
        ('<a href="https://example.com/leads">', '<a href="https://example.com/leads">'),
        ('<a href="//example.com/leads">', '<a href="//example.com/leads">'),
        ('<a href="#main">', '<a href="#main">'),
        ('<div hx-get="/leads">', '<div hx-get="/leads?as_of=2026-11-20">'),
        (
            '<form method="get"><input name="q"></form>',
            '<form method="get"><input type="hidden" name="as_of" value="2026-11-20"><input name="q"></form>',
        ),
        (
            '<form method="get"><input name="as_of"></form>',
            '<form method="get"><input name="as_of"></form>',
        ),
        (
            '<form method="post" action="/imports">',
            '<form method="post" action="/imports?as_of=2026-11-20">',
        ),
        ('<form method="post" action="/account/logout/">', '<form method="post" action="/account/logout/">'),
        ('<b hx-post="/imports">', '<b hx-post="/imports?as_of=2026-11-20">'),
        ("<p>/pipeline</p>", "<p>/pipeline</p>"),
    ],
)
def test_links_keep_the_moment(html: str, kept: str) -> None:
    assert keep_as_of(html, "/pipeline", "2026-11-20") == kept


# --- reading alone ---------------------------------------------------------------------------------------------------


def test_the_past_cannot_be_written(company: Company, client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    lead = LeadFactory(stage="mql")
    url = reverse("leads:lead-accept", args=[lead.public_id])
    response = client.post(f"{url}?as_of=2026-11-20")
    assert response.status_code == 409
    assert "The past can be read, not changed." in response.content.decode()
    lead.refresh_from_db()
    assert lead.stage == "mql"
    assert client.post(url).status_code == 302


def test_the_api_refuses_to_write_into_the_past(company: Company, client: Client) -> None:
    _, key = make_key(Scope.COSTS_WRITE)
    url = reverse("api-campaign-costs", args=[CampaignFactory().public_id])
    body = {"costs": [{"day": "2026-11-16", "cost": {"amount": "1.00", "currency": "EUR"}}]}
    response = client.post(f"{url}?as_of=2026-11-20", body, content_type="application/json", headers=key)
    assert response.status_code == 409
    assert response.json()["detail"] == "The past can be read, not changed."
    assert not CampaignCost.objects.exists()


def test_controls_that_write_are_absent(company: Company, client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    with backdated(MADE):
        lead = LeadFactory(stage="mql")
    url = lead.get_absolute_url()
    assert "lead-accept" not in client.get(url).content.decode()
    assert f"{url}/accept" in client.get(url).content.decode()
    assert "/accept" not in client.get(url, {"as_of": "2026-11-20"}).content.decode()


def test_a_page_of_the_present_alone_says_so(company: Company, client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    response = client.get(reverse("integrations:connections"), {"as_of": "2026-11-20"})
    assert response.status_code == 400
    assert "This page has no past" in response.content.decode()


def test_rights_are_those_of_today(deal: Opportunity, client: Client) -> None:
    owner, other = User.objects.get(name="Charles Babbage"), User.objects.get(name="Ada Byron")
    client.force_login(other)
    url = deal.get_absolute_url()
    # Whose the deal is follows the data of then; who somebody is does not.
    assert client.get(url, {"as_of": exact(PUBLISHED)}).status_code == 200
    assert client.get(url).status_code == 404
    client.force_login(owner)
    assert client.get(url, {"as_of": exact(PUBLISHED)}).status_code == 404
    with backdated(CHANGED):
        User.objects.filter(pk=other.pk).update(role="sales_leader")
    client.force_login(User.objects.get(pk=other.pk))
    assert client.get(reverse("leads:lead-list"), {"as_of": exact(PUBLISHED)}).context["is_own"] is False


def test_a_stream_is_read_inside_the_span(company: Company, rf: RequestFactory, director: User) -> None:
    with backdated(MADE):
        LeadFactory(company="Engines")
    with backdated(CHANGED):
        Lead.objects.update(company="Engines and Sons")

    @asked_as_of
    def stream(request):
        return StreamingHttpResponse(f"{lead.company} {moment():%d}" for lead in Lead.objects.iterator())

    request = rf.get("/", {"as_of": exact(PUBLISHED)})
    request.user = director
    response = stream(request)
    assert not response.streaming
    assert response.content == b"Engines 23"
