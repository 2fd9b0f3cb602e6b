"""What a CRM's words for campaigns and their members mean here."""

from __future__ import annotations

# A word in the campaign's type → the channel it came through. The first that fits counts.
_CHANNELS = (
    ("webinar", "webinar"),
    ("conference", "events"),
    ("trade show", "events"),
    ("event", "events"),
    ("seminar", "events"),
    ("email", "email"),
    ("e-mail", "email"),
    ("newsletter", "email"),
    ("search", "paid-search"),
    ("social", "paid-social"),
    ("banner", "display"),
    ("display", "display"),
    ("advert", "display"),
    ("partner", "partner"),
    ("referral", "referral"),
    ("content", "content"),
)
_ABSENT = ("registered", "rsvp", "invited", "no show", "no-show")


def channel_of(kind: str) -> str:
    """The key of the channel for a campaign's type; "other" where no word is known."""
    words = kind.lower()
    return next((channel for word, channel in _CHANNELS if word in words), "other")


def touch_kind(kind: str, status: str) -> str:
    """The kind of touch that a member's response is, by the campaign's type and the member's status."""
    channel, said = channel_of(kind), status.lower()
    if channel == "webinar":
        return "webinar_registration" if any(word in said for word in _ABSENT) else "webinar_attendance"
    if channel == "events":
        return "event_visit"
    if channel == "email":
        return "email_reply" if "repl" in said or "answer" in said else "email_click"
    return "ad_click" if channel in ("paid-search", "paid-social", "display") else "form_submission"
