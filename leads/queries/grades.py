"""Leads by the cell of the fit and engagement grid in which they stand."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from leads.models import Lead, ScoringRuleSet
from leads.pure.grades import GRADES, Limits, Thresholds, grade_limits


def active_limits() -> Thresholds | None:
    """The thresholds in force; None where no version is active."""
    active = ScoringRuleSet.objects.filter(state=ScoringRuleSet.State.ACTIVE)
    found = active.values_list("fit_threshold", "behaviour_threshold").first()
    return Thresholds(*found) if found else None


def in_grade(leads: QuerySet[Lead], grade: str) -> QuerySet[Lead]:
    """Leads of one cell such as "A1"; none for what is no cell."""
    rules = active_limits()
    return leads.filter(_cell(rules, grade)) if rules and grade in GRADES else leads.none()


def grid(leads: QuerySet[Lead], rules: Thresholds) -> dict[str, int]:
    """How many of these leads stand in each cell. One query."""
    return leads.aggregate(**{grade: Count("pk", filter=_cell(rules, grade)) for grade in GRADES})


def _cell(rules: Thresholds, grade: str) -> Q:
    fit, behaviour = grade_limits(rules, grade)
    return _between("shown__fit", fit) & _between("shown__behaviour", behaviour) & Q(shown__isnull=False)


def _between(field: str, limits: Limits) -> Q:
    low, high = limits
    wanted = Q()
    if low is not None:
        wanted &= Q(**{f"{field}__gte": low})
    if high is not None:
        wanted &= Q(**{f"{field}__lt": high})
    return wanted
