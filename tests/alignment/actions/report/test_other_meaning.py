"""Another definition and another target are causes of their own: what they made, and what was changed beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from alignment.actions.report.explain_meaning import INCOMPARABLE
from alignment.actions.report.restate import BACK, restate
from alignment.models import Restatement, Target
from attribution.actions.lock_sourced import lock_sourced_test
from leads.figures import base
from leads.figures.base import Definition, RowSet, Scope
from leads.models import Company, Opportunity, OpportunityContact, User
from leads.models import Scope as KeyScope
from leads.past.acting import Door, act, backdated
from tests.alignment.factories import MONDAY, named, report
from tests.alignment.ledgers import check_sums, lines
from tests.leads.api.keys import make_key
from tests.leads.factories import CampaignFactory, LeadFactory, OpportunityFactory, TouchpointFactory, UserFactory
from tests.leads.figures import world

pytestmark = pytest.mark.django_db
LATER = MONDAY + timedelta(days=2)
Meant = Callable[..., Definition]


@pytest.fixture
def meant(monkeypatch: pytest.MonkeyPatch) -> Meant:
    """Gives won revenue another definition, as another release would."""

    def change(**more: Any) -> Definition:
        found = replace(base.written("pipeline.won"), version=WON.version + 1, **more)
        monkeypatch.setitem(base._registry, "pipeline.won", found)
        return found

    return change


def large(scope: Scope) -> dict[str, RowSet]:
    """Won deals of 1,000.00 and more."""
    parts = dict(WON.parts(scope))
    return {**parts, "included": parts["included"].narrowed(reporting_cents__gte=100_000)}


WON = base.written("pipeline.won")


def looked(entry: str, item: str = "") -> Restatement:
    row = {(each.figure, each.item): each for each in restate(at=LATER)}[entry, item]
    check_sums(row)
    return row


def effects(row: Restatement) -> dict[str, tuple[Any, bool, int]]:
    return {cause["words"]: (cause["effect"], cause["is_correction"], cause["count"]) for cause in row.ledger["causes"]}


@pytest.fixture
def two(company: Company) -> tuple[Opportunity, Opportunity]:
    """Won in the week: 500.00 and 2,000.00."""
    small, big = (
        OpportunityFactory(status="won", amount_cents=cents, opened_at=world.on(2), closed_at=world.on(10))
        for cents in (50_000, 200_000)
    )
    report()
    return small, big


def test_another_definition_is_no_correction_and_names_its_rows(
    two: tuple[Opportunity, Opportunity], meant: Meant
) -> None:
    meant(parts=large)
    row = looked("pipeline.won")
    assert (row.published_value, row.current_value) == (250_000, 200_000)
    assert effects(row) == {"Definition changed (version 2 → 3)": (-50_000, False, 1)}
    assert not row.is_correction
    (line,) = lines(row)
    assert (line["key"], line["amount"], line["changed"]) == (str(two[0].pk), -50_000, [])


def test_corrections_beside_it_are_told_apart(two: tuple[Opportunity, Opportunity], meant: Meant) -> None:
    meant(parts=large)
    with backdated(MONDAY + timedelta(days=1)):
        Opportunity.objects.filter(pk=two[1].pk).update(amount_cents=210_000, reporting_cents=210_000)
    row = looked("pipeline.won")
    assert effects(row) == {
        "Deal amount changed": (10_000, True, 1),
        "Definition changed (version 2 → 3)": (-50_000, False, 1),
    }
    assert row.is_correction


def test_another_formula_of_the_same_rows(two: tuple[Opportunity, Opportunity], meant: Meant) -> None:
    meant(combine=lambda totals: totals["included"] // 2)
    with backdated(MONDAY + timedelta(days=1)):
        Opportunity.objects.filter(pk=two[1].pk).update(amount_cents=210_000, reporting_cents=210_000)
    row = looked("pipeline.won")
    assert (row.published_value, row.current_value) == (250_000, 130_000)
    assert effects(row) == {
        "Deal amount changed": (5_000, True, 1),
        "Definition changed (version 2 → 3)": (-125_000, False, 0),
    }
    assert row.ledger["interaction"] == 0


def test_a_new_version_that_says_the_same_is_not_listed(two: tuple[Opportunity, Opportunity], meant: Meant) -> None:
    meant(formula="put otherwise")
    assert restate(at=LATER) == []


def test_other_parts_cannot_be_compared_and_every_reader_is_told(
    two: tuple[Opportunity, Opportunity], meant: Meant, client: Client, director: User
) -> None:
    meant(parts=lambda scope: {"deals": large(scope)["included"]}, combine=lambda totals: totals["deals"])
    row = looked("pipeline.won")
    assert effects(row) == {"Definition changed (version 2 → 3)": (-50_000, False, 0)}
    assert row.cause == f"Definition changed (version 2 → 3). {INCOMPARABLE}"
    client.force_login(director)
    page = client.get(reverse("alignment:report-restatements", args=["2026-W46"])).content.decode()
    assert INCOMPARABLE in page
    assert "Definition changed (version 2 → 3)" in page
    client.logout()
    _, headers = make_key(KeyScope.PERFORMANCE_READ)
    answer = client.get("/api/v1/integrations/sales/reports/2026-W46/restatements", headers=headers).json()
    (number,) = [each for each in answer["restatements"] if each["figure"] == "pipeline.won"]
    assert number["note"] == INCOMPARABLE
    assert number["change"] == {"amount": "-500.00", "currency": "EUR"}


def test_the_companys_own_definition_is_one_too(company: Company) -> None:
    lead = LeadFactory(captured_at=world.on(2))
    TouchpointFactory(lead=lead, campaign=CampaignFactory(), occurred_at=world.on(5))
    deal = OpportunityFactory(opened_at=world.on(10), amount_cents=70_000)
    OpportunityContact.objects.create(opportunity=deal, lead=lead, is_primary=True)
    report()
    with backdated(MONDAY + timedelta(days=1)):
        lock_sourced_test(test="lead_creation", reason="Agreed with sales", by=UserFactory(role="admin"), at=LATER)
    rows = {(each.figure, each.item): each for each in restate(at=LATER)}
    row = rows["pipeline.sourced", ""]
    assert (row.published_value, row.current_value) == (70_000, 0)
    assert [cause["words"] for cause in row.ledger["causes"]] == ["Definition changed (version 2 → 3)"]
    assert not row.is_correction


# --- targets ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def target(company: Company) -> Target:
    """Won revenue of 1,000.00 a week in November."""
    return Target.objects.create(
        figure="pipeline.won", starts_on=date(2026, 11, 1), ends_on=date(2026, 11, 30), weekly_value=100_000
    )


def test_a_changed_target_is_restated_with_its_author(target: Target, company: Company) -> None:
    ann = named(UserFactory(), "Ann")
    report()
    with backdated(MONDAY + timedelta(days=1)), act(Door.ADMIN, actor=ann.pk):
        Target.objects.filter(pk=target.pk).update(weekly_value=120_000)
    row = looked("pipeline.won", "target")
    assert (row.published_value, row.current_value) == (100_000, 120_000)
    assert effects(row) == {"Target changed": (20_000, True, 1)}
    (line,) = lines(row)
    assert (line["by"], line["door"], line["amount_text"]) == ("Ann", "administration", "+€200.00")
    assert line["columns"] == [
        {"of": "Target", "label": "Weekly value", "before": "€1,000", "after": "€1,200"},
    ]
    assert row.cause == (
        "Target changed: Won revenue: target €1,000 → €1,200 [+€200.00] on 17 Nov 2026 by Ann (administration)"
    )
    with backdated(LATER + timedelta(hours=1)):
        Target.objects.filter(pk=target.pk).update(weekly_value=100_000)
    assert [each.cause for each in restate(at=LATER + timedelta(days=1))] == [BACK]


def test_targets_set_and_removed_after_publication(target: Target, company: Company) -> None:
    report()
    with backdated(MONDAY + timedelta(days=1)):
        target.delete()
        Target.objects.create(
            figure="leads.mqls", starts_on=date(2026, 11, 9), ends_on=date(2026, 11, 15), weekly_value=7
        )
    rows = {(each.figure, each.item): each for each in restate(at=LATER)}
    assert set(rows) == {("pipeline.won", "target"), ("leads.mqls", "target")}
    removed, made = rows["pipeline.won", "target"], rows["leads.mqls", "target"]
    assert (removed.published_value, removed.current_value) == (100_000, None)
    assert [cause["words"] for cause in removed.ledger["causes"]] == ["Target removed"]
    assert (made.published_value, made.current_value) == (None, 7)
    assert [cause["words"] for cause in made.ledger["causes"]] == ["Target set after publication"]


def test_targets_of_other_weeks_restate_nothing(target: Target, company: Company) -> None:
    report()
    with backdated(MONDAY + timedelta(days=1)):
        Target.objects.create(
            figure="pipeline.won", starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 31), weekly_value=7
        )
        Target.objects.filter(pk=target.pk).update(ends_on=date(2026, 11, 29))
    assert restate(at=LATER) == []
