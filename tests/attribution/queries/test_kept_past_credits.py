"""What was computed of past moments is kept, found again, and forgotten."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection, transaction

from attribution.actions import forget_past_credits as forget_past_credits_module
from attribution.actions.fit_methods import fit_methods
from attribution.actions.forget_past_credits import UNUSED, forget_past_credits
from attribution.models import (
    AttributionRules,
    PastCredit,
    PastMoment,
)
from attribution.queries import past_credits
from attribution.queries.past_credits import ensure_credits
from leads.models import Company, Opportunity
from leads.past.settled import settled_now
from leads.past.span import known_at, moment_key
from tests.attribution.factories import AT, company_with_deals, run, stored
from tests.attribution.past import SCOPES, STEP, ensured, told

committed = pytest.mark.django_db(transaction=True, serialized_rollback=True)


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
