"""Deals that marketing originated, by three rival tests of which the company agreed on one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from django.db.models import DateTimeField, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Least

from attribution.models import AttributionRules, SourcedDecision, SourcedTest
from leads.figures import columns, selection
from leads.figures.base import Column, Definition, Number, Parts, Revision, RowSet, Scope, register
from leads.figures.dated_deals import closed
from leads.figures.deals import money_parts
from leads.figures.rowset import when_listed
from leads.models import Activity, DealStatus, FollowUp, Opportunity, OpportunityContact, Touchpoint

DAYS_BEFORE = 90
"""How long before its opening a marketing touch may lie to have created a deal."""

FILTERS = frozenset({"channel", "campaign", "territory", "owner"})
Deals = Callable[[Scope], QuerySet[Opportunity]]


@dataclass(frozen=True, slots=True)
class _Test:
    """How a test finds the touch that decides; ``why_not`` names what a touch of marketing may still lack."""

    deciding: Callable[[], QuerySet[Touchpoint]]
    untouched: str
    is_before_sales: bool = False


def _touches() -> QuerySet[Touchpoint]:
    return Touchpoint.objects.genuine().filter(lead__deal_roles__opportunity=OuterRef("pk"))


def _first() -> QuerySet[Touchpoint]:
    return _touches().filter(occurred_at__lt=OuterRef("opened_at")).order_by("occurred_at", "pk")


def _making_known() -> QuerySet[Touchpoint]:
    contacts = OpportunityContact.objects.filter(opportunity=OuterRef(OuterRef("pk")))
    first = contacts.order_by("-is_primary", "lead__captured_at", "lead").values("lead")[:1]
    made = Touchpoint.objects.genuine().filter(lead=Subquery(first), occurred_at__lte=F("lead__captured_at"))
    return made.order_by("-occurred_at", "-pk")


def _before_opening() -> QuerySet[Touchpoint]:
    opened = OuterRef("opened_at")
    late = _touches().filter(occurred_at__lt=opened, occurred_at__gte=opened - timedelta(days=DAYS_BEFORE))
    return late.filter(channel__is_self_initiated=False).order_by("-occurred_at", "-pk")


_TESTS: Mapping[str, _Test] = {
    SourcedTest.FIRST_TOUCH: _Test(_first, "No touchpoint of a contact before the opening", is_before_sales=True),
    SourcedTest.LEAD_CREATION: _Test(_making_known, "No touchpoint made the first contact known"),
    SourcedTest.OPPORTUNITY_CREATION: _Test(
        _before_opening, f"No marketing touchpoint of a contact in the {DAYS_BEFORE} days before the opening"
    ),
}


def _opened(scope: Scope) -> QuerySet[Opportunity]:
    """Deals opened in the period; channel and campaign are asked of the deciding touch instead."""
    rows = selection.deals(scope, by_origin=False).filter(selection.within(scope, "opened_at"))
    return rows.filter(opened_at__lte=scope.at).order_by("opened_at", "pk")


def _won(scope: Scope) -> QuerySet[Opportunity]:
    """Deals won in the period, asked likewise."""
    return closed(replace(scope, channel="", campaign=""), DealStatus.WON)


def _decided(deals: QuerySet[Opportunity], test: _Test) -> QuerySet[Any]:
    """Adds the deciding touch (id or None), its moment and channel, and the first sales activity."""
    touch = test.deciding()
    done = FollowUp.objects.filter(lead__deal_roles__opportunity=OuterRef("pk"), done_at__isnull=False)
    done = done.exclude(outcome=FollowUp.Outcome.NOT_NEEDED).order_by("done_at")
    # Least() of a NULL is NULL on SQLite and ignored on PostgreSQL, so there must be none.
    first_done = Coalesce(Subquery(done.values("done_at")[:1]), F("opened_at"), output_field=DateTimeField())
    told = Activity.objects.exclude(kind=Activity.Kind.NOTE).filter(lead__deal_roles__opportunity=OuterRef("pk"))
    told = told.order_by("occurred_at")
    first_told = Coalesce(Subquery(told.values("occurred_at")[:1]), F("opened_at"), output_field=DateTimeField())
    return deals.annotate(
        deciding_touch=Subquery(touch.values("pk")[:1]),
        deciding_at=Subquery(touch.values("occurred_at")[:1]),
        deciding_channel=Subquery(touch.values("channel__name")[:1]),
        sales_at=Least(first_done, first_told, F("opened_at"), output_field=DateTimeField()),
    )


def sourced_parts(scope: Scope, *, key: str, deals: Deals, dated_by: str) -> Parts:
    """Deals that pass a test with their amounts, and those that do not, by reason."""
    test = _TESTS[key]
    found = _decided(deals(scope), test)
    touch = Touchpoint.objects.filter(selection.origin(scope), pk=OuterRef("deciding_touch"))
    by_marketing = Exists(touch.filter(channel__is_self_initiated=False))
    passed = Q(deciding_at__lt=F("sales_at")) if test.is_before_sales else Q()
    shown = (
        *columns.DEAL,
        Column("deciding_channel", "Deciding touchpoint"),
        Column("deciding_at", "Touched", "time"),
        Column("sales_at", "First sales activity", "time"),
    )
    # A touch of marketing is one of the scope, which need not be asked twice.
    parts = money_parts(found.filter(by_marketing).filter(passed), "Deals marketing originated", dated_by)
    parts = {name: replace(part, columns=shown) for name, part in parts.items()}
    if test.is_before_sales:
        late = when_listed(lambda: found.filter(by_marketing).exclude(passed))
        parts["excluded_sales_first"] = RowSet(late, shown, "Sales was in contact before the first touch")
    parts["excluded_self_initiated"] = RowSet(
        when_listed(lambda: found.filter(Exists(touch)).exclude(by_marketing)),
        shown,
        "The deciding touchpoint was self-initiated (direct, organic, brand search)",
    )
    if not scope.channel and not scope.campaign:
        left = when_listed(lambda: found.filter(deciding_touch__isnull=True))
        parts["excluded_untouched"] = RowSet(left, columns.DEAL, test.untouched)
    return parts


def agreed_test() -> str:
    """The company's test."""
    return AttributionRules.objects.values_list("sourced_test", flat=True).get(pk=1)


def _agreed_parts(scope: Scope, *, deals: Deals, dated_by: str) -> Parts:
    return sourced_parts(scope, key=agreed_test(), deals=deals, dated_by=dated_by)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one test says of a period. Money in cents; None where no deal has an amount."""

    test: str
    label: str
    is_agreed: bool
    pipeline: Number | None
    revenue: Number | None
    pipeline_key: str
    revenue_key: str


def verdicts(scope: Scope) -> list[Verdict]:
    """All three tests side by side, the company's first."""
    agreed = agreed_test()
    tests = sorted(SourcedTest, key=lambda test: test.value != agreed)
    return [
        Verdict(
            test=test.value,
            label=str(test.label),
            is_agreed=test.value == agreed,
            pipeline=sourced_parts(scope, key=test, deals=_opened, dated_by="opened_at")["included"].total(),
            revenue=sourced_parts(scope, key=test, deals=_won, dated_by="closed_at")["included"].total(),
            pipeline_key=f"pipeline.sourced.{test.value}",
            revenue_key=f"pipeline.sourced_revenue.{test.value}",
        )
        for test in tests
    ]


_ONCE = "Full amount, once. Never add it to influenced pipeline."
_MEANINGS = {
    SourcedTest.FIRST_TOUCH: "the first genuine touchpoint of the deal's contacts came through a channel that is not "
    "self-initiated, and precedes the first sales activity (the first follow-up done, or the opening)",
    SourcedTest.LEAD_CREATION: "the last genuine touchpoint before the deal's first contact (the primary one, else "
    "the one "
    "captured first) became known came through a channel that is not self-initiated",
    SourcedTest.OPPORTUNITY_CREATION: f"a contact had a genuine touchpoint through a channel that is not "
    f"self-initiated in "
    f"the {DAYS_BEFORE} days before the opening; the last of them decides on channel and campaign",
}


def _revised(meaning: Definition) -> Definition:
    """The definition with a version for every change of the company's test, and the words of the one in force."""
    changes = SourcedDecision.objects.exclude(test_before="").select_related("by").order_by("pk")
    revisions = tuple(
        Revision(
            version=meaning.version + place,
            at=row.at,
            text=f"The test is now: {row.get_test_display()}. It was: {row.get_test_before_display()}.",
            by=str(row.by or ""),
            reason=row.reason,
        )
        for place, row in enumerate(changes, start=1)
    )
    if not revisions:
        return meaning
    return replace(
        meaning,
        version=revisions[-1].version,
        meaning=f"{meaning.meaning} {revisions[-1].text}",
        revisions=revisions,
    )


def _define(
    key: str, version: int, name: str, formula: str, meaning: str, parts: Callable[[Scope], Parts], is_agreed: bool
) -> None:
    revise = _revised if is_agreed else None
    register(Definition(key, version, name, "money", formula, meaning, parts, filters=FILTERS, revise=revise))


_KINDS = (
    ("pipeline.sourced", "Sourced pipeline", "opened", _opened, "opened_at"),
    ("pipeline.sourced_revenue", "Sourced revenue", "won", _won, "closed_at"),
)
for _key, _name, _verb, _deals, _dated_by in _KINDS:
    _formula = f"sum of the amounts of the opportunities {_verb} in the period that marketing originated"
    _define(
        _key,
        2 if _key == "pipeline.sourced" else 1,
        _name,
        _formula,
        f"{_ONCE} By the test that the company agreed on, one of the three below it in the list of definitions; "
        "channel and campaign are those of the touchpoint that decides. An admin changes it only with a reason; "
        "another "
        "test is another version.",
        partial(_agreed_parts, deals=_deals, dated_by=_dated_by),
        is_agreed=True,
    )
    for _test in SourcedTest:
        _define(
            f"{_key}.{_test.value}",
            1,
            f"{_name}, by {_test.value.replace('_', ' ')}",
            _formula,
            f"{_ONCE} Test: {_MEANINGS[_test]}.",
            partial(sourced_parts, key=_test.value, deals=_deals, dated_by=_dated_by),
            is_agreed=False,
        )
