"""Explain a week's won revenue: the split of its change, and what each campaign brought; all from frozen rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Count

from alignment.actions.report.count_rows import frozen_rows
from alignment.actions.report.freeze_figure import CAMPAIGN_ID, FrozenFigure
from alignment.pure.decomposition import Segment, decompose, segments
from alignment.pure.drivers import whole_units
from leads.figures.base import RowSet
from leads.models import Campaign
from leads.pure import words
from leads.pure.money import currency_decimals

LISTED = 5
UNPRICED = ("excluded_no_amount", "excluded_no_rate")
REFUNDS = "refunds"
PARTS = (
    ("volume", "Volume", "more or fewer deals decided"),
    ("conversion", "Conversion", "a higher or lower win rate"),
    ("deal_size", "Deal size", "larger or smaller won deals"),
    ("mix", "Mix", "decisions moved between territories"),
    (REFUNDS, "Refunds", "more or less money given back"),
)
NO_TERRITORY = "No territory"


def explain_change(
    *, won: FrozenFigure, lost: FrozenFigure, won_before: FrozenFigure, lost_before: FrozenFigure
) -> dict[str, Any]:
    """The change of won revenue against the week before in five parts that add up to the cent; unknown where the won
    revenue of one of the weeks is. Won deals without an amount are in no part; ``lacking_text`` says how many."""
    before, now = _segments(won_before, lost_before), _segments(won, lost)
    split = decompose(before, now)
    is_known = won.value is not None and won_before.value is not None
    currency = won.figure.scope.currency
    names = sorted({*before, *now})
    nothing = Segment(0, 0, 0)
    cents: dict[str, int] = {key: getattr(split, f"{key}_cents") for key, *_ in PARTS}
    shown = whole_units(cents, split.change_cents, currency_decimals(currency))
    return {
        "current_cents": None if won.value is None else int(won.value),
        "previous_cents": None if won_before.value is None else int(won_before.value),
        "change_cents": (change := split.change_cents if is_known else None),
        "change_text": _signed(change, currency),
        "lacking_text": _lacking_text(won, won_before),
        "current_text": words.money(None if won.value is None else int(won.value), currency),
        "previous_text": words.money(None if won_before.value is None else int(won_before.value), currency),
        "parts": [
            {
                "key": key,
                "name": name,
                "meaning": meaning,
                "cents": cents[key] if is_known else None,
                "text": _signed(shown[key] if is_known else None, currency),
            }
            for key, name, meaning in PARTS
        ],
        "segments": [
            {
                "name": name,
                **{
                    f"{when}_{fact}": getattr(rows.get(name, nothing), fact)
                    for when, rows in (("previous", before), ("current", now))
                    for fact in ("decided", "won", "won_cents", "refund_cents")
                },
            }
            for name in names
        ],
    }


def shown_parts(*, split: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of a published split that people read: refunds only where there are any."""
    return [part for part in split["parts"] if part["key"] != REFUNDS or part["cents"]]


def _lacking_text(won: FrozenFigure, won_before: FrozenFigure) -> str:
    counted = [
        f"{words.count(number)} won deal{'' if number == 1 else 's'} of {week}"
        for week, figure in (("this week", won), ("last week", won_before))
        if (number := sum(len(part.rows) for part in figure.parts if part.name in UNPRICED))
    ]
    return f"Without a known amount, and in no part: {' and '.join(counted)}." if counted else ""


def _segments(won: FrozenFigure, lost: FrozenFigure) -> dict[str, Segment]:
    rows = (frozen_rows(figure)["included"].values() for figure in (won, lost))
    return segments(*rows, nowhere=NO_TERRITORY)


def explain_campaigns(
    *, revenue: FrozenFigure, cost: FrozenFigure, quarter_revenue: FrozenFigure, quarter_cost: FrozenFigure
) -> list[dict[str, Any]]:
    """Every campaign with attributed revenue or cost in the 13 weeks, most revenue of the week first."""
    sums = {
        "week_revenue": _by_campaign(revenue, "included", "cents"),
        "week_cost": _by_campaign(cost, "included", "reporting_cents"),
        "revenue": _by_campaign(quarter_revenue, "included", "cents"),
        "cost": _by_campaign(quarter_cost, "included", "reporting_cents"),
    }
    unknown = {
        "week_revenue": _unknown_campaigns(revenue.figure.parts["included"]),
        "revenue": _unknown_campaigns(quarter_revenue.figure.parts["included"]),
    }
    ids = {public_id for found in (*sums.values(), *unknown.values()) for public_id in found if public_id}
    known = {
        str(campaign.public_id): campaign
        for campaign in Campaign.objects.filter(public_id__in=ids).select_related("channel")
    }
    rows = [_campaign(known[public_id], sums, unknown) for public_id in ids if public_id in known]
    return sorted(rows, key=lambda row: (-(row["week_revenue"] or 0), -(row["revenue"] or 0), row["name"], row["id"]))


def _unknown_campaigns(part: RowSet) -> set[str]:
    """Public ids of campaigns that earned credit in this part, and all of it in deals without an amount."""
    grouped = part.summed.order_by().values_list(CAMPAIGN_ID).annotate(known=Count("pk", filter=part.known))
    return {str(public_id) for public_id, known in grouped if public_id and not known}


def _campaign(
    campaign: Campaign, sums: dict[str, dict[str, int]], unknown: Mapping[str, Collection[str]]
) -> dict[str, Any]:
    public_id = str(campaign.public_id)
    earned = {name: None if public_id in unknown[name] else sums[name].get(public_id, 0) for name in unknown}
    revenue, cost = earned["revenue"], sums["cost"].get(public_id)
    roi = (revenue - cost) / cost if cost and revenue is not None else None
    return {
        "id": public_id,
        "name": campaign.name,
        "channel": campaign.channel.name,
        "week_revenue": earned["week_revenue"],
        "week_cost": sums["week_cost"].get(public_id),
        "revenue": revenue,
        "cost": cost,
        "roi": roi,
    }


def best_and_worst(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Up to five that brought most this week, and of the others up to five with the worst ROI over 13 weeks."""
    best = [row for row in rows if (row["week_revenue"] or 0) > 0][:LISTED]
    named = {row["id"] for row in best}
    rest = [row for row in rows if row["roi"] is not None and row["id"] not in named]
    worst = sorted(rest, key=lambda row: (row["roi"], -(row["cost"] or 0), row["name"]))[:LISTED]
    return best, worst


def _by_campaign(frozen: FrozenFigure, part: str, path: str) -> dict[str, int]:
    sums: defaultdict[str, int] = defaultdict(int)
    for public_id, cents in zip(frozen.column(part, CAMPAIGN_ID), frozen.column(part, path), strict=True):
        sums[public_id or ""] += int(cents)
    return dict(sums)


def _signed(cents: int | None, currency: str) -> str:
    text = words.money(cents, currency)
    return f"+{text}" if cents and cents > 0 else text
