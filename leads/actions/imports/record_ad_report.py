"""Record the daily costs of an advertising service's report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from leads.actions.campaigns.keep_cost_history import Said
from leads.actions.campaigns.record_costs import DayCost, record_costs
from leads.pure.imports.ad_reports import AdReport, by_campaign
from leads.queries.imports import campaigns_named


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many days were new, changed and the same, and which campaigns of the report are not known here."""

    created: int
    updated: int
    unchanged: int
    unknown: tuple[str, ...]


def record_ad_report(*, report: AdReport, said: Said, at: datetime) -> Recorded:
    """Record costs under the service's own source, so that a day that is read again replaces itself.

    Campaigns are found by code or name, without regard to case; of several of one name none is taken.
    """
    known = campaigns_named()
    unknown: dict[str, None] = {}
    summed: Counter[tuple[int, date, str]] = Counter()
    for name, day, cents, currency in by_campaign(report):
        campaign = known.get(name.casefold())
        if campaign is None:
            unknown[name] = None
            continue
        # Two names of the report may be the code and the name of one campaign.
        summed[campaign, day, currency] += cents
    costs = [DayCost(campaign, day, cents, currency) for (campaign, day, currency), cents in summed.items()]
    counted = Counter(record_costs(costs=costs, source=report.preset.source, said=said, at=at)) if costs else Counter()
    return Recorded(counted["created"], counted["updated"], counted["unchanged"], tuple(unknown))
