"""Credits as of past moments: those of then, to the cent, row by row."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from attribution.actions.fit_methods import fit_methods
from attribution.actions.save_custom_method import save_custom_method
from attribution.models import (
    AttributionRules,
    AttributionRun,
    Credit,
    CustomMethod,
    MethodFit,
)
from attribution.pure.methods import all_methods, get_method, registry
from attribution.queries.past_credits import OtherMethod, ensure_credits
from attribution.queries.rules import methods, rules_in_force
from attribution.queries.runs import last_run
from leads.figures.base import Scope, figure
from leads.models import Channel, Company, Lead, Opportunity, Touchpoint
from leads.past.acting import backdated
from leads.past.span import known_at
from leads.pure.week import Period
from tests.attribution.changes import change, delete_touches, silent_change
from tests.attribution.factories import AT, company_with_deals, day, run, stored, touched
from tests.attribution.past import SCOPES, STEP, ensured, told
from tests.leads.factories import channel


def asked(at: datetime, **more: Any) -> Scope:
    company = Company.current()
    return Scope(period=Period(day(0), day(80)), at=at, tz=company.tz, currency="EUR", **more)


@pytest.fixture
def known_company(db: None) -> None:
    with backdated(AT - STEP):
        Company.objects.update(currency="EUR", time_zone="Europe/Berlin")


@pytest.fixture
def three_scopes(known_company: None) -> None:
    with backdated(AT - STEP):
        AttributionRules.objects.update(kept_scopes=SCOPES)


# --- what was then, is then ------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.usefixtures("three_scopes")
@pytest.mark.parametrize("seed", range(8 if connection.vendor == "sqlite" else 4))
def test_random_histories_keep_their_credits(seed: int) -> None:
    chance = random.Random(seed)
    noted: list[tuple[datetime, Any, Any]] = []
    at = AT
    with backdated(at):
        company_with_deals()
        fit_methods(at=at, reason="test")
    for step in range(4):
        run(at=at, kind=chance.choice(["full", "incremental"]))
        noted.append((at, stored(), told(at) if seed == 0 and step % 2 else None))
        at += STEP
        with backdated(at):
            for _ in range(chance.randint(1, 4)):
                change(chance, at)
            if step % 2:
                silent_change(chance)
            delete_touches(chance)
    assert len({repr(credits) for _, credits, _ in noted}) > 2
    for then, credits, answers in chance.sample(noted, len(noted)):
        with known_at(then):
            if answers is not None:
                now = told(then)
                for question, answer in answers.items():
                    assert now[question] == answer, question
            assert ensured() == credits
        with known_at(then + STEP / 2):
            assert ensured() == credits


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "amount": lambda made: Opportunity.objects.filter(pk=made["won"].pk).update(reporting_cents=7_777),
    "deal deleted": lambda made: made["won"].delete(),
    "touchpoint deleted": lambda made: Touchpoint.objects.filter(lead=made["ada"]).order_by("pk")[1].delete(),
    "touchpoint added": lambda made: touched(made["ada"], made["mail"], 7),
    "merge": lambda made: Lead.objects.filter(pk=made["bob"].pk).update(merged_into=made["ada"]),
    "channel reclassified": lambda made: Channel.objects.filter(key="email").update(is_self_initiated=True),
    "touchpoints reclassified": lambda made: Touchpoint.objects.filter(campaign=made["mail"]).update(
        channel=channel("webinar")
    ),
    "look-back": lambda made: Company.objects.update(look_back_days=12),
    "suppressed": lambda made: AttributionRules.objects.get().suppressed_channels.add(channel("email")),
    "half-life": lambda made: AttributionRules.objects.update(half_life_days=1),
    "milestone": lambda made: AttributionRules.objects.update(milestone="opportunity"),
    "shares": lambda made: save_custom_method(method=reshaped(), at=AT + STEP),
    "fit": lambda made: (touched(made["ada"], made["mail"], 9), fit_methods(at=AT + STEP, reason="test")),
}


def reshaped() -> CustomMethod:
    own = CustomMethod.objects.get(slug="own")
    own.closing, own.lead_creation = 20, 80
    return own


@pytest.mark.django_db
@pytest.mark.usefixtures("three_scopes")
@pytest.mark.parametrize("what", CHANGES)
def test_a_change_leaves_the_credits_of_before_as_they_were(what: str) -> None:
    with backdated(AT):
        made = company_with_deals()
        save_custom_method(method=CustomMethod(slug="own", name="Own", closing=50, lead_creation=50), at=AT)
        fit_methods(at=AT, reason="test")
    run(at=AT)
    before = stored()
    assert {row[2] for row in before} == {method.key for method in all_methods()} | {"custom-own"}
    assert {row[1] for row in before} == set(SCOPES)
    with backdated(AT + STEP):
        CHANGES[what](made)
    run(at=AT + STEP)
    after = stored()
    assert after != before
    with known_at(AT + STEP):
        assert ensured() == after
    with known_at(AT):
        assert ensured() == before
    assert stored() == after


@pytest.mark.django_db
@pytest.mark.usefixtures("three_scopes")
def test_only_what_is_asked_is_computed() -> None:
    with backdated(AT):
        made = company_with_deals()
    run(at=AT)
    live = stored()
    with known_at(AT):
        ensure_credits(deals=Opportunity.objects.filter(pk=made["won"].pk), methods=["linear"], scope="primary")
        only = (made["won"].pk, "primary", "linear")
        assert stored() == [row for row in live if row[:3] == only] != []
        ensure_credits(deals=Opportunity.objects.all(), methods=["linear", "last_touch"], scope="primary")
        assert stored() == [row for row in live if row[1] == "primary" and row[2] in ("linear", "last_touch")]
        ensure_credits(deals=Opportunity.objects.all(), methods=["nobody's"], scope="primary")
        ensure_credits(deals=Opportunity.objects.none(), scope="contacts")
        assert {row[1] for row in stored()} == {"primary"}


@pytest.mark.django_db
@pytest.mark.usefixtures("known_company")
def test_a_scope_that_was_not_kept_has_no_credits() -> None:
    with backdated(AT):
        company_with_deals()
    with known_at(AT):
        assert {row[1] for row in ensured()} == {"contacts"}


# --- code that has changed since -------------------------------------------------------------------------------------


@contextmanager
def version(key: str, number: int) -> Iterator[None]:
    """The method's code as if it were another version."""
    known = get_method(key)
    registry._METHODS[key] = replace(known, version=number)
    try:
        yield
    finally:
        registry._METHODS[key] = known


@pytest.mark.django_db
@pytest.mark.usefixtures("known_company")
@pytest.mark.parametrize("key", ["linear", "markov_1"])
def test_another_version_of_a_method_does_not_answer_for_the_past(key: str) -> None:
    with backdated(AT):
        company_with_deals()
        fit_methods(at=AT, reason="test")
    run(at=AT)
    number = get_method(key).version
    scope = asked(AT + STEP, method=key)
    with version(key, number + 1):
        with known_at(AT + STEP):
            assert key in {method.key for method in methods()}
            with pytest.raises(OtherMethod, match=f"by version {number} of the model then"):
                figure("attribution.revenue", scope)
            # The others are what they were.
            assert figure("attribution.revenue", replace(scope, method="last_touch")).value
        assert (key in rules_in_force().methods) == (key == "linear")
    with known_at(AT + STEP):
        assert figure("attribution.revenue", scope).value


@pytest.mark.django_db
@pytest.mark.usefixtures("known_company")
def test_runs_of_the_past_are_those_that_had_ended() -> None:
    with backdated(AT):
        company_with_deals()
    first = run(at=AT)
    run(at=AT + STEP)
    with known_at(AT + STEP / 2):
        assert last_run() == first
    with known_at(AT):  # it ended a little later
        assert last_run() is None
    assert AttributionRun.objects.count() == 2
    assert not MethodFit.objects.exists()
    assert Credit.objects.exists()
