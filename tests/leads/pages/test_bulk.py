"""Bulk actions and saved views on the list of leads."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import BulkRun, CampaignMember, Company, Lead, SavedView, User
from tests.leads.factories import AccountFactory, CampaignFactory, LeadFactory, OpportunityFactory, UserFactory

LIST = "/leads"
BULK = "/leads/bulk"


def chosen(leads: list[Lead], **more: object) -> dict[str, object]:
    return {"row": [str(lead.public_id) for lead in leads], **more}


def test_preview_says_what_would_happen_and_confirming_does_it(client: Client, company: Company, rep: User) -> None:
    mqls, sal = [LeadFactory(owner=rep, stage="mql") for _ in range(2)], LeadFactory(owner=rep, stage="sal")
    client.force_login(rep)
    preview = client.post(BULK, chosen([*mqls, sal], verb="accept"))
    page = preview.content.decode()
    assert preview.status_code == 200
    assert "<strong>2</strong> of 3" in page
    assert "You can accept a lead at MQL; this one is at SAL." in page
    assert not BulkRun.objects.exists()
    answer = client.post(BULK, chosen([*mqls, sal], verb="accept", confirm="1", count="3"))
    run = BulkRun.objects.get()
    assert answer.headers["Location"] == run.get_absolute_url()
    shown = client.get(run.get_absolute_url()).content.decode()
    assert "3 of 3 accepted" in shown
    assert set(Lead.objects.values_list("stage", flat=True)) == {"sal"}


def test_all_that_match_are_those_of_the_filters(client: Client, company: Company, sales_leader: User) -> None:
    rep, to = UserFactory(), UserFactory()
    for score in range(30):
        LeadFactory(owner=rep, stage="mql", score=score)
    other = LeadFactory(owner=rep, stage="lead")
    client.force_login(sales_leader)
    asked = {"verb": "assign", "all": "1", "asked": "stage=mql"}
    preview = client.post(BULK, asked)
    assert "30 leads" in preview.content.decode()
    given = {**asked, "confirm": "1", "to": to.pk, "reason": "Holiday"}
    stale = client.post(BULK, {**given, "count": "29"})
    assert "have changed since" in stale.content.decode()
    client.post(BULK, {**given, "count": "30"})
    assert Lead.objects.filter(owner=to).count() == 30
    assert Lead.objects.get(pk=other.pk).owner == rep
    run = BulkRun.objects.get()
    assert client.post(reverse("leads:bulk-undo", args=[run.public_id])).status_code == 302
    assert Lead.objects.filter(owner=rep).count() == 31
    file = client.get(run.get_absolute_url(), {"export": "csv"}).content.decode("utf-8-sig")
    assert file.count("Taken back") == 30


def test_a_reason_is_needed_and_others_leads_are_never_chosen(client: Client, company: Company, rep: User) -> None:
    mine, foreign = LeadFactory(owner=rep, stage="mql"), LeadFactory(owner=UserFactory(), stage="mql")
    client.force_login(rep)
    refused = client.post(BULK, chosen([mine, foreign], verb="reject", confirm="1", count="1"))
    assert refused.status_code == 422
    assert "This field is required" in refused.content.decode()
    given = chosen([mine, foreign], verb="reject", confirm="1", count="1", reason="no_need")
    client.post(BULK, given)
    assert dict(Lead.objects.values_list("pk", "stage")) == {mine.pk: "recycled", foreign.pk: "mql"}


def test_a_run_is_seen_by_whoever_did_it_and_by_leaders(client: Client, company: Company, rep: User) -> None:
    lead = LeadFactory(owner=rep, stage="mql")
    client.force_login(rep)
    client.post(BULK, chosen([lead], verb="accept", confirm="1", count="1"))
    url = BulkRun.objects.get().get_absolute_url()
    assert client.get(url).status_code == 200
    client.force_login(UserFactory())
    assert client.get(url).status_code == 404
    client.force_login(UserFactory(role="sales_leader"))
    assert client.get(url).status_code == 200


def test_marketing_adds_people_to_campaigns_and_works_no_lead(client: Client, company: Company, director: User) -> None:
    lead, campaign = LeadFactory(stage="mql"), CampaignFactory()
    client.force_login(director)
    page = client.get(LIST).content.decode()
    assert '<option value="join">' in page
    assert '<option value="accept">' not in page
    assert client.post(BULK, chosen([lead], verb="accept")).status_code == 403
    client.post(BULK, chosen([lead], verb="join", confirm="1", count="1", campaign=campaign.pk))
    assert CampaignMember.objects.get().lead == lead


def test_marked_rows_alone_are_exported(client: Client, company: Company, rep: User) -> None:
    marked, other = LeadFactory(owner=rep, last_name="Marked"), LeadFactory(owner=rep, last_name="Other")
    client.force_login(rep)
    answer = client.post(BULK, chosen([marked], export="csv", asked="sort=name"))
    file = client.get(answer.headers["Location"]).content.decode("utf-8-sig")
    assert str(marked.public_id) in file
    assert str(other.public_id) not in file
    everything = client.post(BULK, {"all": "1", "export": "csv"}).headers["Location"]
    assert len(client.get(everything).content.decode("utf-8-sig").splitlines()) == 3
    nothing = client.post(BULK, {"export": "csv"}, follow=True)
    assert "Mark at least one row to export" in nothing.content.decode()


@pytest.mark.parametrize(
    ("listing", "verb", "more"),
    [
        ("opportunities", "deal_forecast", {"value": "commit"}),
        ("accounts", "account_set", {"field": "country", "value": "Germany"}),
        ("campaigns", "campaign_ends", {"value": "2027-01-31"}),
    ],
)
def test_rows_of_other_lists_are_changed_and_taken_back(
    client: Client, company: Company, listing: str, verb: str, more: dict[str, str]
) -> None:
    made: Any = {"opportunities": OpportunityFactory, "accounts": AccountFactory, "campaigns": CampaignFactory}
    row = made[listing]()
    name = more.get("field") or {"deal_forecast": "forecast_category", "campaign_ends": "ends_on"}[verb]
    before = getattr(row, name)
    client.force_login(UserFactory(role="admin"))
    given = chosen([row], verb=verb, confirm="1", count="1", **more)
    page = client.post(f"/{listing}/bulk", given, follow=True)
    row.refresh_from_db()
    after = getattr(row, name)
    assert "1 of 1" in page.content.decode()
    assert str(after) == {"country": "DE"}.get(name, more["value"])
    client.post(reverse("leads:bulk-undo", args=[BulkRun.objects.get().public_id]))
    row.refresh_from_db()
    assert getattr(row, name) == before
    assert client.post(f"/{listing}/bulk", chosen([row], verb="accept")).status_code == 302


# --- views -----------------------------------------------------------------------------------------------------------


def save(client: Client, name: str, query: str, **more: str) -> None:
    client.post(reverse("leads:view-save", args=["leads"]), {"name": name, "query": query, **more})


def test_a_view_keeps_filters_sorting_and_columns(client: Client, company: Company, rep: User) -> None:
    LeadFactory(owner=rep, stage="mql", company="Initech")
    client.force_login(rep)
    save(client, "Hot MQLs", "stage=mql&sort=-score&cols=company&cols=score", is_default="on")
    view = SavedView.objects.get()
    assert (view.owner, view.shared_with, view.is_default) == (rep, "", True)
    first = client.get(LIST)
    assert first.headers["Location"] == f"{LIST}?{view.query}"
    page = client.get(first.headers["Location"]).content.decode()
    assert 'data-label="Company"' in page
    assert 'data-label="Next step"' not in page
    assert "Hot MQLs" in page
    assert client.get(LIST, {"view": "all"}).status_code == 200


def test_a_shared_view_is_seen_by_its_role_and_removed_by_its_owner(
    client: Client, company: Company, sales_leader: User, rep: User
) -> None:
    client.force_login(sales_leader)
    save(client, "For reps", "stage=sal", shared_with="sales_rep")
    view = SavedView.objects.get()
    client.force_login(rep)
    assert "For reps" in client.get(LIST).content.decode()
    remove = reverse("leads:view-remove", args=[view.public_id])
    assert client.post(remove).status_code == 403
    client.force_login(UserFactory(role="marketing_director"))
    assert "For reps" not in client.get(LIST).content.decode()
    assert client.post(remove).status_code == 404
    client.force_login(sales_leader)
    client.post(remove)
    assert not SavedView.objects.exists()


def test_the_same_name_replaces_and_one_view_is_first(client: Client, company: Company, rep: User) -> None:
    client.force_login(rep)
    save(client, "One", "stage=sal", is_default="on")
    save(client, "Two", "stage=sql", is_default="on")
    save(client, "One", "stage=mql")
    assert dict(SavedView.objects.values_list("name", "query")) == {"One": "stage=mql", "Two": "stage=sql"}
    assert SavedView.objects.get(is_default=True).name == "Two"


@pytest.mark.parametrize("name", ["", "   "])
def test_a_view_has_a_name(client: Client, company: Company, rep: User, name: str) -> None:
    client.force_login(rep)
    save(client, name, "stage=sal")
    assert not SavedView.objects.exists()
