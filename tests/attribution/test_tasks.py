"""The task is only a door."""

from __future__ import annotations

import pytest

from attribution.actions.runs.run_attribution import LEASE
from attribution.models import AttributionRules
from attribution.tasks import recompute_changed
from tests.attribution.factories import company_with_deals

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def test_recompute_changed_counts_and_yields() -> None:
    company_with_deals()
    assert recompute_changed() == 8
    assert recompute_changed() is None  # nothing is new


def test_recompute_changed_steps_back_for_a_running_one() -> None:
    from django.utils import timezone

    AttributionRules.objects.update(held_until=timezone.now() + LEASE)
    assert recompute_changed() is None
