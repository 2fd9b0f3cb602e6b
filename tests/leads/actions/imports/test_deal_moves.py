"""Deals that a file brings again and again: every move is kept, whichever way it went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leads.actions.deals.record_opportunity import DealFacts, record_opportunity
from leads.figures.base import Scope, figure
from leads.models import Company, Lead, Opportunity, Stage
from leads.pure.week import Period
from tests.leads.actions.imports.test_rows import bring_in, counts
from tests.leads.factories import LeadFactory, stage

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 2, 10, tzinfo=UTC)
OPENED = datetime(2026, 10, 4, 22, tzinfo=UTC)  # a file without another date: in its stage since it opened
HEAD = "external_id,lead_external_id,opened_at,closed_at,stage,amount\n"


def day(number: int) -> datetime:
    return AT + timedelta(days=number)


def scope(company: Company, at: datetime) -> Scope:
    return Scope(period=Period(AT - timedelta(days=60), at), at=at, tz=company.tz, currency="EUR")


@pytest.fixture(autouse=True)
def lead(company: Company) -> None:
    LeadFactory(external_id="L1", captured_at=datetime(2026, 10, 1, tzinfo=UTC))


def bring(number: int, stage: str, *, closed: str = "", amount: str = "1000.00") -> None:
    run = bring_in("opportunities", f"{HEAD}D1,L1,2026-10-05,{closed},{stage},{amount}\n", at=day(number))
    assert run.rows_rejected == 0


def moves() -> list[tuple[str, datetime]]:
    deal = Opportunity.objects.get()
    return list(deal.changes.order_by("changed_at", "pk").values_list("stage__key", "changed_at"))


def test_moves_back_are_kept_and_the_past_weighs_them(company: Company) -> None:
    for number, name in enumerate(("Discovery", "Proposal", "Discovery", "Qualification")):
        bring(number, name)
        bring(number, name)  # the same file again adds nothing
    assert moves()[1:] == [
        ("discovery", OPENED),
        ("proposal", day(1)),
        ("discovery", day(2)),
        ("qualification", day(3)),
    ]
    deal = Opportunity.objects.get()
    assert deal.stage_changed_at == day(3)
    weighted = [figure("pipeline.weighted", scope(company, day(n) + timedelta(hours=1))).value for n in range(5)]
    assert weighted == [25_000, 50_000, 25_000, 10_000, 10_000]
    assert figure("pipeline.slipped", scope(company, day(5))).value == 2


@pytest.mark.parametrize("second", ["2026-11-01", "2026-11-05"])
def test_a_second_win_is_kept(company: Company, second: str) -> None:
    bring(0, "won", closed="2026-11-01")
    bring(1, "Proposal")
    bring(5, "won", closed=second)
    assert [name for name, _ in moves()] == ["qualification", "won", "proposal", "won"]
    deal = Opportunity.objects.get()
    assert deal.status == "won"
    assert deal.stage_changed_at == moves()[-1][1]


def test_another_amount_is_a_move_of_its_own(company: Company) -> None:
    bring(0, "Proposal")
    bring(1, "Proposal", amount="700.00")
    bring(2, "Proposal")
    deal = Opportunity.objects.get()
    amounts = deal.changes.order_by("changed_at", "pk").values_list("amount_cents", flat=True)
    assert list(amounts) == [100_000, 100_000, 70_000, 100_000]
    assert deal.stage_changed_at == OPENED
    assert figure("pipeline.open", scope(company, day(1) + timedelta(hours=1))).value == 70_000


def test_a_refund_counts_the_same_by_file_and_by_crm(company: Company) -> None:
    run = bring_in("opportunities", f"{HEAD}D1,L1,2026-10-05,2026-11-01,won,-500.00\n", at=AT)
    assert counts(run) == (1, 0, 0, 0)
    record_opportunity(
        deal=DealFacts(
            name="Refund", stage=stage("won"), status="won", amount_cents=-50_000, currency="EUR",
            opened_at=AT - timedelta(days=9), closed_at=AT - timedelta(days=1), changed_at=AT, source="crm",
        ),
        at=AT,
    )  # fmt: skip
    whole = scope(company, day(1))
    assert figure("pipeline.won", whole).value == -100_000
    wins = figure("pipeline.won_count", whole)
    assert wins.value == 0
    assert wins.parts["excluded_refunds"].count() == 2
    assert figure("pipeline.deal_size", whole).value is None
    assert Lead.objects.get().stage == Stage.OPPORTUNITY
