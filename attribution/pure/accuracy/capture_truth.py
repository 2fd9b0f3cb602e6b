"""Made-up people whose every contact is known, and how badly it reaches us."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

TROUBLES = {
    "none": "Baseline",
    "lost_cookie": "The browser forgot what brought the person",
    "two_devices": "A second device with another address",
    "signed_in": "A second device, signed in",
    "merged": "Two records of one person, merged later",
    "forwarded_mail": "Forwarded email",
    "bot": "Programs open mails and click links",
    "repeated": "The same event is delivered several times",
    "late_import": "Contacts are imported weeks later, newest first",
}
DOMAIN = "capture-check.example"
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0 Safari/537.36"
# The last of them passes for a person, as some do.
_MACHINES = ("Barracuda Sentinel", "Mimecast URL Protect", "python-requests/2.32", "HeadlessChrome/139.0", _BROWSER)
_WAYS = (
    ("email_click", "newsletter", "email"),
    ("form_submission", "google", "cpc"),
    ("webinar_registration", "linkedin", "paid-social"),
    ("form_submission", "bing", "cpc"),
)


@dataclass(frozen=True, slots=True)
class Truth:
    """One contact as it happened, at a moment that no other contact has.

    ``lead`` is the address the person is known by; a machine's contact has none.
    """

    trouble: str
    at: datetime
    lead: str | None
    campaign: str


@dataclass(frozen=True, slots=True)
class Posted:
    """A contact as a form, a page or a mail tool sends it to the capture API: the body of the request."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """A contact as a line of a file that somebody imports."""

    email: str
    at: datetime
    campaign: str


@dataclass(frozen=True, slots=True)
class Merged:
    """Somebody notices that these two addresses are one person; the first stays."""

    survivor: str
    loser: str


Step = Posted | Imported | Merged


@dataclass(frozen=True, slots=True)
class Sent:
    """What reaches us of one person, in the order of arrival, and what truly happened."""

    steps: tuple[Step, ...]
    truths: tuple[Truth, ...]


def made_up(*, person: int, seed: int, at: datetime) -> Sent:
    """One person's contacts of the hundred days before ``at``; the same for the same seed."""
    chance = random.Random(f"{seed}:{person}")
    trouble = list(TROUBLES)[person % len(TROUBLES)]
    own, other = f"p{person}-{seed}@{DOMAIN}", f"p{person}-{seed}@second.{DOMAIN}"
    external_id = f"capture-check-{seed}-{person}" if trouble == "signed_in" else ""
    moments = sorted(at - timedelta(days=chance.uniform(1, 100)) for _ in range(chance.randint(3, 6)))
    steps: list[Step] = []
    truths: list[Truth] = []
    for number, moment in enumerate(moments):
        kind, source, medium = chance.choice(_WAYS)
        campaign = f"capture-check-{chance.randint(1, 12)}"
        lead: str | None = own
        sent_as, agent, utm = own, _BROWSER, {"source": source, "medium": medium, "campaign": campaign}
        hit = number > 0 and chance.random() < 0.5
        if trouble == "lost_cookie" and hit:
            utm = {}
        elif (trouble == "two_devices" and hit) or (trouble == "merged" and (hit or number == 1)):
            sent_as = other
        elif trouble == "signed_in" and hit:
            sent_as = ""
        elif trouble == "forwarded_mail" and hit:
            kind, lead = "email_click", other
        elif trouble == "bot" and hit:
            kind, lead, agent = "email_click", None, chance.choice(_MACHINES)
        event = {"type": kind, "occurred_at": moment.isoformat(), "utm": utm, "user_agent": agent}
        who = {"email": sent_as, "external_id": external_id}
        posted = Posted({**{name: value for name, value in who.items() if value}, "event": event})
        steps += [posted] * (chance.randint(2, 4) if trouble == "repeated" else 1)
        truths.append(Truth(trouble, moment, lead, campaign))
    if trouble == "merged":
        # Both records exist by then; what comes later still carries either address.
        steps.insert(len(steps) // 2 + 1, Merged(own, other))
    if trouble == "late_import":
        steps[1:] = _as_lines(own, truths[1:])
    return Sent(tuple(steps), tuple(truths))


def _as_lines(email: str, truths: Sequence[Truth]) -> list[Imported]:
    return [Imported(email, truth.at, truth.campaign) for truth in reversed(truths)]
