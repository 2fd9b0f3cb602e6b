"""Credits written aside turn by turn on SQLite: the old ones are there until all new ones are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from attribution.actions.runs import run_attribution, store_credits
from attribution.actions.runs.hold_run import InputsChanged
from attribution.models import AttributionRules, Credit, JourneyState
from attribution.queries import aside, columns
from leads.models import Opportunity, Touchpoint
from tests.attribution.factories import company_with_deals, run, stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


@pytest.fixture(autouse=True)
def small_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "ASIDE_FROM", 1)
    monkeypatch.setattr(aside, "TURN", 7)
    monkeypatch.setattr(columns, "TURN", 7)


def meanwhile(monkeypatch: pytest.MonkeyPatch, what: Callable[[], Any]) -> None:
    """Let something happen when all is written aside; on PostgreSQL before it is written."""
    module, name = (store_credits, "keep_credits") if connection.vendor == "sqlite" else (run_attribution, "last_run")
    usual = getattr(module, name)

    def first(*args: Any, **kwargs: Any) -> Any:
        made = usual(*args, **kwargs)
        what()
        return made

    monkeypatch.setattr(module, name, first)


def tables() -> set[str]:
    return {name for name in connection.introspection.table_names() if name.startswith("attribution_credit")}


def test_old_credits_are_seen_until_the_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    company_with_deals()
    run(kind="full")
    known, seen = stored(), []
    Opportunity.objects.update(reporting_cents=70)
    meanwhile(monkeypatch, lambda: seen.append(stored()))
    run()
    assert seen == [known]
    assert stored() != known
    assert tables() == {"attribution_credit"}


def test_a_run_that_dies_leaves_the_old_credits(monkeypatch: pytest.MonkeyPatch) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    company_with_deals()
    run(kind="full")
    known = stored()
    with monkeypatch.context() as patched:
        meanwhile(patched, die)
        # A process that is killed drops nothing.
        patched.setattr(aside, "_drop_left_over", lambda: None)
        with pytest.raises(KeyboardInterrupt):
            run(kind="full")
    assert stored() == known
    AttributionRules.objects.update(held_by=None, held_until=None)
    run(kind="full")
    assert stored() == known
    assert tables() == {"attribution_credit"}


def test_a_touch_deleted_while_credits_are_written_aside_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    company_with_deals()
    run(kind="full")
    touch = Credit.objects.filter(method="linear", touchpoint__isnull=False).latest("pk").touchpoint_id
    meanwhile(monkeypatch, lambda: Touchpoint.objects.filter(pk=touch).delete())
    with pytest.raises(InputsChanged):
        run(kind="full")
    monkeypatch.undo()
    run()
    assert not Credit.objects.filter(touchpoint=touch).exists()


def test_credits_of_other_deals_are_kept() -> None:
    company_with_deals()
    run(kind="full")
    known, changed = stored(), Opportunity.objects.order_by("pk")[1]
    Opportunity.objects.filter(pk=changed.pk).update(reporting_cents=changed.reporting_cents)
    JourneyState.objects.filter(opportunity=changed).update(hash_high=0)
    assert run().opportunities_recomputed == 1
    assert stored() == known
