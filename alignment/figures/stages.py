"""Where open deals stand, and how far a cohort of leads has come: tables whose cells are figures or lead to rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from django.db.models import Exists, OuterRef

from leads.figures import selection
from leads.figures.base import Scope
from leads.figures.lifecycle import captured
from leads.figures.pipeline import open_deals
from leads.models import DealStatus, LifecyclePassage, PipelineStage, Stage
from leads.pure.lifecycle import LADDER

COHORT = (Stage.MQL, Stage.SAL, Stage.SQL, Stage.OPPORTUNITY, Stage.CUSTOMER)


@dataclass(frozen=True, slots=True)
class StageLine:
    """Open deals of one stage. Money in cents of the company currency; ``unpriced`` deals are in no sum."""

    stage: PipelineStage
    count: int
    cents: int
    weighted_cents: int
    unpriced: int
    median_days: float | None
    stalled: int


def stage_lines(scope: Scope) -> list[StageLine]:
    """The open stages in order, with the deals standing there now; two queries."""
    at = selection.moment(scope)
    found: dict[int, list[tuple[int | None, datetime]]] = {}
    deals = open_deals(scope).order_by().values_list("stage_id", "reporting_cents", "stage_changed_at")
    for stage_id, cents, since in deals:
        found.setdefault(stage_id, []).append((cents, since))
    stages = PipelineStage.objects.filter(status=DealStatus.OPEN).order_by("position", "pk")
    return [_stage_line(stage, found.get(stage.pk, []), at) for stage in stages]


def _stage_line(stage: PipelineStage, deals: Sequence[tuple[int | None, datetime]], at: datetime) -> StageLine:
    priced = [cents for cents, _ in deals if cents is not None]
    days = [max((at - since).total_seconds(), 0) / 86_400 for _, since in deals]
    return StageLine(
        stage=stage,
        count=len(deals),
        cents=sum(priced),
        weighted_cents=sum(round(cents * stage.probability) for cents in priced),
        unpriced=len(deals) - len(priced),
        median_days=median(days) if days else None,
        stalled=sum(1 for age in days if age > stage.stalled_after_days),
    )


@dataclass(frozen=True, slots=True)
class CohortStep:
    """How many of a cohort have reached a stage, and how many of the step before still may."""

    stage: str
    reached: int
    pending: int


def cohort(scope: Scope) -> list[CohortStep]:
    """The persons captured in the period, and how far they have come by the scope's moment; one query."""
    passed = {
        f"reached_{stage}": Exists(
            LifecyclePassage.objects.filter(
                lead=OuterRef("pk"), to_stage__in=LADDER[LADDER.index(stage) :], passed_at__lte=scope.at
            )
        )
        for stage in COHORT
    }
    people = list(captured(scope).order_by().annotate(**passed).values_list("stage", *passed))
    came = [True] * len(people)
    steps = [CohortStep(Stage.LEAD, len(people), 0)]
    for place, stage in enumerate(COHORT, start=1):
        reached = [bool(person[place]) for person in people]
        pending = sum(
            before and not now and person[0] not in (Stage.DISQUALIFIED, Stage.RECYCLED)
            for before, now, person in zip(came, reached, people, strict=True)
        )
        steps.append(CohortStep(stage, sum(reached), pending))
        came = reached
    return steps
