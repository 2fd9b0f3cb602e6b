"""The whole made-up company from one seed: same seed, size and end, same rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from config.demo.campaigns import costs, plan
from config.demo.deals import make_deals
from config.demo.journeys import Journeys
from config.demo.people import Population
from config.demo.records import Deal, DemoCompany, Rate
from config.demo.seasons import first_day
from config.demo.team import TERRITORIES, team

NAME = "Fernhill Analytics"
FULL_SIZE = 20_000
_DEALS_PER_LEAD = 0.075
_FOUND_BY_SALES = 0.9  # of the deals that no campaign caused


def build(seed: int, until: datetime, leads: int = FULL_SIZE) -> DemoCompany:
    """The company as of `until` (aware). Money scales with `leads`; campaigns and people at work do not."""
    rng = Random(f"{seed}")
    until = until.astimezone(UTC).replace(microsecond=0)
    start = first_day(until)
    since = datetime.combine(start, time(), UTC)
    campaigns = plan(start, until.date())
    population = Population(rng, leads)
    journeys = Journeys(rng, campaigns, population, since, until)
    journeys.make(leads)
    deals = make_deals(rng, journeys, population.accounts, round(leads * _DEALS_PER_LEAD))
    _find_by_sales(Random(f"{seed} outbound"), journeys, deals)
    journeys.touches.sort(key=lambda touch: (touch.at, touch.lead, touch.kind))
    return DemoCompany(
        seed=seed,
        name=NAME,
        currency="EUR",
        time_zone="Europe/Berlin",
        since=since,
        until=until,
        people=team(until.date()),
        territories=list(TERRITORIES),
        campaigns=campaigns,
        costs=costs(rng, campaigns, start, until.date(), leads / FULL_SIZE),
        rates=_rates(rng, start, until.date()),
        accounts=population.accounts,
        leads=journeys.leads,
        touches=journeys.touches,
        deals=deals,
    )


def _find_by_sales(rng: Random, journeys: Journeys, deals: list[Deal]) -> None:
    """Some deals that no campaign caused were found by sales: their people met no campaign at all."""
    caused = {lead for deal in deals if deal.cause is not None for lead, _ in deal.contacts}
    found = {
        lead
        for deal in deals
        if deal.cause is None and rng.random() < _FOUND_BY_SALES
        for lead, _ in deal.contacts
        if lead not in caused
    }
    kept = []
    for touch in journeys.touches:
        lead = journeys.leads[touch.lead]
        if touch.lead in found and touch.campaign is not None:
            if touch.at != lead.captured_at:
                continue
            touch.campaign, touch.channel = None, "direct"
            lead.campaign, lead.channel = None, "direct"
        kept.append(touch)
    journeys.touches[:] = kept


def _rates(rng: Random, start: date, until: date) -> list[Rate]:
    """A wandering rate per foreign currency for every Monday, from a month before the first deal can close."""
    rows = []
    for currency, rate in (("USD", 0.915), ("GBP", 1.168)):
        day = start - timedelta(weeks=5)
        while day <= until:
            rows.append(Rate(currency, day, Decimal(f"{rate:.5f}")))
            rate *= 1 + (rng.random() - 0.5) * 0.011
            day += timedelta(weeks=1)
    return rows
