"""How far those have come who entered a stage in a period: a few queries for the funnel and all its conversions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, StrIndex

from leads.figures.base import Scope, Tally
from leads.figures.lifecycle import captured, first_passages
from leads.models import LifecyclePassage, Stage
from leads.pure.lifecycle import LADDER

FUNNEL = (Stage.MQL, Stage.SAL, Stage.SQL, Stage.OPPORTUNITY, Stage.CUSTOMER)
CONVERSIONS = {
    "leads.conversion.lead_to_mql": (Stage.LEAD, Stage.MQL),
    "leads.conversion.mql_to_sal": (Stage.MQL, Stage.SAL),
    "leads.conversion.mql_to_sql": (Stage.MQL, Stage.SQL),
    "leads.conversion.sql_to_opportunity": (Stage.SQL, Stage.OPPORTUNITY),
}
"""Figures that cohorts tell, each with the stage entered and the stage reached."""


# A stage's place in this text grows with its rung: one function, where a CASE of seven takes Django longer to write
# than the database to answer.
_IN_ORDER = Value(" ".join(LADDER))
_RUNGS = {0: -1} | {_IN_ORDER.value.index(stage) + 1: rung for rung, stage in enumerate(LADDER)}


@dataclass(frozen=True, slots=True)
class Step:
    """How many of a cohort have reached a stage, and how many of the step before still may."""

    stage: str
    reached: int
    pending: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """How many entries stand in which stage today and had by the scope's moment reached which rung of the ladder, as
    (stage, rung, number); -1 is none."""

    counts: tuple[tuple[str, int, int], ...]

    @property
    def size(self) -> int:
        """How many entries."""
        return sum(number for *_, number in self.counts)

    def reached(self, stage: str) -> int:
        """How many have come as far as this stage or farther."""
        rung = LADDER.index(stage)
        return sum(number for _, highest, number in self.counts if highest >= rung)

    def steps(self) -> list[Step]:
        """The way of persons captured, from all of them down to customers."""
        found = [Step(Stage.LEAD, self.size, 0)]
        before = -1
        for stage in FUNNEL:
            rung = LADDER.index(stage)
            pending = sum(
                number
                for now, highest, number in self.counts
                if before <= highest < rung and now not in (Stage.DISQUALIFIED, Stage.RECYCLED)
            )
            found.append(Step(LADDER[rung], self.reached(stage), pending))
            before = rung
        return found


def captured_cohort(scope: Scope) -> Cohort:
    """The persons captured in the period; one query."""
    return _cohort(captured(scope), "", scope)


def conversions(scope: Scope, people: Cohort) -> Mapping[str, dict[str, Tally]]:
    """What the counted parts of each of CONVERSIONS come to, as asking for the figure would tell, where ``people`` are
    those captured; two queries."""
    entered = {
        Stage.LEAD: people,
        **{stage: _cohort(first_passages(scope, stage), "lead__", scope) for stage in (Stage.MQL, Stage.SQL)},
    }
    return {
        key: {"numerator": Tally(entered[start].reached(end)), "denominator": Tally(entered[start].size)}
        for key, (start, end) in CONVERSIONS.items()
    }


def _cohort(entries: QuerySet[Any], to_lead: str, scope: Scope) -> Cohort:
    lead = OuterRef("lead" if to_lead else "pk")
    passed = LifecyclePassage.objects.filter(lead=lead, to_stage__in=LADDER, passed_at__lte=scope.at)
    highest = passed.order_by().values("lead").annotate(highest=Max(StrIndex(_IN_ORDER, "to_stage")))
    told = entries.order_by().annotate(highest=Coalesce(Subquery(highest.values("highest")), 0))
    counts = told.values_list(f"{to_lead}stage", "highest").annotate(Count("pk"))
    return Cohort(tuple((stage, _RUNGS[place], number) for stage, place, number in counts))
