"""What capture takes in: a person, one dated contact, and perhaps a consent. Values are already validated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from leads.pure.channels.landing import meant, parameters, tags_of

MAX_TAG = 120  # length of the UTM columns

# After these nobody may send the person mail.
OPT_OUTS = frozenset(["email_unsubscribe", "email_complaint", "email_bounce"])

# What a person does before asking anything of us: it makes a subscriber, not a lead for sales.
SUBSCRIBER_KINDS = frozenset(["email_signup", "email_open", "email_click", "page_view", "list_membership", *OPT_OUTS])

# Where a contact came through when it carries neither tags nor a referrer.
CHANNEL_BY_KIND: Mapping[str, str] = {
    "email_signup": "direct",
    "email_open": "email",
    "email_click": "email",
    "email_reply": "email",
    "email_unsubscribe": "email",
    "email_complaint": "email",
    "email_bounce": "email",
    "webinar_registration": "webinar",
    "webinar_attendance": "webinar",
    "event_visit": "events",
}


@dataclass(frozen=True, slots=True)
class Utm:
    """Campaign tags as received; empty means not given."""

    source: str = ""
    medium: str = ""
    campaign: str = ""
    term: str = ""
    content: str = ""

    def __bool__(self) -> bool:
        return any((self.source, self.medium, self.campaign, self.term, self.content))


@dataclass(frozen=True, slots=True)
class CapturedEvent:
    """One contact: ``kind`` is a touchpoint kind, ``occurred_at`` an aware moment.

    ``channel`` is the key of a channel that somebody already decided on; empty means: find out. ``campaign`` is the
    code of the campaign it belongs to where its tags name none. ``key`` is the source's own id of it, unique among all
    sources: the same key is the same contact, whoever it is of. ``token`` is of an event that nobody dated: it tells it
    from others instead of its moment, which is that of its arrival. ``exclusion`` is why it must not count, where its
    source can tell (see `leads.pure.capture.bots`).
    """

    kind: str
    occurred_at: datetime
    name: str = ""
    utm: Utm = Utm()
    landing_page: str = ""
    referrer: str = ""
    visitor_id: str = ""
    user_agent: str = ""
    channel: str = ""
    token: str = ""
    exclusion: str = ""
    campaign: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class CapturedConsent:
    """What the person agreed to, word for word."""

    text: str
    given_at: datetime
    basis: str = "consent"


@dataclass(frozen=True, slots=True)
class CapturedItem:
    """One item to capture. ``email`` is normalized; without it ``external_id`` is needed. Empty means not given.

    ``attributes`` are further columns of an import; ``payload`` is the item as it arrived, kept for evidence.
    """

    event: CapturedEvent
    email: str = ""
    external_id: str = ""
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    job_title: str = ""
    phone: str = ""
    country: str = ""
    region: str = ""
    postal_code: str = ""
    industry: str = ""
    company_size: int | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    consent: CapturedConsent | None = None
    payload: Mapping[str, object] = field(default_factory=dict)


def with_tags(event: CapturedEvent) -> CapturedEvent:
    """The event with the UTM tags of its landing page, when it brought none of its own."""
    if event.utm or not event.landing_page:
        return event
    found = tags_of(parameters(event.landing_page))
    tags = {name: value.replace("\0", "").strip()[:MAX_TAG] for name, value in found.items()}
    return replace(event, utm=Utm(**tags))


def campaign_code(event: CapturedEvent) -> str:
    """How the campaign is looked up: ``utm_campaign`` in lower case, else the one it belongs to, or nothing."""
    return meant(event.utm.campaign).strip().lower()[:MAX_TAG] or event.campaign


def dedupe_key(item: CapturedItem) -> str:
    """The same for every delivery of the same event, 64 hexadecimal digits.

    Made of the identity as it was sent, not of the lead it led to: a repeat must meet its first delivery also after
    two leads were merged.
    """
    event = item.event
    if event.key:
        return hashlib.sha256(event.key.encode()).hexdigest()
    identity = f"email:{item.email}" if item.email else f"external:{item.external_id}"
    tags = [event.utm.source, event.utm.medium, event.utm.campaign, event.utm.term, event.utm.content]
    moment = event.token or event.occurred_at.astimezone(UTC).isoformat(timespec="microseconds")
    parts = json.dumps([identity, event.kind, moment, event.name, tags])
    return hashlib.sha256(parts.encode()).hexdigest()
