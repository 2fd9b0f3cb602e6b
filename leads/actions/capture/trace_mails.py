"""Trace mails: what a service tells of one mail to one address, call by call, says together what machines made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from leads.models import Lead, MailTrace, Touchpoint
from leads.pure.capture.machines import Seen, machines
from leads.pure.capture.mail_events import DELIVERED, MailEvent

KEPT_FOR = timedelta(days=45)
MOST_SEEN = 60
_TRACED = ("email_open", "email_click")


def trace_mails(
    *, events: Sequence[MailEvent], keys: Mapping[MailEvent, str], service: str, at: datetime
) -> dict[str, str]:
    """Why opens and clicks must not count, by their dedupe ``keys``. Belongs into the transaction that takes them.

    Touchpoints that were recorded as a person's, and turn out to be a machine's, are marked here; scores follow.
    """
    traced = [event for event in events if event.message_id and event.kind in (*_TRACED, DELIVERED)]
    hashes = {event: _hash(event, service) for event in traced}
    loose = [event for event in events if not event.message_id and event.kind in _TRACED]
    found = machines([_seen(event, keys[event]) for event in loose if event.ip], None)
    if not traced:
        return found
    names = sorted(set(hashes.values()))
    MailTrace.objects.bulk_create(
        [MailTrace(message_hash=name, changed_at=at) for name in names], ignore_conflicts=True
    )
    rows = MailTrace.objects.select_for_update().filter(message_hash__in=names).order_by("pk")
    traces = {row.message_hash: row for row in rows}
    late: list[str] = []
    for name, trace in traces.items():
        seen = [_restored(*each) for each in trace.seen]
        known = {each.key for each in seen}
        for event in traced:
            if hashes[event] != name:
                continue
            if event.kind == DELIVERED:
                trace.delivered_at = min(trace.delivered_at or event.occurred_at, event.occurred_at)
            elif keys[event] not in known:
                seen.append(_seen(event, keys[event]))
        reasons = machines(seen, trace.delivered_at)
        found |= reasons
        late += [key for key in reasons if key in known]
        trace.seen = [[one.key, one.kind, one.at.isoformat(), one.url, one.ip] for one in seen[-MOST_SEEN:]]
        trace.changed_at = at
    MailTrace.objects.bulk_update(traces.values(), ["delivered_at", "seen", "changed_at"], batch_size=200)
    _mark(late, found, at)
    return found


def forget_traces(*, at: datetime) -> int:
    """Delete what was traced of mails that nothing has been heard of for 45 days; returns of how many."""
    deleted, _ = MailTrace.objects.filter(changed_at__lt=at - KEPT_FOR).delete()
    return deleted


def _mark(keys: Sequence[str], reasons: Mapping[str, str], at: datetime) -> None:
    touches = Touchpoint.objects.genuine().filter(dedupe_key__in=keys)
    leads = set(touches.values_list("lead", flat=True))
    for reason in {reasons[key] for key in keys}:
        touches.filter(dedupe_key__in=[key for key in keys if reasons[key] == reason]).update(exclusion=reason)
    Lead.objects.filter(pk__in=leads).update(intake_due_at=at)


def _hash(event: MailEvent, service: str) -> str:
    return hashlib.sha256(f"{service}\n{event.message_id}\n{event.email}".encode()).hexdigest()


def _seen(event: MailEvent, key: str) -> Seen:
    return Seen(key, event.kind, event.occurred_at, event.url[:300], event.ip)


def _restored(key: str, kind: str, at: str, url: str, ip: str) -> Seen:
    return Seen(key, kind, datetime.fromisoformat(at), url, ip)
