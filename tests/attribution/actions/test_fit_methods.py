"""Fits on a real database: learned from everybody, dated, kept while nothing changes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attribution.actions.fit_methods import fit_methods
from attribution.models import AttributionRules, LiftTest, MethodFit
from attribution.pure.learning.learning import learned_methods
from leads.models import Channel
from tests.attribution.factories import AT, day, deal, touched
from tests.leads.factories import CampaignFactory, LeadFactory, channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def fit(**fields: object) -> dict[str, MethodFit]:
    return {one.method: one for one in fit_methods(**{"at": AT, "reason": "test", **fields})}


def small_company() -> dict[str, object]:
    """The four walks of docs/methods.md, and one by people who came by themselves."""
    found = {
        "email": CampaignFactory(name="Email", channel=channel("email")),
        "webinar": CampaignFactory(name="Webinar", channel=channel("webinar")),
        "ad": CampaignFactory(name="Ad", channel=channel("paid-search")),
    }
    walks = [(["email"], True), (["email", "webinar"], True), (["webinar"], False), (["ad"], False)]
    people = []
    for path, bought in walks:
        person = LeadFactory(captured_at=day(0))
        for number, name in enumerate(path):
            touched(person, found[name], number + 1, channel=found[name].channel)
        if bought:
            deal(person, opened=10, closed=30)
            deal(person, opened=50, status="open")
        people.append(person)
    return {**found, "people": people}


def values(of: MethodFit, *campaigns: object) -> list[float]:
    return [of.parameters["values"][f"campaign:{one.pk}"] for one in campaigns]


def test_what_is_learned_is_that_of_the_page() -> None:
    company = small_company()
    fits = fit()
    assert list(fits) == list(learned_methods())
    three = company["email"], company["webinar"], company["ad"]
    assert values(fits["markov_1"], *three) == pytest.approx([3 / 4, 1 / 2, 0], abs=1e-9)
    hazard = fits["additive_hazard"]
    assert values(hazard, company["email"])[0] > values(hazard, company["ad"])[0] >= 0
    assert len(hazard.parameters["baseline"]) == len(hazard.parameters["bands"]) + 1
    assert (hazard.people, hazard.conversions, hazard.touches) == (4, 2, 5)
    assert hazard.summary["top"][0]["name"] in {"Email", "Webinar"}
    assert hazard.summary["reason"] == "test"
    for one in fits.values():
        one.refresh_from_db()
        assert json.loads(json.dumps(one.parameters)) == one.parameters
        assert one.is_current
        assert one.fitted_at == AT


def test_touches_after_the_first_opportunity_and_bots_teach_nothing() -> None:
    company = small_company()
    first = company["people"][0]
    before = fit()["markov_1"].parameters
    touched(first, company["ad"], 40, channel=company["ad"].channel)
    touched(first, company["ad"], 2, channel=company["ad"].channel, exclusion="bot")
    assert fit()["markov_1"].parameters == before


def test_a_fit_is_kept_while_its_inputs_are_the_same() -> None:
    company = small_company()
    first = fit()
    again = fit(at=AT + timedelta(days=7))
    assert {one.pk for one in again.values()} == {one.pk for one in first.values()}
    touched(company["people"][3], company["ad"], 5, channel=company["ad"].channel)
    later = fit(at=AT + timedelta(days=8))
    assert not {one.pk for one in later.values()} & {one.pk for one in first.values()}
    assert MethodFit.objects.filter(is_current=True).count() == len(later)
    assert MethodFit.objects.count() == 2 * len(later)


def test_a_merged_lead_is_one_person() -> None:
    company = small_company()
    *_, loser = company["people"]
    survivor = company["people"][2]
    loser.merged_into = survivor
    loser.save(update_fields=["merged_into"])
    deal(loser, opened=10, closed=30)
    fits = fit()
    assert (fits["markov_1"].people, fits["markov_1"].conversions) == (3, 3)


def test_suppressed_channels_teach_nothing_and_self_initiated_have_no_effect() -> None:
    company = small_company()
    AttributionRules.objects.get(pk=1).suppressed_channels.add(channel("paid-search"))
    Channel.objects.filter(key="webinar").update(is_self_initiated=True)
    fits = fit()
    assert f"campaign:{company['ad'].pk}" not in fits["markov_1"].parameters["values"]
    assert values(fits["additive_hazard"], company["webinar"]) == [0]
    assert values(fits["markov_1"], company["webinar"])[0] > 0


def test_an_experiment_calibrates_its_channel() -> None:
    company = small_company()
    before = values(fit()["additive_hazard"], company["email"])[0]
    LiftTest.objects.create(
        channel=channel("email"), starts_on=day(0).date(), ends_on=day(20).date(), lift=0.05, low=0.04, high=0.06
    )
    assert values(fit()["additive_hazard"], company["email"])[0] < before / 2


def test_nobody_to_learn_from() -> None:
    fits = fit()
    assert {one.people for one in fits.values()} == {0}


def test_queries_do_not_grow_with_people() -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            fit()
        return len(caught)

    small_company()
    few = queries()
    small_company()
    assert queries() == few


def test_a_channel_that_is_the_usual_one_of_no_campaign() -> None:
    company = small_company()
    last = Channel.objects.order_by("pk").last()
    touched(LeadFactory(captured_at=day(1)), company["ad"], 1, channel=last)
    for one in fit().values():
        assert one.parameters["values"][f"channel:{last.pk}"] == 0
