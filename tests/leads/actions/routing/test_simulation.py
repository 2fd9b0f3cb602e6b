"""A simulation says what activation then does, over random rules, reps and leads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from leads.actions.routing import reroute_leads as rerouting
from leads.actions.routing.reassign_lead import reassign_lead
from leads.actions.routing.reroute_leads import reroute_leads
from leads.actions.routing.simulate_rules import SimulationRefused, request_simulation, simulate_rules
from leads.actions.routing.version_rules import copy_version, schedule_version
from leads.models import (
    Assignment,
    Company,
    FollowUp,
    Lead,
    LeadEvent,
    RepCapacity,
    RoutingSimulation,
    RoutingVersion,
    Territory,
    TerritoryRep,
    TerritoryRule,
    User,
)
from leads.queries.routing_rules import listing, try_lead, typed_lead
from tests.leads.factories import AccountFactory, LeadFactory, TerritoryFactory, UserFactory, rule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
AT = datetime(2026, 11, 16, 9, tzinfo=UTC)
COUNTRIES = ("DE", "FR", "SE", "BR")


def clock() -> datetime:
    return AT


def simulated(version: RoutingVersion, by: User | None = None) -> RoutingSimulation:
    made = request_simulation(version=version, by=by, at=AT)
    assert simulate_rules(clock=clock) == 1
    made.refresh_from_db()
    return made


def world(rng: Random) -> RoutingVersion:
    """Leads of a quarter with owners, and a draft that differs from the rules in force."""
    territories = [Territory.objects.get(is_catch_all=True), *(TerritoryFactory() for _ in range(3))]
    for place, country in enumerate(COUNTRIES[:3], start=1):
        rule(territories[place], place, country=[country])
    reps = [UserFactory(is_active=rng.random() < 0.9) for _ in range(6)]
    for rep in reps:
        for territory in rng.sample(territories, rng.randint(1, 2)):
            TerritoryRep.objects.create(
                territory=territory, rep=rep, weight=rng.randint(1, 3), credit=rng.randint(-2, 2)
            )
        if rng.random() < 0.5:
            RepCapacity.objects.create(rep=rep, open_leads=rng.randint(2, 9))
    accounts = [AccountFactory(owner=rng.choice([None, *reps])) for _ in range(5)]
    for _ in range(40):
        LeadFactory(
            country=rng.choice(COUNTRIES),
            company_size=rng.randint(1, 100),
            owner=rng.choice([None, *reps]),
            territory=rng.choice(territories),
            account=rng.choice([None, None, *accounts]),
            stage=rng.choice(["lead", "mql", "sal", "customer", "disqualified", "subscriber"]),
            captured_at=AT - timedelta(days=rng.randint(0, 100)),
        )
    draft = copy_version(number=1, by=None, at=AT)
    for row in draft.rules.all():
        TerritoryRule.objects.filter(pk=row.pk).update(
            territory=rng.choice(territories[1:]), position=row.position + 10
        )
    rule(territories[rng.randint(1, 3)], 1, version=draft, company_size=(rng.randint(30, 80), None))
    return draft


@pytest.mark.parametrize("seed", range(12))
def test_the_prediction_equals_what_activation_then_does(
    seed: int, sales_leader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerouting, "CHUNK", 7)
    draft = world(Random(seed))
    chosen = Lead.objects.filter(stage="mql", captured_at__lte=AT).first()
    if chosen is not None:
        reassign_lead(lead=chosen, to=UserFactory(), reason="A friend", by=sales_leader, at=AT - timedelta(days=1))
    before = dict(Lead.objects.values_list("pk", "owner"))
    simulation = simulated(draft)
    assert dict(Lead.objects.values_list("pk", "owner")) == before

    schedule_version(number=2, activates_at=AT, note="x", moves_leads=True, by=sales_leader, at=AT)
    moved = reroute_leads(clock=clock)

    rows = list(simulation.leads.select_related("lead"))
    assert rows
    for row in rows:
        if row.is_open:
            assert (row.lead.owner_id, row.lead.territory_id) == (row.to_owner_id, row.to_territory_id), row.because
        else:
            assert row.lead.owner_id == row.from_owner_id
    assert moved == sum(row.moves for row in rows) == simulation.result["moved"]
    logged = Assignment.objects.filter(version=draft)
    assert logged.count() == moved
    assert all(log.because.startswith("Version 2 activated; ") for log in logged)
    if chosen is not None:
        chosen.refresh_from_db()
        assert chosen.owner_id == Assignment.objects.filter(lead=chosen, by=sales_leader).get().owner_id
    # Asked again, nothing moves any more but what waits for a rep.
    again = simulated(RoutingVersion.objects.get(number=2))
    assert not again.leads.filter(moves=True, from_owner__isnull=False).exists()


def test_follow_ups_move_along_and_crms_are_told(sales_leader: User) -> None:
    north, south = TerritoryFactory(), TerritoryFactory()
    ana, jana = UserFactory(name="Ana Ruiz"), UserFactory(name="Jana Weber")
    TerritoryRep.objects.create(territory=north, rep=ana)
    TerritoryRep.objects.create(territory=south, rep=jana)
    rule(north, country=["DE"])
    lead = LeadFactory(country="DE", owner=ana, territory=north, stage="mql", captured_at=AT - timedelta(days=3))
    FollowUp.objects.create(lead=lead, owner=ana, because="x", planned_at=AT, due_at=AT)
    draft = copy_version(number=1, by=sales_leader, at=AT)
    draft.rules.update(territory=south)

    result = simulated(draft).result
    assert (result["moved"], result["owners"]) == (1, [[ana.pk, jana.pk, 1]])
    assert result["load"] == [[ana.pk, 1, 0], [jana.pk, 0, 1]]
    assert result["expected"] == [[ana.pk, 1.0, 0.0], [jana.pk, 0.0, 1.0]]

    schedule_version(number=2, activates_at=AT, note="x", moves_leads=True, by=sales_leader, at=AT)
    reroute_leads(clock=clock)
    assert FollowUp.objects.get().owner == jana
    assert LeadEvent.objects.get(kind="assigned").details["owner"] == "Jana Weber"


def test_overlaps_dead_rules_and_the_catch_all_are_counted(sales_leader: User) -> None:
    territory = TerritoryFactory()
    first, second = rule(territory, 1, country=["DE", "FR"]), rule(territory, 2, country=["DE"])
    dead = rule(territory, 3, country=["IS"])
    for country in ("DE", "DE", "FR", "BR"):
        LeadFactory(country=country, captured_at=AT - timedelta(days=1))
    version = RoutingVersion.objects.get(number=1)
    lines = listing(version, Company.current(), AT).lines
    assert [(line.decided, line.met, line.is_dead, line.is_shadowed) for line in lines] == [
        (3, 3, False, False),
        (0, 2, False, True),
        (0, 0, True, False),
    ]
    assert lines[1].overlaps == "rule 1 (2)"
    result = simulated(version).result
    assert result["unmatched"] == 1
    assert result["rules"] == [
        {"rule": first.pk, "decided": 3, "met": 3, "taken_by": []},
        {"rule": second.pk, "decided": 0, "met": 2, "taken_by": [[first.pk, 2]]},
        {"rule": dead.pk, "decided": 0, "met": 0, "taken_by": []},
    ]


def test_one_simulation_of_a_version_at_a_time(sales_leader: User) -> None:
    version = RoutingVersion.objects.get(number=1)
    request_simulation(version=version, by=sales_leader, at=AT)
    with pytest.raises(SimulationRefused, match="under way"):
        request_simulation(version=version, by=sales_leader, at=AT)


def test_a_lead_is_tried_without_being_stored() -> None:
    territory = TerritoryFactory(name="DACH")
    rule(territory, 1, country=["FR"])
    rule(territory, 2, country=["DE"])
    jana = UserFactory(name="Jana Weber")
    away = UserFactory(name="Ben Away", is_active=False)
    for rep in (jana, away):
        TerritoryRep.objects.create(territory=territory, rep=rep)
    account = AccountFactory(domain="acme.example", country="DE")
    version = RoutingVersion.objects.get(number=1)

    trial = try_lead(typed_lead({"email": "ada@acme.example"}, AT), version, Company.current(), AT)

    assert trial.lead.account == account
    assert [(position, holds, why) for position, _, _, holds, why in trial.tried] == [
        (1, False, "Country is DE"),
        (2, True, "Country is DE"),
    ]
    assert (trial.decision.territory, trial.decision.owner) == (territory, jana)
    assert trial.decision.because == "rule 2: country is DE; Jana Weber is the only one available"
    assert trial.passed_over == [{"rep": "Ben Away", "why": "is not active"}]
    assert not Lead.objects.exists()
    assert set(TerritoryRep.objects.values_list("credit", flat=True)) == {0}
