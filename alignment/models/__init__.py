"""Nouns of alignment."""

from alignment.models.integration_point import (
    AcceptanceCriterion,
    CriterionEvent,
    Evidence,
    IntegrationPoint,
    SignOff,
)
from alignment.models.recommendation import Recommendation
from alignment.models.report_pdf import ReportPdf
from alignment.models.weekly_report import (
    ReportDelivery,
    ReportIsFrozen,
    ReportRows,
    Restatement,
    Target,
    WeeklyReport,
)

__all__ = [
    "AcceptanceCriterion",
    "CriterionEvent",
    "Evidence",
    "IntegrationPoint",
    "Recommendation",
    "ReportDelivery",
    "ReportIsFrozen",
    "ReportPdf",
    "ReportRows",
    "Restatement",
    "SignOff",
    "Target",
    "WeeklyReport",
]
