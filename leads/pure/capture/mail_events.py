"""Events of email services in the words that django-anymail gives all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_KINDS = {
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


def kind_of(event_type: str, reject_reason: str, *, is_hard: bool) -> str:
    """The touchpoint kind of an event; "" for what says nothing of the person, such as a delivery or a full mailbox.

    ``is_hard``: see `is_hard_bounce`.
    """
    if event_type == "bounced":
        return _FOR_GOOD.get(reject_reason, "email_bounce") if is_hard else ""
    if event_type == "rejected":
        return _FOR_GOOD.get(reject_reason, "")
    return _KINDS.get(event_type, "")


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
