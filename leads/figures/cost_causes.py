"""What changed about costs, from their history: entries with what they made of a period, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from leads.figures.base import NO_CAMPAIGN, Cause, Scope
from leads.models import Campaign, Channel, CostDoor, CostEntry
from leads.pure import words
from leads.pure.week import days_label, local_date

MOST = 200
"""So many entries are told of a period, the newest."""


@dataclass(frozen=True, slots=True)
class ToldEntry:
    """An entry in words. ``kind`` is "came in", "changed" or "taken back"; money in the company currency, and as
    billed where that is one other currency."""

    entry: CostEntry
    kind: str
    days: str
    before: str
    after: str
    billed: str
    by: str


def cost_entries(changes: Q) -> QuerySet[CostEntry]:
    """Entries with what ``changes`` (conditions on ``changes__…``, all in one) leaves of them: ``first``, ``last``,
    ``days``, how many had an amount before and after, and the sums in the company currency and as billed."""
    return CostEntry.objects.filter(changes).annotate(
        first=Min("changes__spent_on"),
        last=Max("changes__spent_on"),
        days=Count("changes"),
        known_before=Count("changes__before_cents"),
        known_after=Count("changes__after_cents"),
        before=Sum("changes__before_reporting_cents"),
        after=Sum("changes__after_reporting_cents"),
        billed_before=Sum("changes__before_cents"),
        billed_after=Sum("changes__after_cents"),
        currency_before=Max("changes__before_currency"),
        currency_after=Max("changes__after_currency"),
        currencies=Count("changes__before_currency", filter=~Q(changes__before_currency=""), distinct=True),
        currencies_after=Count("changes__after_currency", filter=~Q(changes__after_currency=""), distinct=True),
    )


def told_entry(row: CostEntry, currency: str) -> ToldEntry:
    """One of `cost_entries` in words."""
    # Annotations, which the type of a model cannot know.
    found = row.__dict__
    kind = "changed" if found["known_before"] and found["known_after"] else "came in"
    kind = "taken back" if not found["known_after"] else kind
    billed = {found["currency_before"], found["currency_after"]} - {"", currency}
    is_one = len(billed) == 1 and max(found["currencies"], found["currencies_after"]) == 1
    return ToldEntry(
        entry=row,
        kind=kind,
        days=days_label(found["first"], found["last"] + timedelta(days=1)),
        before=_amount(found["known_before"], found["before"], currency),
        after=_amount(found["known_after"], found["after"], currency),
        billed=_billed(found) if is_one else "",
        by=row.by_name or ("unknown" if row.door == CostDoor.OPENING else str(row.get_door_display())),
    )


def cost_causes(scope: Scope, since: datetime | None) -> list[Cause]:
    """What was said about the costs of the scope's days: since a moment whatever it was, else what replaced a known
    amount after its week was over. Newest first."""
    return _causes(scope, since, _campaigns(scope))


def advertising_causes(scope: Scope, since: datetime | None) -> list[Cause]:
    """The same of campaigns whose cost is ad spend."""
    return _causes(scope, since, _campaigns(scope) & Q(campaign__channel__is_advertising=True))


def _causes(scope: Scope, since: datetime | None, campaigns: Q) -> list[Cause]:
    first, end = local_date(scope.period.start, scope.tz), local_date(scope.period.end, scope.tz)
    changes = Q(changes__spent_on__gte=first, changes__spent_on__lt=end)
    if since is None:
        changes &= Q(changes__is_restating=True)
    rows = cost_entries(changes).filter(campaigns, said_at__lte=scope.at)
    if since is not None:
        rows = rows.filter(said_at__gt=since)
    listed = rows.select_related("campaign").order_by("-said_at", "-pk")[:MOST]
    return [_cause(row, scope.currency, scope.tz) for row in listed]


def _campaigns(scope: Scope) -> Q:
    wanted = Q()
    if scope.channel:
        wanted &= Q(campaign__channel__in=Channel.objects.below(scope.channel).values("pk"))
    if scope.campaign == NO_CAMPAIGN:
        wanted &= Q(pk__in=[])
    elif scope.campaign:
        wanted &= Q(campaign__in=Campaign.objects.below(scope.campaign).values("pk"))
    return wanted


def _cause(row: CostEntry, currency: str, tz: ZoneInfo) -> Cause:
    told = told_entry(row, currency)
    moved = f"{told.before} → {told.after}" if told.kind != "came in" else told.after
    reason = f", “{row.reason}”" if row.reason else ""
    text = (
        f"Cost of {row.campaign} for {told.days} {told.kind} on {_day(local_date(row.said_at, tz))}: {moved}"
        f" by {told.by} ({row.get_door_display()}){reason}"
    )
    found = row.__dict__
    return Cause(
        at=row.said_at,
        kind=f"cost {told.kind}",
        text=" ".join(text.split()),  # names and reasons may hold line breaks, and this ends up in e-mails
        weight=abs((found["after"] or 0) - (found["before"] or 0)),
        link="leads:campaign-costs",
        link_by=str(row.campaign.public_id),
    )


def _day(day: date) -> str:
    return days_label(day, day + timedelta(days=1))


def _amount(known: int, cents: int | None, currency: str) -> str:
    if not known:
        return "unknown"
    return "no rate" if cents is None else words.money_exact(cents, currency)


def _billed(found: dict[str, object]) -> str:
    def said(name: str) -> str:
        cents, currency = found[f"billed_{name}"], str(found[f"currency_{name}"])
        return words.money_exact(cents, currency) if isinstance(cents, int) else "unknown"

    return f"{said('before')} → {said('after')}"
