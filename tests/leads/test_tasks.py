"""Sweeps as the worker runs them, and the nudge that nobody may depend on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from kombu import Connection
from kombu.exceptions import OperationalError

from leads import tasks
from leads.models import IdempotentAnswer, Lead
from tests.leads.api.keys import make_key
from tests.leads.factories import LeadFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def test_the_sweep_finishes_what_a_lost_message_left() -> None:
    LeadFactory(intake_due_at=timezone.now() - timedelta(seconds=1), stage="subscriber")

    assert tasks.sweep_intake() == 1
    assert not Lead.objects.awaiting_intake().exists()
    assert tasks.sweep_intake() == 0


def test_only_old_answers_are_forgotten() -> None:
    key, _ = make_key()
    for name, age in (("old", 25), ("young", 23)):
        created_at = timezone.now() - timedelta(hours=age)
        IdempotentAnswer.objects.create(
            api_key=key, key=name, body_hash="x", status=200, answer={}, created_at=created_at
        )

    assert tasks.forget_old_answers() == 1
    assert IdempotentAnswer.objects.get().key == "young"


def test_a_nudge_without_a_broker_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**options: object) -> None:
        with Connection("redis://127.0.0.1:1/0", connect_timeout=1) as nowhere:  # nothing listens there
            sweep(connection=nowhere, **options)

    sweep = tasks.sweep_intake.apply_async
    monkeypatch.setattr(tasks.sweep_intake, "apply_async", unreachable)

    with pytest.raises(OperationalError):
        unreachable(retry=False)
    tasks.nudge_intake()
