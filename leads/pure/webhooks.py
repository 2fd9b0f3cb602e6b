"""What other systems can be told of, how it is signed (Standard Webhooks), and when a failed delivery is tried again.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta

EVENTS = {
    "lead.captured": "Lead captured",
    "lead.updated": "Lead details changed",
    "lead.scored": "Lead score changed",
    "lead.assigned": "Lead assigned",
    "lead.stage_changed": "Lead stage changed",
    "lead.merged": "Leads merged",
    "opportunity.created": "Opportunity created",
    "opportunity.changed": "Opportunity changed",
    "opportunity.won": "Opportunity won",
    "opportunity.lost": "Opportunity lost",
    "opportunity.deleted": "Opportunity deleted",
    "report.published": "Weekly report published",
}
TEST, WORKFLOW = "test", "workflow.step"
"""Events that nobody subscribes to: an admin's test, and what a workflow's step sends."""

PREFIX = "whsec_"
# How long after each failed try the next one follows; after the last the delivery is given up: about three days.
PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
# An endpoint that failed without a break for so long is switched off.
PATIENCE = timedelta(days=3)
# From so long on its admins are told.
TROUBLE = timedelta(hours=1)
# How long the former secret signs along after a rotation.
OVERLAP = timedelta(hours=24)
# How long events and their log are kept.
KEPT_FOR = timedelta(days=30)


def to_secret(random: bytes) -> str:
    """A secret as receivers are given it, of 24 to 64 random bytes. Raises ValueError for fewer or more."""
    if not 24 <= len(random) <= 64:
        raise ValueError("A secret has 24 to 64 bytes.")
    return PREFIX + base64.b64encode(random).decode()


def signature(*, secrets: Sequence[str], message_id: str, timestamp: int, body: str) -> str:
    """The ``webhook-signature`` header: one ``v1`` signature for each secret, the current one first."""
    content = f"{message_id}.{timestamp}.{body}".encode()
    return " ".join(f"v1,{_sign(secret, content)}" for secret in secrets)


def _sign(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def pause_after(tries: int, *, chance: float, asked: timedelta | None = None) -> timedelta | None:
    """How long to wait after that many failed tries, at least as long as the receiver asked; None: give up.

    ``chance`` (0 to 1) spreads the tries of many deliveries over the second half of the pause.
    """
    if tries > len(PAUSES):
        return None
    pause = PAUSES[tries - 1]
    return max(pause / 2 + pause / 2 * chance, asked or timedelta())
