"""Where open deals stand: a table whose cells are figures or lead to rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import QuerySet

from leads.figures.base import Tally
from leads.figures.deal_parts import STAGE_UNKNOWN, weighted
from leads.figures.stood import in_stage_since
from leads.models import DealStatus, PipelineStage


@dataclass(frozen=True, slots=True)
class StageLine:
    """Deals that stood in one stage; ``stage`` None is of those whose stage then is not known.

    Money in cents of the company currency: 0 of no deals, None where no deal has an amount. ``unpriced`` deals are in
    no sum. ``part`` is that of the figures "pipeline.stages" and "pipeline.stages_count" with the same deals.
    """

    stage: PipelineStage | None
    part: str
    count: int
    cents: int | None
    weighted_cents: int | None
    unpriced: int
    median_days: float | None
    stalled: int


@dataclass(frozen=True, slots=True)
class OpenDeal:
    """How a deal stood; ``stage`` is its id, and ``position`` its place in the pipeline, where it is known."""

    pk: int
    stage: int | None
    stage_name: str | None
    position: int | None
    cents: int | None
    weighted_cents: int | None
    since: datetime | None
    is_stalled: bool = False


_FACTS = ("stood_stage", "stood_stage_name", "stood_position", "stood_cents", "weighted_cents", "stood_since")


@dataclass(frozen=True, slots=True)
class Standing:
    """The open deals of a scope's moment, read once: their stages, and what each stock of them comes to."""

    lines: list[StageLine]
    deals: list[OpenDeal]

    def tallies(self, key: str) -> dict[str, Tally]:
        """What the parts of a figure of open deals come to, as asking for it would tell. Raises KeyError."""
        match key:
            case "pipeline.open_count":
                return {"included": Tally(len(self.deals))}
            case "pipeline.stalled":
                return {"included": Tally(sum(line.stalled for line in self.lines))}
            case "pipeline.weighted":
                known = [deal.weighted_cents for deal in self.deals if deal.weighted_cents is not None]
                is_lacking = bool(self.deals) and not known
                return {"included": Tally(None, len(self.deals)) if is_lacking else Tally(sum(known))}
        raise KeyError(key)


def standing(deals: QuerySet[Any], at: datetime) -> Standing:
    """The open stages in order, with these open deals as they stood there at the moment; two queries.

    Every open deal is in one line, so that the lines add up to open pipeline; the line of those whose stage is not
    known is left out where there are none.
    """
    stages = list(PipelineStage.objects.filter(status=DealStatus.OPEN).order_by("position", "pk"))
    allowed = {stage.pk: timedelta(days=stage.stalled_after_days) for stage in stages}
    found: dict[int | None, list[OpenDeal]] = {}
    rows = in_stage_since(weighted(deals), at=at).order_by()
    for pk, stage_id, name, position, cents, expected, since in rows.values_list("pk", *_FACTS):
        is_stalled = since is not None and stage_id in allowed and at - since > allowed[stage_id]
        deal = OpenDeal(pk, stage_id, name, position, cents, expected, since, is_stalled)
        found.setdefault(stage_id, []).append(deal)
    all_deals = [deal for own in found.values() for deal in own]
    lines = [_stage_line(stage, f"stage_{stage.key}", found.pop(stage.pk, []), at) for stage in stages]
    others = [deal for own in found.values() for deal in own]
    return Standing([*lines, _stage_line(None, STAGE_UNKNOWN, others, at)] if others else lines, all_deals)


def _stage_line(stage: PipelineStage | None, part: str, deals: Sequence[OpenDeal], at: datetime) -> StageLine:
    priced = [deal.cents for deal in deals if deal.cents is not None]
    expected = [deal.weighted_cents for deal in deals if deal.weighted_cents is not None]
    days = [max((at - deal.since).total_seconds(), 0) / 86_400 for deal in deals if deal.since is not None]
    return StageLine(
        stage=stage,
        part=part,
        count=len(deals),
        cents=sum(priced) if priced or not deals else None,
        weighted_cents=sum(expected) if expected or not deals else None,
        unpriced=len(deals) - len(priced),
        median_days=median(days) if days and stage else None,
        stalled=sum(deal.is_stalled for deal in deals),
    )
