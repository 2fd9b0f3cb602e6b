"""What happens between the two teams: acceptance, rejection, speed to lead, kept promises."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from leads.figures import columns, selection
from leads.figures.base import Column, Definition, Derived, Parts, Row, RowSet, Scope, middle, ratio, register
from leads.models import Activity, Company, FollowUp, LifecyclePassage, Stage
from leads.pure.calendar import elapsed

_DECISION_COLUMNS = (
    *columns.PASSAGE[:4],
    Column("reason", "Reason"),
    Column("lead__campaign__name", "First campaign"),
    Column("lead__owner__name", "Owner"),
)


# --- acceptance ----------------------------------------------------------------------------------------------------


def decisions(scope: Scope) -> QuerySet[LifecyclePassage]:
    """Answers of sales to MQLs given in the period: accepted, or sent back with a reason."""
    rows = selection.passages(scope).filter(selection.within(scope, "passed_at"), from_stage=Stage.MQL)
    answers = Q(to_stage=Stage.SAL) | (Q(to_stage__in=(Stage.DISQUALIFIED, Stage.RECYCLED)) & ~Q(reason=""))
    return rows.filter(answers).order_by("passed_at", "pk")


def _acceptance(scope: Scope) -> Parts:
    found = decisions(scope)
    answered = LifecyclePassage.objects.filter(
        lead=OuterRef("lead"), from_stage=Stage.MQL, passed_at__gte=OuterRef("passed_at"), passed_at__lte=scope.at
    )
    waiting = selection.passages(scope).filter(selection.within(scope, "passed_at"), to_stage=Stage.MQL)
    return {
        "numerator": RowSet(
            found.filter(to_stage=Stage.SAL), _DECISION_COLUMNS, "Accepted by sales", dated_by="passed_at"
        ),
        "denominator": RowSet(found, _DECISION_COLUMNS, "Accepted or rejected", dated_by="passed_at"),
        "excluded_silent": RowSet(
            waiting.filter(~Exists(answered)).order_by("passed_at", "pk"),
            columns.PASSAGE,
            "No answer from sales yet: neither accepted nor rejected",
        ),
    }


def _rejection(scope: Scope) -> Parts:
    found = decisions(scope)
    sent_back = found.exclude(to_stage=Stage.SAL)
    return {
        "numerator": RowSet(sent_back, _DECISION_COLUMNS, "Rejected, with the reason", dated_by="passed_at"),
        "denominator": RowSet(found, _DECISION_COLUMNS, "Accepted or rejected", dated_by="passed_at"),
    }


def _sent_back(scope: Scope) -> Parts:
    """Accepted leads that sales sent back with a reason in the period."""
    rows = selection.passages(scope).filter(selection.within(scope, "passed_at"), from_stage__in=(Stage.SAL, Stage.SQL))
    out = rows.filter(Q(to_stage__in=(Stage.DISQUALIFIED, Stage.RECYCLED)) & ~Q(reason="")).order_by("passed_at", "pk")
    return {"included": RowSet(out, _DECISION_COLUMNS, "SALs and SQLs sent back", dated_by="passed_at")}


def _rejected(scope: Scope) -> Parts:
    rows = decisions(scope).exclude(to_stage=Stage.SAL)
    return {"included": RowSet(rows, _DECISION_COLUMNS, "MQLs rejected, with the reason", dated_by="passed_at")}


# --- speed to lead -------------------------------------------------------------------------------------------------


def _speed(scope: Scope) -> Parts:
    calendar = Company.current().hours
    # An unanswered call is an attempt, no reply; who is planned or logs it makes no difference.
    unanswered = Q(kind=FollowUp.Kind.CALL, outcome=FollowUp.Outcome.NO_ANSWER)
    done = FollowUp.objects.filter(lead=OuterRef("lead"), done_at__isnull=False, done_at__lte=scope.at)
    done = done.exclude(unanswered | Q(outcome=FollowUp.Outcome.NOT_NEEDED))
    kept = Subquery(done.order_by().values("lead").annotate(first=Min("done_at")).values("first"))
    logged = Activity.objects.answering().filter(lead=OuterRef("lead"), occurred_at__lte=scope.at)
    told = Subquery(logged.order_by().values("lead").annotate(first=Min("occurred_at")).values("first"))
    became = LifecyclePassage.objects.filter(
        lead=OuterRef("lead"), to_stage=Stage.MQL, is_inferred=False, passed_at__lte=OuterRef("planned_at")
    )
    mql = Subquery(became.order_by().values("lead").annotate(newest=Max("passed_at")).values("newest"))
    earlier = FollowUp.objects.filter(
        Q(planned_at__lt=OuterRef("planned_at")) | Q(planned_at=OuterRef("planned_at"), pk__lt=OuterRef("pk")),
        lead=OuterRef("lead"),
    )
    arrivals = (
        selection.follow_ups(scope)
        .filter(selection.within(scope, "planned_at"), ~Exists(earlier), planned_at__lte=scope.at)
        .annotate(kept_at=kept, told_at=told, arrived_at=Coalesce(mql, F("planned_at")))
        .order_by("planned_at", "pk")
    )
    # Not of the two moments, each of which the database would look up once more.
    answered = Exists(done) | Exists(logged)

    def answer(row: Row) -> datetime:
        moments: list[datetime | None] = [row["kept_at"], row["told_at"]]
        return min(moment for moment in moments if moment)

    def minutes(row: Row) -> float:
        return elapsed(row["arrived_at"], answer(row), calendar).total_seconds() / 60

    shown = (
        *columns.FOLLOW_UP[:4],
        Column("arrived_at", "Became an MQL", "time"),
        Column("answered_at", "First reply", "time", derived=Derived(("kept_at", "told_at"), answer)),
        Column(
            "business_minutes",
            "Business minutes",
            "minutes",
            derived=Derived(("arrived_at", "kept_at", "told_at"), minutes),
        ),
    )
    return {
        "included": RowSet(
            arrivals.filter(answered),
            shown,
            "Leads handed to sales in the period and answered",
            amount="business_minutes",
            dated_by="planned_at",
            statistic=middle,
        ),
        "excluded_unanswered": RowSet(arrivals.exclude(answered), columns.FOLLOW_UP[:6], "Nobody has replied yet"),
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
        key="leads.rejection_rate",
        version=1,
        name="MQL rejection rate",
        unit="share",
        formula="MQLs rejected with a reason ÷ (accepted + rejected), by the day of the decision",
        meaning="The other side of the acceptance rate: what sales sends back, with the reasons. MQLs that sales has "
        "not answered are in neither.",
        parts=_rejection,
        combine=ratio,
        better="down",
        filters=selection.BY_LEAD,
        arithmetic="{numerator} ÷ {denominator}",
    )
)
register(
    Definition(
        key="leads.sent_back",
        version=1,
        name="Leads sent back after acceptance",
        unit="count",
        formula="number of SALs and SQLs that sales recycled or disqualified with a reason in the period",
        meaning="Leads that looked right to sales at first. Deals that were lost are not among them.",
        parts=_sent_back,
        better="down",
        filters=selection.BY_LEAD,
    )
)
register(
    Definition(
        key="leads.speed_to_lead",
        version=2,
        name="Speed to lead",
        unit="minutes",
        formula="median of the business minutes from becoming an MQL to the first reply by a person",
        meaning="A reply is the first email, meeting or answered call, planned or logged. Calls that nobody answered, "
        "automatic emails and follow-ups closed as not needed are none; leads without a reply stay open and are listed "
        "apart. A lead that was handed over without becoming an MQL counts from its first follow-up.",
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
