"""What happens between the two teams: acceptance, rejection, speed to lead, kept promises."""

from __future__ import annotations

from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Subquery

from leads.figures import columns, selection
from leads.figures.base import Column, Definition, Derived, Parts, Row, RowSet, Scope, middle, ratio, register
from leads.models import Company, FollowUp, LifecyclePassage, Stage
from leads.pure.calendar import elapsed

_DECISION_COLUMNS = (
    *columns.PASSAGE[:4],
    Column("reason", "Reason"),
    Column("lead__campaign__name", "First campaign"),
    Column("lead__owner__name", "Owner"),
)


# --- acceptance ----------------------------------------------------------------------------------------------------


def _decisions(scope: Scope) -> QuerySet[LifecyclePassage]:
    """Answers of sales to MQLs given in the period: accepted, or sent back with a reason."""
    rows = selection.passages(scope).filter(selection.within(scope, "passed_at"), from_stage=Stage.MQL)
    answers = Q(to_stage=Stage.SAL) | (Q(to_stage__in=(Stage.DISQUALIFIED, Stage.RECYCLED)) & ~Q(reason=""))
    return rows.filter(answers).order_by("passed_at", "pk")


def _acceptance(scope: Scope) -> Parts:
    decisions = _decisions(scope)
    answered = LifecyclePassage.objects.filter(
        lead=OuterRef("lead"), from_stage=Stage.MQL, passed_at__gte=OuterRef("passed_at"), passed_at__lte=scope.at
    )
    waiting = selection.passages(scope).filter(selection.within(scope, "passed_at"), to_stage=Stage.MQL)
    return {
        "numerator": RowSet(
            decisions.filter(to_stage=Stage.SAL), _DECISION_COLUMNS, "Accepted by sales", dated_by="passed_at"
        ),
        "denominator": RowSet(decisions, _DECISION_COLUMNS, "Accepted or rejected", dated_by="passed_at"),
        "excluded_silent": RowSet(
            waiting.filter(~Exists(answered)).order_by("passed_at", "pk"),
            columns.PASSAGE,
            "No answer from sales yet: neither accepted nor rejected",
        ),
    }


def _rejected(scope: Scope) -> Parts:
    rows = _decisions(scope).exclude(to_stage=Stage.SAL)
    return {"included": RowSet(rows, _DECISION_COLUMNS, "MQLs rejected, with the reason", dated_by="passed_at")}


# --- speed to lead -------------------------------------------------------------------------------------------------


def _speed(scope: Scope) -> Parts:
    calendar = Company.current().hours
    genuine = FollowUp.objects.filter(lead=OuterRef("lead"), done_at__isnull=False, done_at__lte=scope.at)
    replies = genuine.exclude(outcome=FollowUp.Outcome.NOT_NEEDED).order_by().values("lead")
    earlier = FollowUp.objects.filter(
        Q(planned_at__lt=OuterRef("planned_at")) | Q(planned_at=OuterRef("planned_at"), pk__lt=OuterRef("pk")),
        lead=OuterRef("lead"),
    )
    arrivals = (
        selection.follow_ups(scope)
        .filter(selection.within(scope, "planned_at"), ~Exists(earlier), planned_at__lte=scope.at)
        .annotate(answered_at=Subquery(replies.annotate(first=Min("done_at")).values("first")))
        .order_by("planned_at", "pk")
    )

    def hours(row: Row) -> float:
        return elapsed(row["planned_at"], row["answered_at"], calendar).total_seconds() / 3600

    shown = (
        *columns.FOLLOW_UP[:5],
        Column("answered_at", "First reply", "time"),
        Column("business_hours", "Business hours", "hours", derived=Derived(("planned_at", "answered_at"), hours)),
    )
    return {
        "included": RowSet(
            arrivals.filter(answered_at__isnull=False),
            shown,
            "Leads handed to sales in the period and answered",
            amount="business_hours",
            dated_by="planned_at",
            statistic=middle,
        ),
        "excluded_unanswered": RowSet(
            arrivals.filter(answered_at__isnull=True), columns.FOLLOW_UP[:6], "Nobody has replied yet"
        ),
    }


# --- kept promises -------------------------------------------------------------------------------------------------


def _attainment(scope: Scope) -> Parts:
    due = selection.follow_ups(scope).filter(selection.within(scope, "due_at")).order_by("due_at", "pk")
    moot = Q(outcome=FollowUp.Outcome.NOT_NEEDED)
    met = Q(done_at__lte=F("due_at")) & Q(done_at__lte=scope.at) & ~moot
    judged = met | (Q(due_at__lt=scope.at) & ~moot)
    open_ = Q(due_at__gte=scope.at) & (Q(done_at__isnull=True) | Q(done_at__gt=scope.at))
    return {
        "numerator": RowSet(due.filter(met), columns.FOLLOW_UP, "Done in time", dated_by="due_at"),
        "denominator": RowSet(due.filter(judged), columns.FOLLOW_UP, "Done in time, or overdue", dated_by="due_at"),
        "excluded_not_due": RowSet(due.filter(open_ & ~moot), columns.FOLLOW_UP, "Not yet due"),
        "excluded_not_needed": RowSet(due.filter(moot), columns.FOLLOW_UP, "Closed as no longer needed"),
    }


register(
    Definition(
        key="leads.acceptance_rate",
        version=1,
        name="MQL acceptance rate",
        unit="share",
        formula="MQLs accepted by sales ÷ (accepted + rejected with a reason), by the day of the decision",
        meaning="How often sales finds an MQL worth working. Silence is neither: those leads are listed apart.",
        parts=_acceptance,
        combine=ratio,
        filters=selection.BY_LEAD,
        arithmetic="{numerator} ÷ {denominator}",
    )
)
register(
    Definition(
        key="leads.rejection_reasons",
        version=1,
        name="MQLs rejected",
        unit="count",
        formula="number of MQLs that sales sent back with a reason in the period",
        meaning="Every rejection with its reason code; the reasons become rates per campaign.",
        parts=_rejected,
        better="down",
        filters=selection.BY_LEAD,
    )
)
register(
    Definition(
        key="leads.speed_to_lead",
        version=1,
        name="Speed to lead",
        unit="hours",
        formula="median of the business hours from the handover of a lead to the first follow-up done for it",
        meaning="Handover is the moment the first follow-up was planned. Automatic mails and follow-ups closed as not "
        "needed do not count as a reply; leads without one stay open and are listed apart.",
        parts=_speed,
        better="down",
        filters=selection.BY_LEAD,
    )
)
register(
    Definition(
        key="leads.follow_up_attainment",
        version=1,
        name="Follow-up service level",
        unit="share",
        formula="follow-ups done by their due time ÷ (done by then + overdue), by due date",
        meaning="Promises of sales that were kept. What is not yet due is neither met nor breached.",
        parts=_attainment,
        combine=ratio,
        filters=selection.BY_LEAD,
        arithmetic="{numerator} ÷ {denominator}",
    )
)
