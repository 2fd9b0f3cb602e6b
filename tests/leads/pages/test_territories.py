"""Territory pages: rules in force, drafts, activation, one lead tried, a simulation, and turns."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leads.actions.routing.assign_lead import assign_leads
from leads.models import Company, Lead, RoutingSimulation, RoutingVersion, Territory, TerritoryRep, User
from leads.queries.in_force import in_force
from leads.tasks import sweep_routing
from tests.leads.factories import LeadFactory, TerritoryFactory, UserFactory, rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def leader(client: Client, company: Company, sales_leader: User) -> Client:
    client.force_login(sales_leader)
    return client


@pytest.fixture
def dach(db: None) -> Territory:
    territory = TerritoryFactory(name="DACH")
    rule(territory, 1, country=["DE", "AT"])
    TerritoryRep.objects.create(territory=territory, rep=UserFactory(name="Jana Weber"))
    return territory


@pytest.fixture
def draft(leader: Client, dach: Territory) -> RoutingVersion:
    leader.post(reverse("leads:territory-version-copy", args=[1]))
    return RoutingVersion.objects.get(number=2)


def page(client: Client, name: str, *args: object, **query: object) -> str:
    return client.get(reverse(f"leads:{name}", args=args), query).content.decode()


def test_the_rules_in_force_say_what_they_do(leader: Client, dach: Territory) -> None:
    LeadFactory(country="DE", captured_at=timezone.now() - timedelta(days=1))
    text = page(leader, "territories")
    assert "1. Country is DE or AT" in text
    assert "Counts are of the 1 leads" in text
    assert "Everywhere else" in text
    assert "Jana Weber" in text
    assert "country is DE or AT" in page(leader, "territories", export="csv")
    assert "Change the rules" in text


def test_a_draft_is_changed_with_the_condition_form(leader: Client, draft: RoutingVersion, dach: Territory) -> None:
    add = reverse("leads:territory-rule-add", args=[2])
    assert "Property" in leader.get(add).content.decode()
    given = {
        "conditions-shape": "1",
        "conditions-0-0-property": "company_size",
        "conditions-0-0-operator": "at_least",
        "conditions-0-0-low": "200",
        "territory": dach.pk,
        "is_active": "on",
        "do": "save",
    }
    assert leader.post(add, {**given, "conditions-0-0-low": "many"}).status_code == 422
    assert leader.post(add, given).status_code == 302
    added = draft.rules.get(position=2)
    assert added.conditions["items"] == [{"property": "company_size", "operator": "at_least", "low": 200}]
    text = page(leader, "territory-version", 2)
    assert "Added as rule 2: company size is at least 200 → DACH" in text

    move = reverse("leads:territory-rule-move", args=[2, added.pk])
    leader.post(move, {"to": "up"})
    added.refresh_from_db()
    assert added.position == 1
    edit = reverse("leads:territory-rule", args=[2, added.pk])
    assert "200" in leader.get(edit).content.decode()
    assert leader.post(edit, {**given, "conditions-0-0-low": "300"}).status_code == 302
    assert draft.rules.get(pk=added.pk).conditions["items"][0]["low"] == 300
    assert leader.post(edit, {"do": "remove", "conditions-shape": "0"}).status_code == 302
    assert draft.rules.count() == 1
    # What is in force is not changed by the same doors.
    active = RoutingVersion.objects.get(number=1).rules.get()
    assert leader.get(reverse("leads:territory-rule", args=[1, active.pk])).status_code == 404
    answer = leader.post(reverse("leads:territory-rule-move", args=[1, active.pk]), {"to": "down"}, follow=True)
    assert "only drafts are changed" in answer.content.decode()


def test_a_draft_is_scheduled_activated_and_rolled_back(leader: Client, draft: RoutingVersion) -> None:
    activate = reverse("leads:territory-version-activate", args=[2])
    assert leader.post(activate, {"note": ""}).status_code == 422
    assert leader.post(activate, {"note": "Later", "activates_at": "2099-13-01T09:00"}).status_code == 422
    leader.post(activate, {"note": "Later", "activates_at": "2099-01-01T09:00"})
    assert "It becomes active" in page(leader, "territory-version", 2)
    leader.post(reverse("leads:territory-version-cancel", args=[2]))
    assert leader.post(activate, {"note": "New team"}).status_code == 302
    assert RoutingVersion.objects.get(number=2).state == "active"
    back = reverse("leads:territory-version-roll-back", args=[1])
    assert leader.post(back, {"note": ""}).status_code == 422
    leader.post(back, {"note": "Too early"})
    assert "Back to version 1: Too early" in page(leader, "territories")
    leader.post(reverse("leads:territory-version-copy", args=[3]))
    leader.post(reverse("leads:territory-version-remove", args=[4]))
    assert not RoutingVersion.objects.filter(number=4).exists()
    answer = leader.post(reverse("leads:territory-version-remove", args=[3]), follow=True)
    assert "Version 3 is active." in answer.content.decode()


def test_a_lead_is_tested_by_typed_values_or_as_it_is(leader: Client, dach: Territory) -> None:
    text = page(leader, "routing-test", country="at", version=1)
    assert "<strong>DACH</strong>, to <strong>Jana Weber</strong>" in text
    assert "Rule 1: country is DE or AT; Jana Weber is the only one available" in text
    lead = LeadFactory(country="BR", last_name="Byron")
    assert lead.display_name in page(leader, "routing-test", q="byron")
    assert "Everywhere else" in page(leader, "routing-test", lead=lead.public_id)
    assert leader.get(reverse("leads:routing-test"), {"country": "Atlantis"}).status_code == 422
    assert leader.get(reverse("leads:routing-test"), {"lead": "nonsense"}).status_code == 404


def test_a_draft_is_simulated_with_progress_and_files(leader: Client, draft: RoutingVersion, dach: Territory) -> None:
    other = TerritoryFactory(name="South")
    TerritoryRep.objects.create(territory=other, rep=UserFactory(name="Karl Moser"))
    draft.rules.update(territory=other)
    owner = User.objects.get(name="Jana Weber")
    lead = LeadFactory(
        country="DE", owner=owner, territory=dach, stage="mql", captured_at=timezone.now() - timedelta(days=1)
    )
    text = leader.post(reverse("leads:routing-simulate", args=[2]), follow=True).content.decode()
    simulation = RoutingSimulation.objects.get()
    assert "simulation-progress" in text
    progress = reverse("leads:routing-simulation-progress", args=[simulation.public_id])
    assert "HX-Refresh" not in leader.get(progress).headers
    sweep_routing()
    assert leader.get(progress)["HX-Refresh"] == "true"
    text = page(leader, "routing-simulation", simulation.public_id)
    assert "Jana Weber → Karl Moser" in text
    assert "Rule 1: country is DE or AT; Karl Moser is the only one available" in text
    assert "Karl Moser" in page(leader, "routing-simulation", simulation.public_id, export="csv")
    to = page(leader, "routing-simulation", simulation.public_id, to=owner.pk)
    assert lead.display_name not in to
    draft.rules.update(is_active=False)
    assert "The rules were changed since" in page(leader, "routing-simulation", simulation.public_id)
    assert Lead.objects.get().owner == owner


def test_turns_open_their_assignments(leader: Client, dach: Territory) -> None:
    rep = User.objects.get(name="Jana Weber")
    away = UserFactory(name="Ben Away", is_active=False)
    TerritoryRep.objects.create(territory=dach, rep=away)
    lead = LeadFactory(country="DE")
    assign_leads(leads=[lead], at=timezone.now() - timedelta(minutes=1), settings=in_force())
    text = page(leader, "routing-fairness", territory=dach.pk, days=7)
    assert "deactivated (1)" in text
    assert "Jana Weber" in page(leader, "routing-fairness", territory=dach.pk, export="csv")
    mine = page(leader, "routing-fairness", territory=dach.pk, rep=rep.public_id)
    assert lead.display_name in mine
    assert "Version 1" in mine
    passed = page(leader, "routing-fairness", territory=dach.pk, rep=away.public_id, kind="passed")
    assert "Ben Away is not active" in passed
    assert leader.get(reverse("leads:routing-fairness"), {"territory": "nonsense"}).status_code == 422
