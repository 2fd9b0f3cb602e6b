"""The integration points under way: who looks after each, until when, what was collected and what is signed off.

Written through the same actions as people use, as if on working days of the last weeks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from alignment.actions.points.add_evidence import add_evidence
from alignment.actions.points.plan_criteria import plan_criterion, plan_point
from alignment.actions.points.sign_off import sign_off
from alignment.models import AcceptanceCriterion, Evidence, IntegrationPoint
from config.demo.team import MAIL_DOMAIN
from leads.models import Company, Role, User
from leads.past.acting import Door, act, backdated

ADMIN, MARKETING, SALES = "ines.brandt", "nadia.moreau", "oliver.reid"


@dataclass(frozen=True, slots=True)
class _Plan:
    """A point's owner and how many days from now it is due; negative is overdue."""

    owner: str
    due_in: int


@dataclass(frozen=True, slots=True)
class _Step:
    """Evidence that somebody added some days ago, and how long ago sales signed the criterion off on it, if it did."""

    code: str
    position: int
    note: str
    by: str
    added: int
    signed: int | None = None
    remark: str = ""


_PLANS = {
    "1.1.1": _Plan(SALES, 12),
    "1.1.2": _Plan(SALES, 26),
    "1.1.3": _Plan(MARKETING, -3),
    "1.2.1": _Plan(SALES, 40),
    "1.2.2": _Plan(ADMIN, 54),
    "1.2.3": _Plan(SALES, 75),
}
# A criterion that somebody else than the point's owner looks after: owner, due in days.
_OWN_PLANS = {("1.1.1", 3): _Plan(ADMIN, 5), ("1.1.2", 2): _Plan(MARKETING, 12)}

PLANNED_AGO = 52
"""Days since the points were planned, before anything was collected."""
_STEPS = (
    _Step(
        "1.1.1",
        1,
        "Rubric of seven weighted questions (data sources, identity, hosting, security review, volumes, skills, "
        "timeline), agreed by sales and the platform team and applied to every deal above €25,000.",
        SALES,
        44,
        40,
    ),
    _Step(
        "1.1.1",
        2,
        "Twelve deals scored by both sides apart and then together: ten within one point of each other, two settled "
        "in the Thursday review.",
        ADMIN,
        23,
        19,
        "The two that differed are in the minutes of the review.",
    ),
    _Step(
        "1.1.1",
        3,
        "The stage probabilities now follow the win rates of the last four quarters; the platform team's answer "
        "moves a deal between Proposal and Negotiation.",
        ADMIN,
        4,
    ),
    _Step(
        "1.1.2",
        1,
        "Weekly list of open deals by amount and technical fit, used in the Tuesday pipeline meeting since the start "
        "of the quarter.",
        SALES,
        30,
        26,
    ),
    _Step(
        "1.1.2",
        2,
        "Fields agreed with the platform team: active developers, time to the first pipeline, support tickets. The "
        "first two arrive every day, the third is outstanding.",
        MARKETING,
        9,
    ),
    _Step(
        "1.1.3",
        1,
        "One page of six approved claims, each with its proof and an owner on both sides.",
        MARKETING,
        51,
        47,
    ),
    _Step(
        "1.1.3",
        2,
        "The nurture mails and the proposal template were read against the six claims; two sentences about latency "
        "were replaced.",
        MARKETING,
        16,
        12,
    ),
    _Step(
        "1.1.3",
        3,
        "Proposals sent in the last four weeks: 19 of 23 use the current wording.",
        MARKETING,
        5,
    ),
    _Step(
        "1.2.1",
        1,
        "Plan of the quarter by territory, with the platform features each target counts on marked on the roadmap.",
        SALES,
        33,
        32,
        "To be read again when the roadmap of next quarter is out.",
    ),
    _Step(
        "1.2.2",
        1,
        "List of features that lost deals asked for, with the amount of each deal, handed to the platform team.",
        ADMIN,
        11,
    ),
)


def write_points(at: datetime) -> None:
    """Plan all six points and live through the steps before `at`; a database that has evidence stays as it is."""
    with transaction.atomic():
        if Evidence.objects.exists():
            return
        zone, people = Company.current().tz, _people()
        planned_at = _moment(at, PLANNED_AGO, 0, zone)
        with _as(people[SALES], planned_at):
            _plan(at, planned_at, people)
        _live_through(at)


def _plan(at: datetime, planned_at: datetime, people: dict[str, User]) -> None:
    today = at.astimezone(Company.current().tz).date()
    for point in IntegrationPoint.objects.filter(code__in=_PLANS):
        plan = _PLANS[point.code]
        plan_point(point=point, owner=people[plan.owner], due_on=_workday(today, plan.due_in), by=people[SALES])
    for (code, position), plan in _OWN_PLANS.items():
        plan_criterion(
            criterion=_criterion(code, position),
            owner=people[plan.owner],
            due_on=_workday(today, plan.due_in),
            by=people[SALES],
            at=planned_at,
        )


def _live_through(at: datetime) -> None:
    zone, people = Company.current().tz, _people()
    for number, step in enumerate(_STEPS):
        criterion = _criterion(step.code, step.position)
        added_at = _moment(at, step.added, number, zone)
        with _as(people[step.by], added_at):
            add_evidence(criterion=criterion, note=step.note, by=people[step.by], at=added_at)
        if step.signed is not None:
            signed_at = _moment(at, step.signed, number + 1, zone)
            with _as(people[SALES], signed_at):
                sign_off(criterion=criterion, by=people[SALES], at=signed_at, note=step.remark)


@contextmanager
def _as(person: User, at: datetime) -> Iterator[None]:
    """What somebody did on the pages back then."""
    with backdated(at), act(Door.PAGE, actor=person.pk, because=str(Role(person.role).label)):
        yield


def _people() -> dict[str, User]:
    emails = {f"{name}@{MAIL_DOMAIN}": name for name in (ADMIN, MARKETING, SALES)}
    return {emails[user.email]: user for user in User.objects.filter(email__in=emails)}


def _criterion(code: str, position: int) -> AcceptanceCriterion:
    return AcceptanceCriterion.objects.select_related("point").get(point__code=code, position=position)


def _moment(at: datetime, days_ago: int, number: int, zone: ZoneInfo) -> datetime:
    """Office hours of a working day at least so many days ago."""
    day = _workday(at.astimezone(zone).date(), -days_ago)
    return datetime.combine(day, time(9 + number % 8, 7 + 11 * number % 53), zone)


def _workday(today: date, days: int) -> date:
    """The day so many days away, moved to the Friday before if it falls on a weekend."""
    day = today + timedelta(days=days)
    return day - timedelta(days=max(0, day.weekday() - 4))


__all__ = ["write_points"]
