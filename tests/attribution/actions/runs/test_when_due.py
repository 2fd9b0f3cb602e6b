"""Periodic work is done once a period, however often beat asks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attribution.actions.accuracy import check_accuracy_when_due as accuracy
from attribution.actions.runs.refit_when_due import EVERY, refit_when_due
from attribution.actions.runs.work_on_runs import work_on_runs
from attribution.models import MethodFit
from leads.models import JobRun
from tests.attribution.factories import AT, company_with_deals

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def test_methods_refit_once_a_week_and_the_run_says_so() -> None:
    assert refit_when_due(at=AT) is None  # nothing to learn from
    company_with_deals()
    asked = refit_when_due(at=AT)
    assert asked is not None
    assert asked.refits
    assert refit_when_due(at=AT) is None
    assert work_on_runs(clock=lambda: AT) == 1
    asked.refresh_from_db()
    fitted = set(MethodFit.objects.filter(is_current=True).values_list("method", flat=True))
    assert asked.state == "done"
    assert fitted <= set(asked.methods)
    assert "markov_1" in fitted
    assert refit_when_due(at=AT + EVERY - timedelta(hours=1)) is None
    assert refit_when_due(at=AT + EVERY + timedelta(hours=1)) is not None


def test_accuracy_is_measured_once_a_month(monkeypatch: pytest.MonkeyPatch) -> None:
    # The measuring itself has tests of its own and takes a while: here it only counts.
    seen: list[str] = []
    for name in ("check_capture", "check_agreement", "check_causal"):
        monkeypatch.setattr(accuracy, name, lambda name=name, **known: seen.append(name))
    assert accuracy.check_accuracy_when_due(at=AT, seed=1)
    assert not accuracy.check_accuracy_when_due(at=AT, seed=1)
    assert len(seen) == 3
    JobRun.objects.update(state="running")
    assert not accuracy.check_accuracy_when_due(at=AT + timedelta(hours=1), seed=1)
    assert accuracy.check_accuracy_when_due(at=AT + timedelta(hours=7), seed=1)  # the first one died
    assert accuracy.check_accuracy_when_due(at=AT + timedelta(days=31), seed=1)
