"""The queue of duplicates, and why one person."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from leads.actions.identity.find_duplicates import find_duplicates
from leads.actions.identity.merge_leads import merge_leads
from leads.models import Duplicate, Lead, User
from tests.conftest import NOW
from tests.leads.factories import LeadFactory, TouchpointFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
URL = "/leads/duplicates"


def people(owner: User, count: int = 2) -> list[Lead]:
    made = []
    for n in range(count):
        phone = f"+49 30 555000{n}"
        made += [LeadFactory(owner=owner, phone=phone, first_name=f"Ada {side}", last_name=str(n)) for side in "ab"]
    find_duplicates(at=NOW)
    return made


def decide(client: Client, row: Duplicate, **posted: str) -> str:
    answer = client.post(reverse("leads:duplicate-decide", args=[row.public_id]), posted, follow=True)
    return answer.content.decode()


def test_a_rep_decides_pair_by_pair(client: Client, rep: User) -> None:
    leads = people(rep)
    LeadFactory(owner=UserFactory(), phone=leads[0].phone)
    client.force_login(rep)
    first, second = Duplicate.objects.order_by("pk")
    html = client.get(URL).content.decode()
    assert "2 pairs of leads" in html
    assert "same telephone number" in html
    html = decide(client, first, merge="1")
    assert "is part of" in html
    assert f"{second.first} and {second.second}" in html
    html = decide(client, second, different="1")
    assert "That was the last pair" in html
    for row in (first, second):
        client.post(reverse("leads:duplicate-undo", args=[row.public_id]))
    assert set(Duplicate.objects.values_list("state", flat=True)) == {"open"}
    assert not Lead.objects.filter(merged_into__isnull=False).exists()


def test_next_puts_off_and_the_other_lead_can_live_on(client: Client, rep: User) -> None:
    leads = people(rep)
    client.force_login(rep)
    first = Duplicate.objects.order_by("pk")[0]
    html = client.get(f"{URL}?after={first.public_id}").content.decode()
    assert f"{leads[2]} and {leads[3]}" in html
    kept = client.get(f"{URL}?keep={leads[1].public_id}").content.decode()
    assert f"{leads[1]} and {leads[0]}" in kept
    decide(client, first, merge="1", keep=str(leads[1].public_id))
    leads[0].refresh_from_db()
    assert leads[0].merged_into_id == leads[1].pk


def test_a_pair_of_others_is_not_found(client: Client, rep: User) -> None:
    people(UserFactory(), count=1)
    client.force_login(rep)
    row = Duplicate.objects.get()
    assert "No duplicates to decide" in client.get(URL).content.decode()
    assert client.post(reverse("leads:duplicate-decide", args=[row.public_id]), {"merge": "1"}).status_code == 404
    assert client.get(f"{URL}?export=csv").content.decode().count("\n") == 1


def test_a_leads_page_tells_which_rule_joined_what(client: Client, admin_user: User) -> None:
    survivor, loser = LeadFactory(email="ada@customer.example"), LeadFactory(email="ada.byron@customer.example")
    TouchpointFactory(lead=survivor, name="Pricing request")
    TouchpointFactory(lead=loser, name="Webinar")
    TouchpointFactory(lead=survivor, name="Home", kind="page_view", visitor_id="v1")
    merge_leads(survivor_id=survivor.pk, loser_id=loser.pk, by=admin_user, at=NOW, reason="same person")
    client.force_login(admin_user)
    html = client.get(reverse("leads:lead-identity", args=[survivor.public_id])).content.decode()
    for text in (
        "Same email address",
        "Merged: it was ada.byron@customer.example",
        "Same browser as a form they sent",
        "same person",
    ):
        assert text in html
    export = client.get(reverse("leads:lead-identity", args=[survivor.public_id]) + "?export=csv").content.decode()
    assert export.count("\n") == 4
