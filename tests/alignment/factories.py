"""Reports and criteria for the tests of alignment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alignment.actions.report.publish_report import publish_report
from alignment.models import AcceptanceCriterion, WeeklyReport
from attribution.actions.runs.run_attribution import run_attribution
from leads.models import User
from leads.pure.week import Week
from tests.leads.factories import CampaignFactory
from tests.leads.figures import world

WEEK = Week(2026, 46)
MONDAY = datetime(2026, 11, 16, 5, 0, tzinfo=UTC)  # 06:00 in Berlin


def build_world() -> Any:
    """The hand-worked company, with credits for its deals."""
    made = world.build()
    run_attribution(at=MONDAY, reason="test")
    return made


def report(week: Week = WEEK, at: datetime = MONDAY, **more: Any) -> WeeklyReport:
    """The report of a week, published at a moment and as of it."""
    return publish_report(week=week, at=at, **more)


def criterion(code: str = "1.1.1", position: int = 1) -> AcceptanceCriterion:
    return AcceptanceCriterion.objects.get(point__code=code, position=position)


def named(user: User, name: str) -> User:
    User.objects.filter(pk=user.pk).update(name=name)
    user.refresh_from_db()
    return user


__all__ = ["CampaignFactory", "build_world", "criterion", "named", "report"]
