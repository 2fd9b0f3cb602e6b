"""Compose a weekly report: everything its page shows, as plain data, and the rows behind every number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alignment.actions.report.explain_revenue import best_and_worst, explain_campaigns
from alignment.actions.report.explain_tiles import BEFORE, explain_tile, explain_won, sentence_causes
from alignment.actions.report.freeze_figure import CAMPAIGN_ID, FrozenFigure, freeze_figure
from alignment.actions.report.read_figures import PENDING, QUARTER_WEEKS, Readings, at_same_age
from alignment.pure import sealing
from alignment.pure.headline import TileChange, headline
from leads.figures.base import Column, Scope
from leads.figures.offers import usual_method
from leads.models import Company, RejectionReason
from leads.pure.week import Period, Week

LAYOUT = 3
TILES = (
    "leads.mqls",
    "leads.lead_velocity",
    "leads.conversion.mql_to_sql",
    "pipeline.sourced",
    "pipeline.won",
    "spend.total",
    "attribution.roi",
)
# In the order of their importance for the first sentence; spend is a means, and velocity moves once a month.
HEADLINE = ("pipeline.won", "pipeline.sourced", "leads.mqls", "leads.conversion.mql_to_sql")
SALES_PROMISES = ("leads.follow_up_attainment", "leads.speed_to_lead")
MARKETING_PROMISES = ("leads.acceptance_rate", "leads.rejection_reasons")
QUALITY = (
    "attribution.coverage",
    "attribution.unattributed",
    "quality.missing_cost",
    "quality.missing_contacts",
    "quality.unassigned",
)
# Entries that are a figure over another period than the week.
WON_BEFORE, LOST_BEFORE = f"pipeline.won{BEFORE}", f"pipeline.lost_count{BEFORE}"
SPEND_BEFORE = f"spend.total{BEFORE}"
QUARTER_REVENUE, QUARTER_COST = "attribution.revenue-13-weeks", "spend.total-13-weeks"
_CAMPAIGN_ENTRIES = ("attribution.revenue", "spend.total", SPEND_BEFORE, QUARTER_REVENUE, QUARTER_COST)


@dataclass(slots=True)
class Draft:
    """A report before it is published: its content, the frozen figures by entry, and its campaigns."""

    week: Week
    scope: Scope
    content: dict[str, Any] = field(default_factory=dict)
    frozen: dict[str, FrozenFigure] = field(default_factory=dict)
    campaigns: list[dict[str, Any]] = field(default_factory=list)

    def freeze(self, entry: str, figure: FrozenFigure) -> None:
        """Keep a figure's rows under an entry."""
        self.frozen[entry] = figure


def entry_name(*, entry: str, about: Mapping[str, Any]) -> str:
    """The figure's name, and the period where it is not the week itself."""
    other = entry.removeprefix(about["figure"]).lstrip("-").replace("-", " ")
    return f"{about['name']}, {'week before' if other == 'before' else other}" if other else str(about["name"])


def more_columns(entry: str) -> tuple[Column, ...]:
    """What a report keeps of a figure's rows beside what is shown."""
    return (Column(CAMPAIGN_ID, ""),) if entry in _CAMPAIGN_ENTRIES else ()


def report_scope(*, company: Company, week: Week, at: datetime) -> Scope:
    """What a report asks of every figure: the whole company, the whole week, the company's method."""
    return Scope(
        period=week.period(company.tz),
        at=at,
        tz=company.tz,
        currency=company.currency,
        method=usual_method(company.default_method),
    )


def compose_report(*, company: Company, week: Week, at: datetime) -> Draft:
    """Compute the week as it is known at a moment. Writes nothing."""
    draft = Draft(week, report_scope(company=company, week=week, at=at))
    readings = Readings(week, draft.scope, draft.freeze)
    tiles = [readings.tile(key) for key in TILES]
    service: list[dict[str, Any]] = [
        {"side": "Sales SLA", "figures": [readings.tile(key) for key in SALES_PROMISES]},
        {"side": "Marketing SLA", "figures": [readings.tile(key) for key in MARKETING_PROMISES]},
    ]
    quality = [readings.plain(key) for key in QUALITY]
    campaigns = draft.campaigns = _campaigns(draft)
    best, worst = best_and_worst(campaigns)
    split, changes = _explained(draft)
    news = headline(list(_told(tiles, changes, draft.scope)))
    told = [*tiles, *(figure for side in service for figure in side["figures"])]
    draft.content = sealing.plain(
        {
            "layout": LAYOUT,
            "week": str(week),
            "days": week.label(),
            "method": draft.scope.method,
            "basis": draft.scope.basis,
            "headline": {"sentence": news.sentence, "tone": news.tone},
            "tiles": tiles,
            "split": split,
            "changes": changes,
            "campaigns": {"best": best, "worst": worst, "count": len(campaigns), "weeks": QUARTER_WEEKS},
            "service": service,
            "rejections": _rejections(draft),
            "quality": quality,
            "unusual": [_unusual(figure) for figure in told if figure["is_unusual"]],
            "restatements": [],
            "revisions": list(_revisions(draft)),
            "figures": {entry: frozen.about for entry, frozen in draft.frozen.items()},
        }
    )
    return draft


def _explained(draft: Draft) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Why won revenue changed, and the same of every tile in their order, against the same figures of last week."""
    draft.freeze("pipeline.lost_count", freeze_figure(key="pipeline.lost_count", scope=draft.scope))
    before = draft.week.previous().period(draft.scope.tz)
    for key in (*TILES, "pipeline.lost_count"):
        scope = at_same_age(draft.scope, before, is_cohort=PENDING in draft.frozen[key].figure.totals)
        entry = f"{key}{BEFORE}"
        draft.freeze(entry, freeze_figure(key=key, scope=scope, more=more_columns(entry)))
    split, won = explain_won(
        won=draft.frozen["pipeline.won"],
        lost=draft.frozen["pipeline.lost_count"],
        won_before=draft.frozen[WON_BEFORE],
        lost_before=draft.frozen[LOST_BEFORE],
    )
    changes = [
        won if key == "pipeline.won" else explain_tile(now=draft.frozen[key], before=draft.frozen[f"{key}{BEFORE}"])
        for key in TILES
    ]
    return split, changes


def _campaigns(draft: Draft) -> list[dict[str, Any]]:
    """Weekly revenue tells what happened; ROI over a quarter tells whether it pays, as deals take longer than weeks."""
    first = draft.week.previous(QUARTER_WEEKS - 1)
    quarter = draft.scope.during(Period(first.bounds(draft.scope.tz)[0], draft.scope.period.end))
    for entry, key, scope in (
        ("attribution.revenue", "attribution.revenue", draft.scope),
        ("spend.total", "spend.total", draft.scope),
        (QUARTER_REVENUE, "attribution.revenue", quarter),
        (QUARTER_COST, "spend.total", quarter),
    ):
        draft.freeze(entry, freeze_figure(key=key, scope=scope, more=more_columns(entry)))
    return explain_campaigns(
        revenue=draft.frozen["attribution.revenue"],
        cost=draft.frozen["spend.total"],
        quarter_revenue=draft.frozen[QUARTER_REVENUE],
        quarter_cost=draft.frozen[QUARTER_COST],
    )


def _revisions(draft: Draft) -> Iterable[dict[str, Any]]:
    """Changes of definitions in the weeks that the report compares: their figures are told by the new one throughout,
    while reports that came out before keep what the old one said."""
    first = draft.week.previous(QUARTER_WEEKS).bounds(draft.scope.tz)[0]
    for entry, frozen in draft.frozen.items():
        if entry.endswith(BEFORE):
            continue  # told by the figure of the week itself
        meaning = frozen.figure.definition
        for each in meaning.revisions:
            if first <= each.at <= draft.scope.at:
                yield {
                    "entry": entry,
                    "name": meaning.name,
                    "version": each.version,
                    "at": each.at.isoformat(),
                    "text": each.text,
                    "by": each.by,
                    "reason": each.reason,
                }


def _told(tiles: list[dict[str, Any]], changes: list[dict[str, Any]], scope: Scope) -> Iterable[TileChange]:
    by_key = {tile["figure"]: tile for tile in tiles}
    explained = {change["entry"]: change for change in changes}
    for key in HEADLINE:
        tile = by_key[key]
        yield TileChange(
            key=key,
            name=tile["name"],
            current=tile["value"],
            previous=tile["previous"],
            unit=tile["unit"],
            is_unusual=tile["is_unusual"],
            is_higher_better=tile["better"] == "up",
            currency=scope.currency,
            causes=sentence_causes(explained[key]),
        )


def _rejections(draft: Draft) -> list[list[Any]]:
    reasons = Counter(draft.frozen["leads.rejection_reasons"].column("included", "reason"))
    return [[RejectionReason(reason).label, count] for reason, count in reasons.most_common(3)]


def _unusual(figure: dict[str, Any]) -> dict[str, Any]:
    kept = ("entry", "name", "text", "unusual_direction", "normal_low", "normal_high", "tone")
    return {name: figure[name] for name in kept}
