"""Made-up people whose every contact is known, and how badly it reaches us."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from leads.pure.captured import CapturedEvent, CapturedItem, Utm

TROUBLES = {
    "none": "Nothing goes wrong",
    "lost_cookie": "The browser forgot what brought the person",
    "two_devices": "A second device with another address",
    "signed_in": "A second device, signed in",
    "forwarded_mail": "A colleague clicks in a forwarded mail",
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
    ("page_view", "google", "cpc"),
)


@dataclass(frozen=True, slots=True)
class Truth:
    """One contact as it happened. ``lead`` is the address the person is known by; a machine's contact has none.

    ``name`` is the event's name, which no other contact has.
    """

    trouble: str
    name: str
    lead: str | None
    campaign: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What reaches us, in the order of arrival, at the moment ``at``, and what truly happened."""

    deliveries: tuple[tuple[datetime, CapturedItem], ...]
    truths: tuple[Truth, ...]


def made_up(*, person: int, seed: int, at: datetime) -> Sent:
    """One person's contacts of the last hundred days; the same for the same seed."""
    chance = random.Random(f"{seed}:{person}")
    trouble = list(TROUBLES)[person % len(TROUBLES)]
    own, other = f"p{person}-{seed}@{DOMAIN}", f"p{person}-{seed}@second.{DOMAIN}"
    external_id = f"capture-check-{seed}-{person}" if trouble == "signed_in" else ""
    moments = sorted(at - timedelta(days=chance.uniform(1, 100)) for _ in range(chance.randint(3, 6)))
    deliveries: list[tuple[datetime, CapturedItem]] = []
    truths: list[Truth] = []
    for number, moment in enumerate(moments):
        kind, source, medium = chance.choice(_WAYS)
        campaign = f"capture-check-{chance.randint(1, 12)}"
        name = f"capture check {seed}-{person}-{number}"
        lead: str | None = own
        sent_as, sent_id, agent, utm = own, external_id, _BROWSER, Utm(source, medium, campaign)
        hit = number > 0 and chance.random() < 0.5
        if trouble == "lost_cookie" and hit:
            utm = Utm()
        elif trouble == "two_devices" and hit:
            sent_as = other
        elif trouble == "signed_in" and hit:
            sent_as = ""
        elif trouble == "forwarded_mail" and hit:
            kind, lead = "email_click", other
        elif trouble == "bot" and hit:
            kind, lead, agent = "email_click", None, chance.choice(_MACHINES)
        event = CapturedEvent(kind=kind, occurred_at=moment, name=name, utm=utm, user_agent=agent)
        item = CapturedItem(event=event, email=sent_as, external_id=sent_id)
        times = chance.randint(2, 4) if trouble == "repeated" else 1
        deliveries += [(moment + timedelta(minutes=minute), item) for minute in range(times)]
        truths.append(Truth(trouble, name, lead, campaign))
    if trouble == "late_import":
        deliveries = [(at, item) for _, item in reversed(deliveries)]
    return Sent(tuple(deliveries), tuple(truths))
