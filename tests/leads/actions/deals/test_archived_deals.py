"""Deals that an older release closed as lost because the CRM had archived them become deleted deals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from leads.models import Opportunity, OpportunityChange, PipelineStage
from tests.leads.factories import OpportunityFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
OPENED = datetime(2026, 3, 2, 9, tzinfo=UTC)
GONE = OPENED + timedelta(days=20)


def line(deal: Opportunity, key: str, at: datetime, stage: PipelineStage) -> None:
    OpportunityChange.objects.create(
        opportunity=deal,
        changed_at=at,
        recorded_at=at,
        stage=stage,
        status=stage.status,
        currency="EUR",
        source_key=key,
    )


def archived(**more: Any) -> Opportunity:
    stages = {stage.status: stage for stage in PipelineStage.objects.order_by("-position")}
    deal: Opportunity = OpportunityFactory(
        stage=stages["lost"], status="lost", opened_at=OPENED, closed_at=GONE, stage_changed_at=GONE,
        lost_reason="Archived in the CRM", **more,
    )  # fmt: skip
    OpportunityChange.objects.filter(opportunity=deal).delete()
    line(deal, "1", OPENED + timedelta(days=5), stages["open"])
    line(deal, f"archived:{GONE.isoformat()}", GONE, stages["lost"])
    return deal


def restore() -> None:
    import_module("leads.migrations.0021_archived_deals_are_deleted").restore(apps, None)


def test_it_stands_where_it_stood_and_counts_nowhere() -> None:
    deal = archived()
    for _ in range(2):
        restore()
    deal.refresh_from_db()
    assert (deal.status, deal.closed_at, deal.lost_reason, deal.deleted_at) == ("open", None, "", GONE)
    assert deal.stage_changed_at == OPENED + timedelta(days=5)
    assert list(deal.changes.values_list("source_key", flat=True)) == ["1"]


def test_what_sales_said_since_stays() -> None:
    deal = archived()
    line(deal, "2", GONE + timedelta(days=1), deal.stage)
    other = archived()
    Opportunity.objects.filter(pk=other.pk).update(lost_reason="Price")
    restore()
    for each in (deal, other):
        each.refresh_from_db()
        assert (each.status, each.deleted_at) == ("lost", None)
