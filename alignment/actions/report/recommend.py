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
from alignment.pure.recommending import Advice, Asked, CampaignFacts, Entries, FigureFacts, recommend

State = Recommendation.State
# The part of all spend below which a campaign is too small for a decision about budgets, however high its ROI.
WEIGHTY = 0.02
# So many open ones of earlier weeks are listed again, the newest first.
MOST_STILL = 5
NOTHING = "No decision is needed: carry on as planned."


def recommended(*, draft: Draft, before: WeeklyReport | None, at: datetime) -> tuple[list[Advice], dict[str, Any]]:
    """New questions of a report, and what its content says: those that are open as of its publication, and what
    became of those of the report before. Reads what people decided until then; writes nothing."""
    known = _known(draft, at)
    asked = [_asked(row, at) for row in known]
    # A week that is published after a later one has nothing to ask that the later one did not.
    is_late = WeeklyReport.objects.filter(week__gt=str(draft.week)).exists()
    new = [] if is_late else _new(draft, asked)
    subjects = {advice.subject for advice in new}
    still = [row for row in known if _is_open(row, at) and row.subject not in subjects]
    told = {
        "recommendations": [kept(row=row) for row in reversed(still[-MOST_STILL:])],
        "recommendations_more": _more(len(still) - MOST_STILL),
        "last_recommendations": _last(before, known, subjects, draft, at),
        "decision": new[0].question if new else _standing(still),
    }
    return new, told


def write_recommendations(*, report: WeeklyReport, new: Sequence[Advice], ids: Sequence[Any]) -> None:
    """Keep a report's new questions under public ids that its content names; they replace open ones they ask anew."""
    for advice in new:
        standing = Recommendation.objects.filter(subject=advice.subject, state=State.OPEN)
        standing.update(state=State.REPLACED, closed_at=report.published_at, reason=advice.changed)
    Recommendation.objects.bulk_create(
        Recommendation(
            public_id=public_id,
            report=report,
            week=report.week,
            made_at=report.published_at,
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
            currency=report.currency,
        )
        for position, (advice, public_id) in enumerate(zip(new, ids, strict=True))
    )


def kept_new(advice: Advice, public_id: Any, week: str) -> dict[str, Any]:
    """The same of one that the report asks first."""
    told = {name: getattr(advice, name) for name in ("kind", "subject", "question", "changed", "grounds")}
    told |= {"caution": advice.caution, "capacity": advice.capacity}
    return {"id": str(public_id), "week": week, **told, "evidence": [asdict(each) for each in advice.evidence]}


def _is_open(row: Recommendation, at: datetime) -> bool:
    """Whether nobody had answered by then."""
    return row.closed_at is None or row.closed_at > at


def _new(draft: Draft, asked: Sequence[Asked]) -> list[Advice]:
    return recommend(
        list(_campaigns(draft)),
        list(_figures(draft.content["tiles"])),
        asked,
        currency=draft.scope.currency,
        entries=Entries(QUARTER_COST, QUARTER_REVENUE),
    )


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
        found.append({"id": str(row.public_id), "week": row.week, "question": row.question, "outcome": text})
    return found


def _more(number: int) -> str:
    if number < 1:
        return ""
    return f"{number} more recommendation{'' if number == 1 else 's'} of earlier weeks {_are(number)} open."


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _standing(still: Sequence[Recommendation]) -> str:
    if not still:
        return NOTHING
    if len(still) == 1:
        return f"Nothing new to decide; still open: {still[0].question}"
    return f"Nothing new to decide; {len(still)} recommendations of earlier weeks are still open."
