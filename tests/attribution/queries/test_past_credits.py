"""Credits as of past moments: those of then, to the cent, row by row."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection, transaction

from attribution.actions import forget_past_credits as forget_past_credits_module
from attribution.actions.fit_methods import fit_methods
from attribution.actions.forget_past_credits import UNUSED, forget_past_credits
from attribution.actions.save_custom_method import save_custom_method
from attribution.figures.campaign_series import campaign_weeks
from attribution.figures.campaign_table import campaign_table
from attribution.figures.headlines import headlines
from attribution.figures.journey_view import journey_view
from attribution.figures.payback import payback
from attribution.models import (
    AttributionRules,
    AttributionRun,
    Credit,
    CustomMethod,
    MethodFit,
    PastCredit,
    PastMoment,
)
from attribution.pure.methods import all_methods, get_method, registry
from attribution.queries import past_credits
from attribution.queries.past_credits import OtherMethod, ensure_credits
from attribution.queries.rules import methods, rules_in_force
from attribution.queries.runs import last_run
from leads.figures.base import Scope, definitions, figure
from leads.models import Channel, Company, Lead, Opportunity, Touchpoint
from leads.past.acting import backdated
from leads.past.settled import settled_now
from leads.past.span import known_at, moment_key
from leads.pure.week import Period
from tests.attribution.changes import change, delete_touches, silent_change
from tests.attribution.factories import AT, company_with_deals, day, run, stored, touched
from tests.leads.factories import channel

SCOPES = ["contacts", "primary", "account"]
STEP = timedelta(hours=1)
committed = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def ensured() -> list[tuple[Any, ...]]:
    """Every credit, in the past computed first."""
    for scope in SCOPES:
        ensure_credits(deals=Opportunity.objects.all(), scope=scope)
    return stored()


def asked(at: datetime, **more: Any) -> Scope:
    company = Company.current()
    return Scope(period=Period(day(0), day(80)), at=at, tz=company.tz, currency="EUR", **more)


def told(at: datetime) -> dict[Any, Any]:
    """Every figure of attribution under several questions, with its rows, and what pages show besides."""
    company = Company.current()
    found: dict[Any, Any] = {}
    campaign = str(Touchpoint.objects.filter(campaign__isnull=False).order_by("pk")[0].campaign.public_id)
    periods = [Period(day(0), day(80)), Period(day(8), day(42))]
    origins = [{}, {"campaign": campaign, "method": "last_touch"}, {"channel": "email", "journey_scope": "account"}]
    questions = [
        Scope(period=period, at=at, tz=company.tz, currency="EUR", basis=basis, **origin)
        for period, basis in product(periods, ("simple", "realised"))
        for origin in origins
    ]
    for scope in questions:
        for definition in definitions():
            if definition.key.startswith("attribution."):
                answer = figure(definition.key, scope)
                rows = {name: sorted(map(repr, part.rows())) for name, part in answer.parts.items()}
                found[definition.key, repr(scope)] = answer.value, rows
        table = campaign_table(scope, [method.key for method in methods()])
        found["table", repr(scope)] = repr(table)
        found["more", repr(scope)] = headlines(scope), payback(scope), campaign_weeks(scope)
    for deal, scope_name in product(Opportunity.objects.order_by("pk"), SCOPES):
        view = journey_view(deal, scope_name)
        assert view.is_current
        found["journey", deal.pk, scope_name] = view
    return found


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


# --- what is kept ----------------------------------------------------------------------------------------------------


def built() -> None:
    Company.objects.filter(pk=1).update(currency="EUR", time_zone="Europe/Berlin")
    AttributionRules.objects.update(kept_scopes=SCOPES)
    company_with_deals()
    fit_methods(at=AT, reason="test")
    run(at=AT)


@committed
def test_credits_as_of_now_are_the_live_ones_and_kept() -> None:
    built()
    live, at = stored(), settled_now()
    with known_at(at):
        key = moment_key()
        assert ensured() == live
    assert key > 0
    assert PastCredit.objects.filter(moment=key).count() == len(live) > 300
    assert PastMoment.objects.get().moment == key
    # A later moment of the same facts is answered by the same rows; another one is not.
    ids = set(PastCredit.objects.values_list("pk", flat=True))
    with known_at(settled_now()):
        assert ensured() == live
    assert set(PastCredit.objects.values_list("pk", flat=True)) == ids
    Opportunity.objects.filter(reporting_cents=100_001).update(reporting_cents=100_002)
    with known_at(settled_now()):
        assert moment_key() != key
        assert ensured() != live
    assert stored() == live


@committed
def test_a_lost_cache_is_made_again() -> None:
    built()
    live, at = stored(), settled_now()
    with known_at(at):
        ensured()
    some = PastCredit.objects.filter(method="linear").values("opportunity_id")[:2]
    PastCredit.objects.filter(method="linear", opportunity_id__in=list(some.values_list(flat=True))).delete()
    with known_at(at):
        assert ensured() == live
    PastCredit.objects.all().delete()
    with known_at(at):
        assert ensured() == live


@committed
def test_who_has_changed_facts_leaves_nothing_behind_under_the_moment() -> None:
    """Its change has no end yet: what was computed for it must answer nobody else."""
    built()
    at = settled_now()
    with transaction.atomic():
        Opportunity.objects.filter(reporting_cents=100_001).update(reporting_cents=5)
        with known_at(settled_now()):
            assert moment_key() < 0
            first = ensured()
        Opportunity.objects.filter(reporting_cents=5).update(reporting_cents=6)
        with known_at(settled_now()):
            assert ensured() != first
    with known_at(at):
        before = ensured()
    with known_at(settled_now()):
        assert before != ensured() != first
    run(at=AT + STEP)
    with known_at(settled_now()):
        assert ensured() == stored()


@committed
def test_asking_again_reads_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    built()
    at = settled_now()
    with known_at(at):
        first = told(at)

    def refuse(*args: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(past_credits, "_compute", refuse)
    with known_at(at):
        assert told(at) == first


# A database in memory has one user at a time; where there is a lock nobody comes in between.
if connection.vendor == "postgresql":

    @committed
    def test_two_who_ask_at_once_compute_it_once() -> None:
        """In whichever order they come to the methods."""
        built()
        live, at = stored(), settled_now()
        orders = [["linear", "last_touch", None], ["last_touch", None, "linear"], [None]]
        together, seen, failed = threading.Barrier(len(orders)), [], []

        def ask(order: list[str | None]) -> None:
            try:
                together.wait()
                with known_at(at):
                    for scope, key in product(SCOPES, order):
                        ensure_credits(deals=Opportunity.objects.all(), methods=[key] if key else None, scope=scope)
                    seen.append(stored())
            except Exception as error:
                failed.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=ask, args=(order,)) for order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert seen == [live] * len(orders)
        assert PastCredit.objects.count() == len(live)

else:

    @committed
    def test_what_somebody_else_has_written_meanwhile_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
        built()
        live, at = stored(), settled_now()
        pages, times = past_credits._pages, []

        def meanwhile(force: Any, scope: str, missing: Any) -> list[Any]:
            found = list(pages(force, scope, missing))
            times.append(scope)
            if len(times) == 1:
                past_credits._compute(force, scope, missing)
            return found

        monkeypatch.setattr(past_credits, "_pages", meanwhile)
        with known_at(at):
            ensure_credits(deals=Opportunity.objects.filter(reporting_cents=100_001), methods=["linear"])
            assert ensured() == live
        assert PastCredit.objects.count() == len(live)


@committed
@pytest.mark.parametrize("deals_a_turn", [500, 1])
def test_what_nobody_asks_for_is_forgotten(monkeypatch: pytest.MonkeyPatch, deals_a_turn: int) -> None:
    monkeypatch.setattr(past_credits, "DEALS_A_TURN", deals_a_turn)
    monkeypatch.setattr(forget_past_credits_module, "DEALS_A_TURN", deals_a_turn)
    built()
    first = settled_now()
    with known_at(first):
        before = ensured()
    Opportunity.objects.filter(reporting_cents=100_001).update(reporting_cents=1)
    second = settled_now()
    with known_at(second):
        ensured()
    assert forget_past_credits(at=second) == 0
    PastMoment.objects.update(used_on=(second - UNUSED).date() - timedelta(days=1))
    with known_at(second):  # renews it
        ensured()
    kept = set(PastCredit.objects.values_list("moment", flat=True))
    assert forget_past_credits(at=second, keep=[first, datetime(1980, 1, 1, tzinfo=UTC)]) == 0
    assert set(PastCredit.objects.values_list("moment", flat=True)) == kept
    assert forget_past_credits(at=second) == 1
    assert {moment.pk for moment in PastMoment.objects.all()} == set(
        PastCredit.objects.values_list("moment", flat=True)
    )
    assert PastMoment.objects.count() == 1
    with known_at(first):
        assert ensured() == before


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
