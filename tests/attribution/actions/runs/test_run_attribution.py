"""Runs on a real database: exact, incremental equal to full, never half, never two at once."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from attribution.actions.runs import store_credits
from attribution.actions.runs.recompute_when_due import recompute_when_due
from attribution.actions.runs.run_attribution import LEASE, RunInProgress
from attribution.models import (
    AttributionRules,
    AttributionRun,
    Credit,
    CustomMethod,
    JourneyState,
    MethodFit,
)
from attribution.pure.methods import all_methods, get_method
from leads.models import Campaign, Company, Lead, Opportunity
from tests.attribution.changes import change, delete_touches, silent_change
from tests.attribution.factories import AT, company_with_deals, day, deal, run, stored, touched
from tests.leads.factories import AccountFactory, CampaignFactory, LeadFactory, channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
RULES = {method.key: method.version for method in all_methods() if not method.needs_fit}
METHODS = list(RULES)


def shares(opportunity: Opportunity, method: str = "linear") -> dict[str, int]:
    rows = Credit.objects.filter(opportunity=opportunity, method=method)
    return {name or "nobody": cents for name, cents in rows.values_list("campaign__name", "cents")}


def test_every_deal_is_split_to_the_cent_by_every_method() -> None:
    company_with_deals()
    run()
    for opportunity in Opportunity.objects.all():
        for method in METHODS:
            rows = Credit.objects.filter(opportunity=opportunity, method=method).aggregate(
                c=Sum("cents"), w=Sum("weight")
            )
            assert rows["c"] == (opportunity.reporting_cents or 0), (opportunity, method)
            assert rows["w"] == pytest.approx(1), (opportunity, method)


def test_credits_of_known_journeys() -> None:
    made = company_with_deals()
    run()
    assert shares(made["won"], "first_touch") == {"Search": 100_001}
    assert shares(made["won"], "last_touch") == {"nobody": 100_001}  # direct, without a campaign
    assert sorted(Credit.objects.filter(opportunity=made["won"], method="linear").values_list("cents", flat=True)) == [
        25_000,
        25_000,
        25_000,
        25_001,
    ]
    assert Credit.objects.unattributed().filter(opportunity=made["untouched"]).count() == len(METHODS)
    assert shares(made["unknown"]) == {"Social": 0, "Mail": 0}


def test_a_repeat_deal_has_its_own_journey() -> None:
    made = company_with_deals()
    run()
    touches = Credit.objects.filter(opportunity=made["repeat"], method="linear").count()
    assert touches == 5  # the four of the first deal and the colleague's after it
    assert Credit.objects.filter(opportunity=made["won"], method="linear").count() == 4


def test_touches_of_one_second_are_ordered_by_id_and_counted_in_the_company_currency() -> None:
    made = company_with_deals()
    run()
    assert shares(made["dollars"], "first_touch") == {"Social": 183_333}
    assert shares(made["dollars"], "last_touch") == {"Mail": 183_333}


def test_merged_leads_count_as_the_survivor_and_each_touch_once() -> None:
    campaign, other = CampaignFactory(name="A"), CampaignFactory(name="B")
    survivor, merged, twice = (LeadFactory(captured_at=day(0)) for _ in range(3))
    touched(survivor, campaign, 1)
    touched(merged, other, 2)
    Lead.objects.filter(pk=merged.pk).update(merged_into=twice)
    Lead.objects.filter(pk=twice.pk).update(merged_into=survivor)
    found = deal(merged, survivor, amount_cents=100)
    run()
    assert shares(found) == {"A": 50, "B": 50}


@pytest.mark.parametrize(("scope", "expected"), [("contacts", 2), ("primary", 1), ("account", 3)])
def test_whose_touches_count_is_a_setting(scope: str, expected: int) -> None:
    AttributionRules.objects.update(scope=scope)
    account, campaign = AccountFactory(), CampaignFactory()
    first, second, colleague = (LeadFactory(account=account, captured_at=day(0)) for _ in range(3))
    for lead in (first, second, colleague, LeadFactory()):
        touched(lead, campaign, 1)
    found = deal(first, second, account=account, amount_cents=100)
    run()
    assert Credit.objects.of_scope(scope).filter(opportunity=found, method="linear").count() == expected


def test_an_unchanged_open_deal_is_not_recomputed_as_time_passes() -> None:
    company_with_deals()
    run()
    again = run(at=AT + timedelta(days=400))
    assert (again.opportunities_recomputed, again.credits_written, again.difference["causes"]) == (0, 0, {})
    touched(Lead.objects.order_by("pk")[0], None, 70, channel=channel("email"))
    later = run(at=AT + timedelta(days=401))
    assert later.difference["causes"] == {"touches": 1}  # the open deal; the others are closed


# On PostgreSQL only the reading and writing of columns differs, and each seed writes much.
@pytest.mark.parametrize("seed", range(10 if connection.vendor == "sqlite" else 3))
def test_incremental_equals_full_after_random_changes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    if seed % 2:
        # Whoever computes everything writes it into tables of its own, where they can be.
        monkeypatch.setattr(store_credits, "ANEW_FROM", 1)
    AttributionRules.objects.update(kept_scopes=["contacts", "primary", "account"])
    company_with_deals()
    at = AT
    run()
    for step in range(5):
        at += timedelta(minutes=10)
        for _ in range(chance.randint(1, 4)):
            change(chance, at)
        if step in (1, 2):
            delete_touches(chance)
        # What is recorded in time is found by news alone, everything else by a look at all.
        if step % 2:
            silent_change(chance)
            run(at=at)
        else:
            recompute_when_due(at=at, reason="test")
        known, hashed = stored(), AttributionRun.objects.order_by("-pk")[0].inputs_hash
        full = run(kind="full", at=at)
        assert known == stored()
        assert full.difference["opportunities_changed"] == 0
        assert full.difference["causes"] == {}
        assert full.opportunities_recomputed == full.opportunities_seen == Opportunity.objects.count()
        if not full.difference["opportunities_removed"]:
            assert hashed == full.inputs_hash


def test_a_run_says_what_it_saw_and_what_changed() -> None:
    made = company_with_deals()
    first = run(reason="first")
    assert first.state == "done"
    assert first.methods == RULES
    assert first.settings["scope"] == "contacts"
    assert first.settings["look_back_days"] == 180
    assert first.credits_written == Credit.objects.count()
    assert first.opportunities_seen == first.opportunities_recomputed == JourneyState.objects.count() == 8
    assert first.difference["causes"] == {"new_opportunity": 8}

    Opportunity.objects.filter(pk=made["won"].pk).update(reporting_cents=200_002)
    Opportunity.objects.filter(pk=made["open"].pk).update(status="won", closed_at=day(50))
    made["lost"].delete()
    second = run()
    assert second.difference["causes"] == {"amount": 1, "stage": 1}
    assert (second.difference["opportunities_changed"], second.difference["opportunities_removed"]) == (2, 1)
    moved = second.difference["methods"]["first_touch"]
    search = {"campaign": "Search", "id": str(made["search"].public_id), "cents": 100_001}
    assert moved == {"gained_cents": 100_001, "lost_cents": 0, "campaigns": [search]}
    assert second.difference["by_cause"]["amount"]["first_touch"] == moved
    assert "first_touch" not in second.difference["by_cause"].get("stage", {})
    most = second.difference["opportunities"][0]
    assert (most["id"], most["cause"], most["cents"]) == (str(made["won"].public_id), "amount", 100_001)

    Company.objects.update(look_back_days=12)
    third = run()
    assert third.difference["causes"] == {"rules": 7}
    assert third.settings["look_back_days"] == 12


def test_a_second_run_is_refused_while_one_computes_and_a_dead_one_gives_way() -> None:
    company_with_deals()
    seen: list[str] = []

    def interrupt(what: str, done: int, total: int) -> None:
        if not seen:
            seen.append(what)
            with pytest.raises(RunInProgress):
                run(reason="second")

    assert run(progress=interrupt).state == "done"
    assert seen
    assert AttributionRun.objects.count() == 1

    AttributionRules.objects.update(held_by=AttributionRun.objects.get().public_id, held_until=AT + LEASE)
    with pytest.raises(RunInProgress):
        run()
    assert run(at=AT + LEASE + timedelta(seconds=1)).state == "done"


def test_a_run_that_lost_its_lease_writes_nothing() -> None:
    company_with_deals()
    run()
    Opportunity.objects.update(reporting_cents=5)
    before = stored()

    def overtake(what: str, done: int, total: int) -> None:
        AttributionRules.objects.update(held_by=None, held_until=None)

    with pytest.raises(RunInProgress):
        run(progress=overtake)
    assert stored() == before
    assert AttributionRun.objects.order_by("-pk")[0].state == "failed"


def test_a_failed_run_leaves_the_old_credits_and_frees_the_way() -> None:
    company_with_deals()
    run()
    Opportunity.objects.update(reporting_cents=5)
    before = stored()

    def fail(what: str, done: int, total: int) -> None:
        if what.startswith("Writing"):
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        run(progress=fail)
    assert stored() == before
    failed = AttributionRun.objects.order_by("-pk")[0]
    assert (failed.state, failed.error) == ("failed", "RuntimeError: power cut")
    assert run().difference["causes"] == {"amount": 8}


def test_nothing_to_compute_is_no_error() -> None:
    assert run().opportunities_seen == 0
    deal()
    assert run().credits_written == len(METHODS)


def test_queries_do_not_grow_with_the_data() -> None:
    company_with_deals()
    run()

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            run(kind="full")
        return len(seen)

    few = queries()
    for _ in range(5):
        company_with_deals()
    run()
    assert queries() == few


def test_a_changed_share_of_anown_method_recomputes_as_rules_and_a_dropped_one_takes_its_credits_along() -> None:
    company_with_deals()
    run()
    own = CustomMethod.objects.create(slug="half", name="Half", first_touch=50, closing=50)
    assert run().difference["causes"] == {"rules": 8}
    assert Credit.objects.filter(method="custom-half").exists()
    CustomMethod.objects.filter(pk=own.pk).update(first_touch=100, closing=0, version=2)
    assert run().difference["causes"] == {"rules": 8}
    CustomMethod.objects.update(is_active=False)
    run()
    assert not Credit.objects.filter(method="custom-half").exists()


def test_a_new_fit_is_a_cause_of_its_own() -> None:
    company_with_deals()
    run()
    assert not Credit.objects.filter(method="markov_1").exists()  # without a fit it is not computed
    parameters = {"values": {f"campaign:{pk}": 0.5 for pk in Campaign.objects.values_list("pk", flat=True)}}
    known = {"method": "markov_1", "version": get_method("markov_1").version, "inputs_hash": "", "fitted_at": AT}
    MethodFit.objects.create(parameters=parameters, **known)
    assert run().difference["causes"] == {"fit": 8}
    assert Credit.objects.filter(method="markov_1").exists()
    assert run().difference["causes"] == {}
    MethodFit.objects.update(is_current=False)
    MethodFit.objects.create(parameters=parameters, **known)
    assert run().difference["causes"] == {"fit": 8}
