"""A small company with deals, people and touches for attribution's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from attribution.actions.runs.run_attribution import run_attribution
from attribution.models import AttributionRun, Credit
from leads.models import Campaign, CampaignCost, Lead, Opportunity, OpportunityContact, Touchpoint
from tests.leads.factories import CampaignFactory, LeadFactory, OpportunityFactory, TouchpointFactory, channel

START = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def day(number: float) -> datetime:
    """So many days after START."""
    return START + timedelta(days=number)


def touched(lead: Lead, campaign: Campaign | None, at: float, **fields: Any) -> Touchpoint:
    return TouchpointFactory(lead=lead, campaign=campaign, occurred_at=day(at), **fields)


def deal(*leads: Lead, status: str = "won", opened: float = 20, closed: float = 40, **fields: Any) -> Opportunity:
    """A deal with these people, the first of them primary."""
    found = OpportunityFactory(
        status=status, opened_at=day(opened), closed_at=None if status == "open" else day(closed), **fields
    )
    for place, lead in enumerate(leads):
        OpportunityContact.objects.create(opportunity=found, lead=lead, is_primary=place == 0)
    return found


def cost(campaign: Campaign, cents: int, at: float = 10, **fields: Any) -> CampaignCost:
    known = {"currency": "EUR", "reporting_cents": cents, "recorded_at": day(at + 1), **fields}
    return CampaignCost.objects.create(campaign=campaign, spent_on=day(at).date(), amount_cents=cents, **known)


def company_with_deals() -> dict[str, Any]:
    """Two campaigns of one programme, one alone; won, open and lost deals with every awkward case among them."""
    programme = CampaignFactory(name="Search programme", channel=channel("paid-search"))
    search = CampaignFactory(name="Search", parent=programme, channel=channel("paid-search"))
    social = CampaignFactory(name="Social", channel=channel("paid-social"))
    mail = CampaignFactory(name="Mail", channel=channel("email"))
    ada, bob, cyd, dan = (LeadFactory(captured_at=day(1), campaign=search, channel=search.channel) for _ in range(4))
    touched(ada, search, 0)
    touched(ada, social, 5)
    touched(ada, mail, 30)
    touched(ada, None, 35, channel=channel("direct"))
    touched(bob, social, 10)
    touched(bob, mail, 10)  # the same second
    touched(bob, search, 10, exclusion="bot")
    touched(cyd, mail, 50)  # after the close of the first deal, before that of the second
    cost(search, 30_000)
    cost(social, 50_000, at=12)
    return {
        "programme": programme,
        "search": search,
        "social": social,
        "mail": mail,
        "ada": ada,
        "bob": bob,
        "cyd": cyd,
        "won": deal(ada, amount_cents=100_001),
        "repeat": deal(ada, cyd, opened=45, closed=60, amount_cents=77_777),
        "dollars": deal(bob, amount_cents=200_000, currency="USD", reporting_cents=183_333),
        "untouched": deal(dan, amount_cents=50_000),
        "unknown": deal(bob, amount_cents=None),
        "no_rate": deal(bob, amount_cents=90_000, currency="XXX", reporting_cents=None),
        "lost": deal(ada, status="lost", amount_cents=60_000),
        "open": deal(ada, bob, status="open", amount_cents=40_003),
    }


def run(**fields: Any) -> AttributionRun:
    return run_attribution(**{"at": AT, "reason": "test", **fields})


def stored() -> list[tuple[Any, ...]]:
    """Every credit without its run, in a fixed order."""
    fields = ("opportunity", "scope", "method", "touchpoint", "campaign", "channel", "touched_at", "weight", "cents")
    return sorted(Credit.objects.values_list(*fields), key=repr)
