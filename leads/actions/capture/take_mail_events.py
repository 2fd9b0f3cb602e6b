"""Take what an email service tells of its mails: opt-outs, opens and clicks of people we know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from leads.actions.capture.capture import MAX_ITEMS, CaptureRefused, capture_batch
from leads.actions.capture.suppress import address_hash, apply_suppressions, suppress_addresses
from leads.actions.capture.trace_mails import trace_mails
from leads.models import Lead, Submission, SuppressedAddress
from leads.pure.capture.captured import CapturedEvent, CapturedItem, dedupe_key
from leads.pure.capture.mail_events import DELIVERED, MailEvent

_REPEATED_WITHIN = timedelta(days=14)
"""How long services deliver the same event again at most, and some days more."""


def take_mail_events(*, events: Sequence[MailEvent], service: str, at: datetime) -> int:
    """Record events of known addresses as touchpoints; returns how many were taken. A repeat adds nothing.

    An event of an address that no lead has is kept among the submissions with its reason: it makes nobody a lead. An
    opt-out of such an address holds for whoever becomes a lead with it.
    """
    known = _known({event.email for event in events})
    told = [event for event in events if event.kind != DELIVERED]
    items = {dedupe_key(item): item for item in (_item(event, service) for event in told)}
    with transaction.atomic():
        reasons = trace_mails(
            events=[event for event in events if event.email in known],
            keys={event: dedupe_key(_item(event, service)) for event in told},
            service=service,
            at=at,
        )
        items = {key: _excluded(item, reasons.get(key, "")) for key, item in items.items()}
        return _take(items, known, service, at)


def _excluded(item: CapturedItem, reason: str) -> CapturedItem:
    return replace(item, event=replace(item.event, exclusion=reason)) if reason else item


def _take(items: dict[str, CapturedItem], known: set[str], service: str, at: datetime) -> int:
    ours = [item for item in items.values() if item.email in known]
    others = {key: item for key, item in items.items() if item.email not in known}
    taken = 0
    for start in range(0, len(ours), MAX_ITEMS):
        outcomes = capture_batch(items=ours[start : start + MAX_ITEMS], source=service, at=at)
        taken += sum(not isinstance(outcome, CaptureRefused) for outcome in outcomes)
    if others:
        _keep(others, service, at)
        # Whoever was captured meanwhile did not see it.
        late = Lead.objects.live().filter(email__in={item.email for item in others.values()})
        with transaction.atomic():
            apply_suppressions(leads=list(late), at=at)
    return taken


def _known(emails: set[str]) -> set[str]:
    wanted = sorted(emails)
    found: set[str] = set()
    for start in range(0, len(wanted), 500):
        rows = Lead.objects.filter(email__in=wanted[start : start + 500]).values_list("email", flat=True)
        found.update(email for email in rows if email)
    return found


def _item(event: MailEvent, service: str) -> CapturedItem:
    captured = CapturedEvent(
        kind=event.kind,
        token=event.token,
        occurred_at=event.occurred_at,
        landing_page=event.url,
        user_agent=event.user_agent,
        channel="email",
        exclusion=event.exclusion,
    )
    payload = {
        "service": service,
        "event": event.kind,
        "email": event.email,
        "occurred_at": event.occurred_at.isoformat(),
        "event_id": event.event_id,
    }
    return CapturedItem(event=captured, email=event.email, payload=payload)


def _keep(items: dict[str, CapturedItem], service: str, at: datetime) -> None:
    error = {"pointer": "/email", "code": "unknown_address", "detail": "No lead has this address."}
    with transaction.atomic():
        recent = Submission.objects.filter(
            source=service, state=Submission.State.REJECTED, received_at__gte=at - _REPEATED_WITHIN
        )
        kept = set(recent.filter(payload__key__in=list(items)).values_list("payload__key", flat=True))
        suppress_addresses(
            rows=[
                SuppressedAddress(
                    address_hash=address_hash(item.email),
                    kind=item.event.kind,
                    occurred_at=item.event.occurred_at,
                    recorded_at=at,
                    service=service[:40],
                    dedupe_key=key,
                )
                for key, item in items.items()
            ]
        )
        Submission.objects.bulk_create(
            Submission(
                received_at=at,
                source=service,
                payload={**item.payload, "key": key},
                state=Submission.State.REJECTED,
                errors=[error],
            )
            for key, item in items.items()
            if key not in kept
        )
