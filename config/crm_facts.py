"""What the CRM sync may show of attribution: joined here, for the two apps never meet."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from attribution.queries.lead_campaigns import attributed_campaigns, leads_credited_since
from integrations.actions.lead_facts import Provider, register_provider

NAME = "attributed_campaign"


def _values(lead_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    return {pk: {NAME: name} for pk, name in attributed_campaigns(lead_ids).items()}


def register() -> None:
    """Once, when the apps are ready."""
    register_provider(Provider({NAME: "Attributed campaign"}, _values, lambda since: leads_credited_since(since.clock)))
