"""Nouns of attribution: rules, runs, credits, and what is known about their accuracy."""

from attribution.models.accuracy import AccuracyCheck, LiftTest, MethodFit, Simulation, SourceCheck
from attribution.models.credit import Credit, CreditQuerySet, JourneyState
from attribution.models.past_credit import PastCredit, PastMoment
from attribution.models.rules import AttributionRules, CustomMethod, JourneyScope, Milestone, SourcedTest
from attribution.models.run import AttributionRun, AttributionShard
from attribution.models.sourced import SourcedDecision
from attribution.models.staging import StagedCredit, StagedState

__all__ = [
    "AccuracyCheck",
    "AttributionRules",
    "AttributionRun",
    "AttributionShard",
    "Credit",
    "CreditQuerySet",
    "CustomMethod",
    "JourneyScope",
    "JourneyState",
    "LiftTest",
    "MethodFit",
    "Milestone",
    "PastCredit",
    "PastMoment",
    "Simulation",
    "SourceCheck",
    "SourcedDecision",
    "SourcedTest",
    "StagedCredit",
    "StagedState",
]
