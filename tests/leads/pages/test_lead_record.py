"""People add and edit leads, and give them to each other."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import Assignment, Company, Lead, LeadEvent, User
from tests.leads.factories import LeadFactory, UserFactory

ADD = "/leads/add"


def test_a_rep_owns_the_lead_they_add(client: Client, company: Company, rep: User) -> None:
    client.force_login(rep)
    given = {"email": " Ada@Example.com ", "first_name": "Ada", "country": "Germany", "company_size": "120"}
    answer = client.post(ADD, given)
    lead = Lead.objects.get()
    assert answer.url == lead.get_absolute_url()
    assert (lead.email, lead.country, lead.company_size, lead.stage) == ("ada@example.com", "DE", 120, "lead")
    assert lead.owner == rep
    assert Assignment.objects.get().by == rep
    touch = lead.touchpoints.get()
    assert (touch.kind, touch.exclusion) == ("portal_record", "internal")
    assert lead.intake_due_at is not None


def test_a_leader_leaves_the_owner_to_the_rules_or_chooses(
    client: Client, company: Company, sales_leader: User
) -> None:
    rep = UserFactory()
    client.force_login(sales_leader)
    client.post(ADD, {"email": "one@example.com"})
    client.post(ADD, {"email": "two@example.com", "owner": rep.pk})
    assert dict(Lead.objects.values_list("email", "owner")) == {"one@example.com": None, "two@example.com": rep.pk}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"first_name": "Ada"}, "Give an email address"),
        ({"email": "known@example.com"}, "Another lead has this email address."),
        ({"email": "nonsense"}, "email"),
        ({"email": "a@example.com", "country": "Atlantis"}, "Atlantis"),
    ],
)
def test_what_cannot_be_added_is_said_at_its_field(
    client: Client, company: Company, rep: User, given: dict[str, str], why: str
) -> None:
    LeadFactory(email="known@example.com")
    client.force_login(rep)
    answer = client.post(ADD, given)
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert Lead.objects.count() == 1


def edit(client: Client, lead: Lead, **changes: str) -> int:
    url = reverse("leads:lead-edit", args=[lead.public_id])
    form = client.get(url).context["form"]
    shown = {name: "" if (value := form[name].value()) is None else value for name in form.fields}
    return client.post(url, {**shown, **changes}).status_code


def test_an_edit_is_kept_with_who_made_it(client: Client, company: Company, rep: User) -> None:
    lead = LeadFactory(owner=rep, job_title="CTO", phone="030 1")
    client.force_login(rep)
    assert edit(client, lead, job_title="CEO", phone="") == 302
    lead.refresh_from_db()
    assert (lead.job_title, lead.phone) == ("CEO", "")
    event = LeadEvent.objects.get()
    assert (event.kind, event.by, event.details["fields"]) == ("updated", rep, ["job_title", "phone"])
    assert edit(client, lead) == 302
    assert LeadEvent.objects.count() == 1


def test_another_leads_address_is_refused_and_a_stale_page_too(client: Client, company: Company, rep: User) -> None:
    lead, other = LeadFactory(owner=rep), LeadFactory()
    client.force_login(rep)
    assert edit(client, lead, email=other.email) == 422
    assert edit(client, lead, seen="2020-01-01T00:00:00+00:00", job_title="CEO") == 422
    lead.refresh_from_db()
    assert (lead.job_title, lead.email != other.email) == ("", True)


def test_who_may_edit(client: Client, rep: User, director: User) -> None:
    lead = LeadFactory(owner=UserFactory())
    url = reverse("leads:lead-edit", args=[lead.public_id])
    client.force_login(rep)
    assert client.get(url).status_code == 404
    client.force_login(director)
    assert client.get(url).status_code == 200


def test_a_lead_is_given_away_and_taken_back(client: Client, company: Company, sales_leader: User, rep: User) -> None:
    lead, to = LeadFactory(owner=rep, stage="sal"), UserFactory()
    client.force_login(sales_leader)
    url = reverse("leads:lead-reassign", args=[lead.public_id])
    assert client.post(url, {"to": to.pk}).status_code == 422
    assert client.post(url, {"to": to.pk, "reason": "Holiday"}).status_code == 302
    lead.refresh_from_db()
    assert lead.owner == to
    page = client.get(lead.get_absolute_url()).content.decode()
    assert f"Give back to {rep}" in page
    undo = reverse("leads:lead-give-back", args=[lead.public_id])
    client.force_login(to)
    assert client.post(undo).status_code == 403
    client.force_login(sales_leader)
    assert client.post(undo).status_code == 302
    assert client.post(undo).status_code == 403
    lead.refresh_from_db()
    assert lead.owner == rep


def test_who_gives_their_lead_away_comes_to_the_list(client: Client, company: Company, rep: User) -> None:
    lead, to = LeadFactory(owner=rep), UserFactory()
    client.force_login(rep)
    url = reverse("leads:lead-reassign", args=[lead.public_id])
    answer = client.post(url, {"to": to.pk, "reason": "Speaks Danish"})
    assert answer.url == reverse("leads:lead-list")
