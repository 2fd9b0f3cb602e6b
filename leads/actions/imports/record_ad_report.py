"""Record the daily costs of an advertising service's report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from leads.actions.campaigns.keep_cost_history import Said
from leads.actions.imports.costs import import_costs
from leads.pure.imports.ad_reports import AdReport
from leads.pure.imports.cells import RowRefused


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
    outcomes = import_costs(records=report.costs, said=said, at=at, service=report.preset.source)
    refused = [
        record.campaign
        for record, outcome in zip(report.costs, outcomes, strict=True)
        if isinstance(outcome, RowRefused)
    ]
    counted = Counter(outcome for outcome in outcomes if not isinstance(outcome, RowRefused))
    return Recorded(counted["created"], counted["updated"], counted["unchanged"], tuple(dict.fromkeys(refused)))
