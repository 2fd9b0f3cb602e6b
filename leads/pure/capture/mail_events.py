"""Events of email services in the words that django-anymail gives all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# Nothing that the person did, but the moment from which on they could.
DELIVERED = "delivered"
_KINDS = {
    "delivered": DELIVERED,
    "unsubscribed": "email_unsubscribe",
    "complained": "email_complaint",
    "opened": "email_open",
    "clicked": "email_click",
}
# Invalid recipient; no recipient; unsubscribe.
_SPARKPOST_HARD = ("10", "30", "90")
# What a service refuses to send, or cannot deliver, because of what it knows of the address.
_FOR_GOOD = {
    "bounced": "email_bounce",
    "invalid": "email_bounce",
    "spam": "email_complaint",
    "unsubscribed": "email_unsubscribe",
}


@dataclass(frozen=True, slots=True)
class MailEvent:
    """Something that became of a mail: ``kind`` is a touchpoint kind, ``email`` normalized; empty means not given.

    ``token`` is of events that the service does not date: its id of the event, else a digest of what it wrote.
    """

    kind: str
    email: str
    occurred_at: datetime
    event_id: str = ""
    url: str = ""
    user_agent: str = ""
    token: str = ""
    message_id: str = ""
    ip: str = ""
    exclusion: str = ""


def kind_of(event_type: str, reject_reason: str, *, is_hard: bool) -> str:
    """The touchpoint kind of an event, or `DELIVERED`; "" for what says nothing of the person, such as a full mailbox.

    ``is_hard``: see `is_hard_bounce`.
    """
    if event_type == "bounced":
        return _FOR_GOOD.get(reject_reason, "email_bounce") if is_hard else ""
    if event_type == "rejected":
        return _FOR_GOOD.get(reject_reason, "")
    return _KINDS.get(event_type, "")


def message_id_of(service: str, event: Mapping[str, Any], given: str) -> str:
    """Which mail an event is of.

    SendGrid tells the id that django-anymail reads with deliveries alone, and another with all events, whose first part
    is the mail's.
    """
    if service == "sendgrid" and event.get("sg_message_id"):
        return str(event["sg_message_id"]).partition(".")[0]
    return given


def is_hard_bounce(service: str, event: Mapping[str, Any]) -> bool:
    """Whether a bounce, as the service wrote it, is for good: django-anymail does not tell hard from soft ones."""
    match service:
        case "sendgrid":
            return str(event.get("type", "bounce")) == "bounce"
        case "brevo":
            return str(event.get("event")) in ("hard_bounce", "invalid_email")
        case "postmark":
            return str(event.get("Type")) in ("HardBounce", "BadEmailAddress")
        case "mailjet":
            return str(event.get("hard_bounce")).lower() in ("true", "1")
        case "mailersend":
            return str(event.get("type", "")).endswith("hard_bounced")
        case "mandrill":
            return str(event.get("event")) == "hard_bounce"
        case "resend":
            data = event.get("data")
            bounce = data.get("bounce") if isinstance(data, Mapping) else None
            return not isinstance(bounce, Mapping) or str(bounce.get("type", "Permanent")) == "Permanent"
        case "mailtrap":
            return str(event.get("event")) != "soft bounce"
        case "sparkpost":
            inner: Mapping[str, Mapping[str, Any]] = event.get("msys") or {}
            return any(str(each.get("bounce_class")) in _SPARKPOST_HARD for each in inner.values())
        case _:
            return True  # Mailgun calls a soft bounce a temporary failure, which is none


def is_auto_reply(headers: Mapping[str, Any]) -> bool:
    """Whether nobody wrote a mail: absence notes and receipts say so in their headers (RFC 3834)."""
    said = {name.casefold(): str(value).strip().casefold() for name, value in headers.items()}
    if said.get("auto-submitted", "no").partition(";")[0].strip() != "no":
        return True
    if said.get("precedence") in ("auto_reply", "auto-reply", "bulk", "junk", "list"):
        return True
    return any(name in said for name in ("x-autoreply", "x-autorespond", "x-auto-reply"))
