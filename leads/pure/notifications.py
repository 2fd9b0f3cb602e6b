"""What the portal tells people, by kind, and how often it tries.

A later subject adds a kind to KINDS and writes rows of it; channels, preferences and delivery stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

PORTAL, EMAIL, SLACK, TEAMS = "portal", "email", "slack", "teams"
CHAT = (SLACK, TEAMS)
ALL_BUT_REPS = frozenset({"marketing_director", "sales_leader", "admin"})


@dataclass(frozen=True, slots=True)
class Kind:
    """``roles`` are those it can reach (empty: everybody); ``by_email`` is what holds until a person chooses."""

    key: str
    label: str
    about: str
    roles: frozenset[str] = frozenset()
    by_email: bool = True


KINDS = {
    kind.key: kind
    for kind in (
        Kind(
            "weekly_report",
            "Weekly report",
            "The report of the last week is published.",
            frozenset({"marketing_director", "sales_leader"}),
        ),
        Kind("lead_assigned", "Lead assigned to me", "A lead became mine: who it is, and why it came to me."),
        Kind(
            "follow_up_overdue",
            "Follow-up overdue",
            "A follow-up of mine was not done by the time it was due.",
            by_email=False,
        ),
        Kind(
            "sla_missed",
            "Sales SLA missed",
            "An MQL was neither accepted, rejected nor answered by the time of the Sales SLA.",
            frozenset({"sales_leader"}),
            False,
        ),
        Kind("workflow", "Message of a workflow", "A workflow tells me of a lead."),
        Kind(
            "workflow_trouble",
            "Workflow needs attention",
            "An email of a workflow may not have been sent, or a step failed for good.",
            frozenset({"admin"}),
            False,
        ),
        Kind("import_finished", "Import finished", "A file I imported is done, or stopped.", ALL_BUT_REPS, False),
        Kind(
            "connection_trouble",
            "CRM connection needs attention",
            "A connected CRM refuses our calls or cannot be reached.",
            frozenset({"admin", "sales_leader"}),
        ),
        Kind(
            "webhook_trouble",
            "Webhook needs attention",
            "An endpoint takes no events, or was switched off for it.",
            frozenset({"admin"}),
        ),
    )
}
# How long after each failed try the next one follows; after the last the message is given up.
PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=20),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
)


def kinds_for(role: str) -> list[Kind]:
    """The kinds for a role, in order."""
    return [kind for kind in KINDS.values() if not kind.roles or role in kind.roles]


def pause_after(attempts: int, asked: timedelta | None = None) -> timedelta | None:
    """How long to wait after that many failed tries, at least as long as the other side asked; None: give up."""
    if attempts > len(PAUSES):
        return None
    return max(PAUSES[attempts - 1], asked or timedelta())
