"""Finding the other record of a person, looking at both, merging, and taking it back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leads.models import Company, Lead, LeadMerge, User
from leads.queries.identity import likely_duplicates, survivors
from tests.leads.factories import AccountFactory, LeadFactory, OpportunityFactory, TouchpointFactory, UserFactory


def found(lead: Lead) -> dict[Lead, tuple[str, ...]]:
    return {each.lead: each.because for each in likely_duplicates(lead, Lead.objects.live())}


def merge_url(survivor: Lead, loser: Lead) -> str:
    return reverse("leads:lead-merge-with", args=[survivor.public_id, loser.public_id])


@pytest.mark.django_db
def test_likely_duplicates_are_those_with_a_reason() -> None:
    account = AccountFactory()
    lead = LeadFactory(
        first_name="Ada", last_name="King", company="Engines", account=account, phone="030 1234-56", country="DE"
    )
    phone = LeadFactory(phone="+49 (0)30 123456")
    LeadFactory(phone="+49 40 999956")  # the same last digits only
    name = LeadFactory(first_name="ada", last_name="KING", company="ENGINES")
    both = LeadFactory(first_name="Ada", last_name="King", account=account, phone="0049 30 123456")
    LeadFactory(first_name="Ada", last_name="King", company="Looms")
    browser, merged = LeadFactory(), LeadFactory(phone="+49 30 123456", merged_into=LeadFactory())
    TouchpointFactory(lead=lead, visitor_id="v-1")
    TouchpointFactory(lead=browser, visitor_id="v-1")
    TouchpointFactory(lead=lead, visitor_id="")
    TouchpointFactory(lead=merged, visitor_id="")

    assert found(lead) == {
        both: ("same telephone number", "same name and company"),
        browser: ("same browser",),
        name: ("same name and company",),
        phone: ("same telephone number",),
    }
    assert next(iter(found(lead))) == both
    assert found(LeadFactory(last_name="")) == {}


@pytest.mark.django_db
def test_survivors_are_found_over_chains(django_assert_num_queries: Any) -> None:
    last = LeadFactory()
    middle = LeadFactory(merged_into=last)
    first, alone = LeadFactory(merged_into=middle), LeadFactory()
    with django_assert_num_queries(2):
        assert survivors([first.pk, middle.pk, alone.pk]) == {first.pk: last.pk, middle.pk: last.pk, alone.pk: alone.pk}


def test_the_page_suggests_and_searches(client: Client, sales_leader: User) -> None:
    lead = LeadFactory(phone="+49 30 123456")
    alike, named = LeadFactory(phone="+49 30 123456"), LeadFactory(last_name="Lovelace")
    client.force_login(sales_leader)
    detail = client.get(lead.get_absolute_url()).content.decode()
    url = reverse("leads:lead-merge", args=[lead.public_id])
    assert url in detail
    page = client.get(url).content.decode()
    assert merge_url(lead, alike) in page
    assert merge_url(lead, named) not in page
    page = client.get(url, {"q": "lovelace"}).content.decode()
    assert merge_url(lead, named) in page
    assert "has all of these words" in client.get(url, {"q": "nobody"}).content.decode()


def test_the_preview_says_which_value_wins(client: Client, sales_leader: User) -> None:
    survivor = LeadFactory(phone="", job_title="CTO", attributes={"size": "L"})
    loser = LeadFactory(phone="030 1", job_title="Chief", attributes={"size": "M", "fair": "CeBIT"})
    TouchpointFactory(lead=loser)
    OpportunityFactory().contacts.create(lead=loser)
    client.force_login(sales_leader)

    answer = client.get(merge_url(survivor, loser))

    wins = {row.label: row.is_theirs for row in answer.context["preview"].rows}
    assert wins["Phone"]
    assert wins["fair"]
    assert not wins["Job title"]
    assert not wins["size"]
    assert not wins["Email"]
    page = answer.content.decode()
    assert f"{survivor.email} lives on" in page
    assert "1 touchpoint, 1 deal" in page
    assert merge_url(loser, survivor) in page
    assert Lead.objects.live().count() == 2


def test_a_reason_that_does_not_fit_merges_nothing(client: Client, sales_leader: User) -> None:
    survivor, loser = LeadFactory(), LeadFactory()
    client.force_login(sales_leader)

    answer = client.post(merge_url(survivor, loser), {"reason": "a" * 301})

    assert answer.status_code == 422
    assert "at most 300 characters" in answer.content.decode()
    assert Lead.objects.live().count() == 2


def test_merged_and_taken_back(client: Client, sales_leader: User) -> None:
    survivor, loser = LeadFactory(), LeadFactory(phone="030 1")
    client.force_login(sales_leader)

    answer = client.post(merge_url(survivor, loser), {"reason": "Met them both"}, follow=True)

    page = answer.content.decode()
    assert answer.redirect_chain[-1][0] == survivor.get_absolute_url()
    assert "is part of this lead now" in page
    assert "Met them both" in page
    assert "Take it back" in page
    again = client.post(merge_url(survivor, loser))
    assert again.status_code == 404  # it is no lead of its own any more
    led_on = client.get(loser.get_absolute_url(), follow=True)
    assert led_on.redirect_chain[-1][0] == survivor.get_absolute_url()
    assert "was merged into this lead" in led_on.content.decode()

    back = client.post(reverse("leads:lead-unmerge", args=[loser.public_id]), follow=True)
    assert back.redirect_chain[-1][0] == loser.get_absolute_url()
    assert "are two leads again" in back.content.decode()
    assert Lead.objects.live().count() == 2


def test_the_page_says_why_a_merge_cannot_be_taken_back(client: Client, sales_leader: User) -> None:
    survivor, loser = LeadFactory(), LeadFactory()
    client.force_login(sales_leader)
    client.post(merge_url(survivor, loser))
    TouchpointFactory(lead=survivor, recorded_at=timezone.now() + timedelta(hours=1))
    page = client.get(survivor.get_absolute_url()).content.decode()
    assert "1 more touchpoint has come in since" in page
    assert "Take it back" not in page
    refused = client.post(reverse("leads:lead-unmerge", args=[loser.public_id]), follow=True)
    assert "1 more touchpoint has come in since" in refused.content.decode()
    assert Lead.objects.live().count() == 1


def test_a_lead_is_not_merged_with_itself(client: Client, sales_leader: User) -> None:
    lead = LeadFactory()
    client.force_login(sales_leader)
    assert "with itself" in client.get(merge_url(lead, lead), follow=True).content.decode()


def test_a_rep_merges_only_what_they_own(client: Client, rep: User) -> None:
    mine, also_mine = LeadFactory(owner=rep, phone="030 1"), LeadFactory(owner=rep)
    other = LeadFactory(owner=UserFactory(), phone="030 1")
    client.force_login(rep)
    assert client.post(merge_url(mine, other)).status_code == 404
    assert client.post(merge_url(other, mine)).status_code == 404
    page = client.get(reverse("leads:lead-merge", args=[mine.public_id]), {"q": other.last_name}).content.decode()
    assert str(other.public_id) not in page
    assert client.post(merge_url(mine, also_mine)).status_code == 302
    merge = LeadMerge.objects.get()
    assert (merge.survivor, merge.loser, merge.by) == (mine, also_mine, rep)
    stranger = Client()
    stranger.force_login(UserFactory())
    assert stranger.get(also_mine.get_absolute_url()).status_code == 404
    assert stranger.post(reverse("leads:lead-unmerge", args=[also_mine.public_id])).status_code == 403


def test_marketing_does_not_merge(client: Client, director: User) -> None:
    survivor, loser = LeadFactory(), LeadFactory()
    client.force_login(director)
    assert client.get(merge_url(survivor, loser)).status_code == 403
    assert "Merge with another lead" not in client.get(survivor.get_absolute_url()).content.decode()


def test_both_days_of_creation_are_those_of_the_company(client: Client, sales_leader: User, company: Company) -> None:
    lead = LeadFactory(captured_at=datetime(2026, 11, 12, 23, 30, tzinfo=UTC))
    other = LeadFactory(captured_at=datetime(2026, 11, 9, 23, 30, tzinfo=UTC))
    client.force_login(sales_leader)
    page = client.get(merge_url(lead, other)).content.decode()
    assert ">13 Nov 2026</time>" in page
    assert ">10 Nov 2026</time>" in page
