"""Seeding as it goes: the same rows each time, afresh after an interruption, and never over somebody's data."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction

from config.demo import seed as seed_module
from config.demo import seed_crm
from config.demo.seed import Order
from leads.models import JobRun, Lead, Opportunity, Touchpoint
from tests.config.demo.ordered import AT, LEADS, order_for, quiet

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return order_for(tmp_path)


@pytest.fixture
def only_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is computed from the company's rows."""
    monkeypatch.setattr(seed_module, "AFTERWARDS", [])


@pytest.mark.usefixtures("only_rows")
def test_same_seed_same_rows(order: Order) -> None:
    def rows() -> list[object]:
        with transaction.atomic():
            quiet(order)
            found = [
                *Lead.objects.order_by("pk").values_list("public_id", "email", "score", "stage", "owner__email"),
                *Touchpoint.objects.order_by("pk").values_list("public_id", "occurred_at", "kind", "campaign__code"),
                *Opportunity.objects.order_by("pk").values_list("public_id", "name", "reporting_cents", "closed_at"),
            ]
            transaction.set_rollback(True)
        return found

    assert rows() == rows()


@pytest.mark.usefixtures("only_rows")
def test_an_interrupted_seeding_starts_afresh(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(seed_crm, "load_sandbox", interrupt)
        with pytest.raises(KeyboardInterrupt):
            quiet(order)
    assert not Lead.objects.exists()
    assert not JobRun.objects.exists()
    quiet(order)
    assert Lead.objects.count() == LEADS


def test_an_interruption_after_the_rows_is_finished_next_time(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(order: Order) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(seed_module, "AFTERWARDS", [("interrupted", interrupt)])
        with pytest.raises(KeyboardInterrupt):
            quiet(order)
    assert JobRun.objects.get(kind=seed_module.KIND).state == JobRun.State.RUNNING
    quiet(order)
    assert JobRun.objects.get(kind=seed_module.KIND).state == JobRun.State.DONE
    assert Lead.objects.count() == LEADS


def test_other_peoples_data_is_refused(tmp_path: Path) -> None:
    Lead.objects.create(email="ada@example.com", captured_at=AT, changed_at=AT)
    with pytest.raises(CommandError, match="empty"):
        call_command("seed_demo", "--leads", "100", "--out", str(tmp_path / "demo.json"))
    assert Lead.objects.count() == 1
    assert not (tmp_path / "demo.json").exists()
