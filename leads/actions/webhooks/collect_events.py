"""Collect what happened to leads and deals since the last look, as events for the endpoints that want them.

What happened is read by the changes that the database itself recorded in each transaction, up to a settled moment:
nothing is missed or told twice, whoever wrote it and whatever was killed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from leads.actions.webhooks.record_events import News, known_keys, record_events
from leads.models import DealStatus, JobRun, LeadEvent, Opportunity, WebhookEndpoint
from leads.past.moments import to_micros
from leads.past.news import changed_rows
from leads.past.settled import settled_at_once
from leads.past.steps import Values, versions
from leads.queries.answers import deal_data, lead_data, queued, told_deals, told_leads

_MARK = ("webhooks", "collected up to")
_AT_ONCE = 500
_KINDS = {
    LeadEvent.Kind.CAPTURED: "lead.captured",
    LeadEvent.Kind.IMPORTED: "lead.captured",
    LeadEvent.Kind.UPDATED: "lead.updated",
    LeadEvent.Kind.SCORED: "lead.scored",
    LeadEvent.Kind.ASSIGNED: "lead.assigned",
    LeadEvent.Kind.STAGE_CHANGED: "lead.stage_changed",
    LeadEvent.Kind.MERGED: "lead.merged",
}
# What of a deal is compared; its people change `changed_at` alone.
_DEAL = (
    "name", "stage_id", "status", "amount_cents", "currency", "owner_id", "account_id", "expected_close_on",
    "closed_at", "forecast_category", "won_reason", "lost_reason", "deleted_at", "changed_at",
)  # fmt: skip


def collect_events(*, at: datetime | None = None) -> int:
    """Queue the deliveries of what happened since the last call; returns how many are new.

    The first call with an endpoint only remembers where to begin. ``at``: for tests, the moment up to which is read.
    """
    kinds = {kind for each in WebhookEndpoint.objects.active() for kind in each.events}
    until = at or settled_at_once()
    kind, period = _MARK
    mark, is_new = JobRun.objects.get_or_create(
        kind=kind, period=period, defaults={"created_at": until, "state": JobRun.State.DONE, "finished_at": until}
    )
    if is_new:
        return 0
    with transaction.atomic():
        since = JobRun.objects.select_for_update().get(pk=mark.pk).finished_at or until
        if since >= until:
            return 0
        written = 0
        if any(each.startswith("lead.") for each in kinds):
            written += _tell(lead_news(changed_rows(LeadEvent, since=since, until=until), kinds), until)
        if any(each.startswith("opportunity.") for each in kinds):
            deals = changed_rows(Opportunity, since=since, until=until)
            written += _tell(_of_deals(deals, kinds, since, until), until)
        JobRun.objects.filter(pk=mark.pk).update(finished_at=until)
    return written


def _tell(batches: Iterator[list[News]], at: datetime) -> int:
    return sum(record_events(news=news, at=at) for news in batches)


def lead_news(ids: Sequence[int], kinds: Collection[str]) -> Iterator[list[News]]:
    """What these lead events tell, for the kinds that somebody wants, some at a time."""
    for start in range(0, len(ids), _AT_ONCE):
        rows = LeadEvent.objects.filter(pk__in=ids[start : start + _AT_ONCE], kind__in=_KINDS).select_related("by")
        wanted = [each for each in rows.order_by("pk") if _KINDS[LeadEvent.Kind(each.kind)] in kinds]
        present = known_keys([f"lead:{each.pk}" for each in wanted])
        fresh = [each for each in wanted if f"lead:{each.pk}" not in present]
        # A merged lead is told of as it stands, too: receivers learn where it lives on.
        leads = list(told_leads().filter(pk__in={each.lead_id for each in fresh}))
        told = dict(zip((lead.pk for lead in leads), lead_data(leads, queued=queued(leads)), strict=True))
        yield [
            News(
                kind=_KINDS[LeadEvent.Kind(each.kind)],
                key=f"lead:{each.pk}",
                occurred_at=each.happened_at,
                data={
                    "lead": told[each.lead_id],
                    "details": each.details,
                    "by": each.by.name if each.by else None,
                },
                lead_id=each.lead_id,
            )
            for each in fresh
            if each.lead_id in told
        ]


def _of_deals(ids: Sequence[int], kinds: Collection[str], since: datetime, until: datetime) -> Iterator[list[News]]:
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        deals = list(told_deals().filter(pk__in=part))
        told = dict(zip((deal.pk for deal in deals), deal_data(deals), strict=True))
        news: list[News] = []
        for pk, steps in sorted(versions(Opportunity, part, _DEAL).items()):
            before: Values | None = None
            for moment, values in steps:
                if since < moment <= until and pk in told:
                    news += _deal_news(pk, moment, before, values, told[pk])
                before = values
        yield [each for each in news if each.kind in kinds]


def _deal_news(
    pk: int, moment: datetime, before: Values | None, after: Values, told: Mapping[str, Any]
) -> Iterator[News]:
    changed = sorted(name for name in _DEAL if before is not None and before[name] != after[name])
    fields = [_FIELDS.get(name, name) for name in changed if name != "changed_at"]
    data = {"opportunity": told, "details": {"fields": fields or ["contacts"] if before is not None else []}}
    for kind in _deal_kinds(before, after):
        key = f"deal:{pk}:{to_micros(moment)}:{kind}"
        yield News(kind=kind, key=key, occurred_at=moment, data=data)


_FIELDS = {
    "stage_id": "stage", "amount_cents": "amount", "owner_id": "owner", "account_id": "account",
}  # fmt: skip
_CLOSED = {DealStatus.WON: "opportunity.won", DealStatus.LOST: "opportunity.lost"}


def _deal_kinds(before: Values | None, after: Values) -> Iterator[str]:
    """Every change is told as one; what it made of the deal beside it."""
    if before is None:
        yield "opportunity.created"
    elif before["deleted_at"] is None and after["deleted_at"] is not None:
        yield "opportunity.deleted"
    else:
        yield "opportunity.changed"
    status = DealStatus(after["status"])
    if status in _CLOSED and (before is None or before["status"] != status):
        yield _CLOSED[status]
