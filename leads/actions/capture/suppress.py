"""Remember who must get no mail before they are a lead, and tell it of leads with such an address."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from leads.models import Channel, Lead, LeadEvent, SuppressedAddress, Touchpoint
from leads.pure.capture.bots import OPT_OUT
from leads.pure.capture.captured import OPT_OUTS
from leads.queries.look_up import Asked, look_up

_LATE = timedelta(minutes=10)
"""No transaction that captures takes longer."""


def suppress_addresses(*, rows: Sequence[SuppressedAddress]) -> None:
    """Keep opt-outs of addresses that no lead has. A repeat adds nothing."""
    SuppressedAddress.objects.bulk_create([row for row in rows if row.kind in OPT_OUTS], ignore_conflicts=True)


def asking(emails: Collection[str]) -> Asked:
    """What is kept of addresses."""
    return Asked(SuppressedAddress, {"address_hash": {address_hash(email) for email in emails if email}})


def apply_suppressions(*, leads: Collection[Lead], at: datetime) -> list[Touchpoint]:
    """Give leads whose address opted out before they had it the touchpoints of that; returns these.

    Belongs into the transaction that gives them the address. A repeat adds nothing.
    """
    (found,) = look_up(asking([lead.email for lead in leads if lead.email]))
    touches = told_by(found, leads=leads, at=at)
    return Touchpoint.objects.bulk_create(touches, ignore_conflicts=True) if touches else []


def told_by(found: Sequence[SuppressedAddress], *, leads: Collection[Lead], at: datetime) -> list[Touchpoint]:
    """The touchpoints, not stored yet, of leads whose address is among those that were found."""
    if not found:
        return []
    by_hash = {address_hash(lead.email): lead for lead in leads if lead.email}
    channel = Channel.objects.get(key="email")
    return [
        Touchpoint(
            lead=by_hash[row.address_hash],
            channel=channel,
            kind=row.kind,
            occurred_at=row.occurred_at,
            recorded_at=at,
            exclusion=OPT_OUT,
            dedupe_key=row.dedupe_key,
        )
        for row in found
        if row.address_hash in by_hash
    ]


def apply_late_suppressions(*, at: datetime) -> int:
    """Give opt-outs to leads that came in the same moment, when neither transaction could see what the other wrote;
    returns how many leads lacked one. A sweep calls it again and again."""
    since = at - _LATE
    rows = SuppressedAddress.objects.filter(recorded_at__gte=since).values_list("address_hash", "dedupe_key")
    keys: dict[str, set[str]] = {}
    for hashed, key in rows:
        keys.setdefault(hashed, set()).add(key)
    if not keys:
        return 0
    recent = Lead.objects.live().filter(changed_at__gte=since, email__isnull=False).order_by("pk")
    leads = {lead.pk: (lead, keys[hashed]) for lead in recent if (hashed := address_hash(lead.email or "")) in keys}
    held = Touchpoint.objects.filter(lead__in=leads, dedupe_key__in={key for _, own in leads.values() for key in own})
    for lead_id, key in held.values_list("lead_id", "dedupe_key"):
        leads[lead_id][1].discard(key)
    late = [lead for lead, lacking in leads.values() if lacking]
    with transaction.atomic():
        apply_suppressions(leads=late, at=at)
        LeadEvent.objects.bulk_create(
            LeadEvent(
                lead=lead,
                kind=LeadEvent.Kind.UPDATED,
                happened_at=at,
                recorded_at=at,
                details={"fields": ["is_unsubscribed"]},
            )
            for lead in late
        )
    return len(late)


def address_hash(email: str) -> str:
    """How a normalized address is kept."""
    return hashlib.sha256(email.encode()).hexdigest()
