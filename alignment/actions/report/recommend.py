"""Recommend what a report asks to decide: from its frozen rows, and not again what was asked before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from alignment.actions.report.compose_report import QUARTER_COST, QUARTER_REVENUE, Draft
from alignment.actions.report.freeze_figure import CAMPAIGN_ID, KEY, FrozenFigure
from alignment.actions.report.present_recommendations import kept, outcome
from alignment.models import Recommendation, WeeklyReport
from alignment.pure import sealing
from alignment.pure.recommending import Asked, CampaignFacts, Entries, FigureFacts, recommend

State = Recommendation.State
# The part of all spend below which a campaign is too small for a decision about budgets, however high its ROI.
WEIGHTY = 0.02
# So many open ones of earlier weeks are listed again, the newest first.
MOST_STILL = 5
NOTHING = "No decision is needed: carry on as planned."


def recommended(
    *, draft: Draft, before: WeeklyReport | None, at: datetime
) -> tuple[list[Recommendation], dict[str, Any]]:
    """New questions of a report, not saved yet, and what its content says: those and the ones that are open as of its
    publication, and what became of those of the report before. Reads what people decided until then."""
    known = _known(draft, at)
    # A week that is published after a later one has nothing to ask that the later one did not.
    is_late = WeeklyReport.objects.filter(week__gt=str(draft.week)).exists()
    new = [] if is_late else _new(draft, [_asked(row, at) for row in known])
    subjects = {row.subject for row in new}
    still = [row for row in known if _is_open(row, at) and row.subject not in subjects]
    told = {
        "recommendations": [kept(row=row) for row in (*new, *reversed(still[-MOST_STILL:]))],
        "recommendations_more": _more(len(still) - MOST_STILL),
        "last_recommendations": _last(before, known, subjects, draft, at),
        "decision": new[0].question if new else _standing(still),
    }
    return new, told


def write_recommendations(*, report: WeeklyReport, new: Sequence[Recommendation]) -> None:
    """Save a report's new questions; they replace open ones that they ask anew."""
    for row in new:
        standing = Recommendation.objects.filter(subject=row.subject, state=State.OPEN)
        standing.update(state=State.REPLACED, closed_at=report.published_at, reason=row.changed)
        row.report, row.made_at = report, report.published_at
    Recommendation.objects.bulk_create(new)


def _is_open(row: Recommendation, at: datetime) -> bool:
    """Whether nobody had answered by then."""
    return row.closed_at is None or row.closed_at > at


def _new(draft: Draft, asked: Sequence[Asked]) -> list[Recommendation]:
    found = recommend(
        list(_campaigns(draft)),
        list(_figures(draft.content["tiles"])),
        asked,
        currency=draft.scope.currency,
        entries=Entries(QUARTER_COST, QUARTER_REVENUE),
    )
    return [
        Recommendation(
            week=str(draft.week),
            position=position,
            kind=advice.kind,
            subject=advice.subject,
            receiver=advice.receiver,
            question=advice.question,
            grounds=advice.grounds,
            caution=advice.caution,
            capacity=advice.capacity,
            changed=advice.changed,
            evidence=[asdict(each) for each in advice.evidence],
            values=sealing.plain(advice.values),
            amount_cents=advice.amount,
            currency=draft.scope.currency,
        )
        for position, advice in enumerate(found)
    ]


# --- what it rests on ------------------------------------------------------------------------------------------------


def _known(draft: Draft, at: datetime) -> list[Recommendation]:
    """What earlier reports asked, the oldest first."""
    rows = Recommendation.objects.filter(week__lt=str(draft.week), made_at__lte=at)
    return list(rows.order_by("week", "position"))


def _asked(row: Recommendation, at: datetime) -> Asked:
    return Asked(
        subject=row.subject,
        is_open=_is_open(row, at),
        values=row.values,
        receiver=row.receiver,
        amount=row.amount_cents or 0,
    )


def _campaigns(draft: Draft) -> Iterator[CampaignFacts]:
    """Campaigns whose spend is worth a decision, and whose revenue is known."""
    credits = _credits(draft.frozen[QUARTER_REVENUE])
    spent = sum(row["cost"] or 0 for row in draft.campaigns)
    for row in draft.campaigns:
        if row["cost"] and row["revenue"] is not None and row["cost"] >= WEIGHTY * spent:
            yield CampaignFacts(row["id"], row["name"], row["cost"], tuple(credits[row["id"]].values()))


def _credits(revenue: FrozenFigure) -> defaultdict[str, Counter[str]]:
    """What each deal credits each campaign with."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    cells = (revenue.column("included", path) for path in (CAMPAIGN_ID, KEY, "cents"))
    for campaign, key, cents in zip(*cells, strict=True):
        found[campaign or ""][key.split(":")[0]] += int(cents)
    return found


def _figures(tiles: Iterable[dict[str, Any]]) -> Iterator[FigureFacts]:
    for tile in tiles:
        if tile["is_unusual"] and tile["tone"] == "bad" and tile["value"] is not None:
            limits = (tile["normal_low"] or "0", tile["normal_high"])
            yield FigureFacts(
                key=tile["entry"],
                name=tile["name"],
                text=tile["text"],
                previous_text=tile["previous_text"],
                normal=f"{limits[0]} to {limits[1]}" if limits[1] else "",
                value=tile["value"],
                is_up=tile["direction"] == "up",
            )


def _last(
    before: WeeklyReport | None, known: Sequence[Recommendation], subjects: set[str], draft: Draft, at: datetime
) -> list[dict[str, Any]]:
    """What became of those that the report before listed."""
    listed = [each["id"] for each in before.content.get("recommendations", [])] if before else []
    by_id = {str(row.public_id): row for row in known}
    found = []
    for row in (by_id[public_id] for public_id in listed if public_id in by_id):
        is_replaced = _is_open(row, at) and row.subject in subjects
        text = "Asked again in this report" if is_replaced else outcome(row=row, tz=draft.scope.tz, at=at)
        is_answered = row.state in (State.DECIDED, State.DISMISSED) and not _is_open(row, at)
        told = {"week": row.week, "question": row.question, "outcome": text, "is_answered": is_answered}
        found.append({"id": str(row.public_id), **told})
    return found


def _more(number: int) -> str:
    if number < 1:
        return ""
    more = "more recommendation of earlier weeks is" if number == 1 else "more recommendations of earlier weeks are"
    return f"{number} {more} open."


def _standing(still: Sequence[Recommendation]) -> str:
    if not still:
        return NOTHING
    if len(still) == 1:
        return f"Nothing new to decide; still open: {still[0].question}"
    return f"Nothing new to decide; {len(still)} recommendations of earlier weeks are still open."
