"""Leads and the stages they pass: captured, inquiries, MQL, SAL, SQL, and how fast qualified leads grow."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from leads.figures import columns, selection
from leads.figures.base import Column, Definition, Number, Parts, RowSet, Scope, Totals, middle, register
from leads.figures.rowset import made_once, when_listed
from leads.models import Lead, LifecyclePassage, Stage, TouchKind
from leads.pure.week import Period, local_date, month_bounds

# Ways in which a person gives contact data; opens and clicks only show interest.
INQUIRY_KINDS = (
    TouchKind.FORM_SUBMISSION,
    TouchKind.EMAIL_SIGNUP,
    TouchKind.WEBINAR_REGISTRATION,
    TouchKind.IMPORT,
)


@made_once
def first_passages(scope: Scope, stage: str) -> QuerySet[LifecyclePassage]:
    """The first passage of each lead to a stage, where it lies in the period."""
    return _passages(scope, stage).filter(~_repeated(stage))


@made_once
def captured(scope: Scope) -> QuerySet[Lead]:
    """Persons who became known in the period and not later than the scope's moment."""
    rows = selection.leads(scope).filter(selection.within(scope, "captured_at"), captured_at__lte=scope.at)
    return rows.order_by("captured_at", "pk")


def _passages(scope: Scope, stage: str) -> QuerySet[LifecyclePassage]:
    rows = selection.passages(scope).filter(selection.within(scope, "passed_at"), to_stage=stage)
    return rows.order_by("passed_at", "pk")


def _repeated(stage: str) -> Exists:
    before = Q(passed_at__lt=OuterRef("passed_at")) | Q(passed_at=OuterRef("passed_at"), pk__lt=OuterRef("pk"))
    return Exists(LifecyclePassage.objects.filter(before, lead=OuterRef("lead"), to_stage=stage))


def _captured(scope: Scope) -> Parts:
    def merged() -> QuerySet[Lead]:
        rows = Lead.objects.filter(selection.of_lead(scope, ""), selection.within(scope, "captured_at"))
        return rows.filter(merged_into__isnull=False).order_by("captured_at", "pk")

    return {
        "included": RowSet(captured(scope), columns.LEAD, "Persons captured", dated_by="captured_at"),
        "excluded_merged": RowSet(when_listed(merged), columns.LEAD, "The same person as another lead, merged into it"),
    }


def _scored(scope: Scope) -> Parts:
    shown = (*columns.LEAD, Column("score", "Score", "count"))
    rows = captured(scope)
    return {
        "included": RowSet(rows, shown, "Persons captured", amount="score", dated_by="captured_at", statistic=middle)
    }


def _inquiries(scope: Scope) -> Parts:
    rows = selection.touches(scope).filter(selection.within(scope, "occurred_at"), kind__in=INQUIRY_KINDS)
    rows = rows.filter(occurred_at__lte=scope.at).order_by("occurred_at", "pk")
    return {
        "included": RowSet(rows.filter(exclusion=""), columns.TOUCH, "Inquiries", dated_by="occurred_at"),
        "excluded_machines": RowSet(
            when_listed(lambda: rows.exclude(exclusion="")),
            columns.TOUCH,
            "Made by a bot, a mail scanner or our own staff",
        ),
    }


def _entered(scope: Scope, stage: str, label: str) -> Parts:
    repeated = when_listed(lambda: _passages(scope, stage).filter(_repeated(stage)))
    return {
        "included": RowSet(
            first_passages(scope, stage), columns.PASSAGE, f"Leads that became {label}", dated_by="passed_at"
        ),
        "excluded_repeated": RowSet(repeated, columns.PASSAGE, f"Had been {label} before and was counted then"),
    }


register(
    Definition(
        key="leads.captured",
        version=1,
        name="Leads captured",
        unit="count",
        formula="number of persons whose first contact data arrived in the period",
        meaning="Persons, not inquiries: somebody who sends three forms is one lead. Merged duplicates count once.",
        parts=_captured,
        filters=selection.BY_LEAD,
    )
)
register(
    Definition(
        key="leads.score_quality",
        version=1,
        name="Lead quality",
        unit="points",
        formula="median score of the persons captured in the period",
        meaning="Scores as they are now: fit and behavior by the active rules. Leads not yet scored count as 0.",
        parts=_scored,
        filters=selection.BY_LEAD,
    )
)
register(
    Definition(
        key="leads.inquiries",
        version=1,
        name="Inquiries",
        unit="count",
        formula="number of forms, email sign-ups, webinar registrations and imported contacts in the period",
        meaning="Every time somebody gave contact data, also repeatedly. Channel and campaign are those of the "
        "touchpoint.",
        parts=_inquiries,
        filters=selection.BY_LEAD,
    )
)
for _key, _stage, _label, _meaning in (
    ("leads.mqls", Stage.MQL, "MQL", "Leads that first met the fit and behavior thresholds both teams agreed."),
    ("leads.sals", Stage.SAL, "SAL", "Leads that a rep first accepted as worth working."),
    ("leads.sqls", Stage.SQL, "SQL", "Leads that sales first verified, after contact, as real prospects."),
):
    register(
        Definition(
            key=_key,
            version=1,
            name=f"{_label}s",
            unit="count",
            formula=f"number of leads whose first passage to {_label} lies in the period",
            meaning=f"{_meaning} Skipped stages are inferred and marked so; a lead counts once, at its first passage.",
            parts=lambda scope, stage=_stage, label=_label: _entered(scope, stage, label),  # type: ignore[misc]
            filters=selection.BY_LEAD,
        )
    )


# --- lead velocity -------------------------------------------------------------------------------------------------


def whole_months(scope: Scope) -> tuple[Period, Period]:
    """The last month that has ended by the end of the period, and the month before it."""
    day = local_date(selection.moment(scope), scope.tz)
    end = month_bounds(day)[0]
    start = month_bounds(end - timedelta(days=1))[0]
    before = month_bounds(start - timedelta(days=1))[0]
    return Period.of_dates(start, end, scope.tz), Period.of_dates(before, start, scope.tz)


def _velocity_parts(scope: Scope) -> Parts:
    this, last = whole_months(scope)
    return {
        "this_month": RowSet(
            first_passages(scope.during(this), Stage.MQL),
            columns.PASSAGE,
            f"Qualified leads of {this.start.astimezone(scope.tz):%B %Y}",
            dated_by="passed_at",
        ),
        "last_month": RowSet(
            first_passages(scope.during(last), Stage.MQL),
            columns.PASSAGE,
            f"Qualified leads of {last.start.astimezone(scope.tz):%B %Y}",
            dated_by="passed_at",
        ),
    }


def _growth(totals: Totals) -> Number | None:
    this, last = totals["this_month"], totals["last_month"]
    return (this - last) / last if this is not None and last else None


register(
    Definition(
        key="leads.lead_velocity",
        version=1,
        name="Lead velocity rate",
        unit="share",
        formula="(qualified leads of the month − qualified leads of the month before) ÷ those of the month before",
        meaning="Growth of MQLs from the last but one to the last whole month by the end of the period.",
        parts=_velocity_parts,
        combine=_growth,
        filters=selection.BY_LEAD,
        arithmetic="({this_month} − {last_month}) ÷ {last_month}",
        weekly="each",
    )
)
