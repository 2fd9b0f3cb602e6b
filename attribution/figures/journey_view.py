"""One opportunity's journey with the weight and credit of every touch under every method, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from attribution.figures import rows
from attribution.models import AttributionRules, Milestone
from attribution.pure.credits.computation import Book
from attribution.queries.rules import read_rules
from attribution.queries.world import read_inputs
from leads.models import Opportunity, TouchKind, Touchpoint
from leads.past.span import moment

WHY = {
    "bot": "a machine made it",
    "internal": "one of our own people made it",
    "not_marketing": "no marketing interaction",
    "suppressed_channel": "its channel does not count",
    "outside_look_back": "older than the look-back",
}
AFTER = {
    Milestone.CLOSED: "it came after the close",
    Milestone.OPPORTUNITY: "it came after the opportunity was created",
    Milestone.LEAD: "it came after the lead was created",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A touch of the journey; ``weights`` and ``cents`` by method, missing where it earned nothing."""

    at: datetime
    kind: str
    name: str
    channel: str
    campaign: str
    campaign_id: UUID | None
    person: str
    person_id: UUID
    badges: tuple[str, ...]
    weights: dict[str, float]
    cents: dict[str, int]
    rejected: str = ""


@dataclass(frozen=True, slots=True)
class JourneyView:
    """Counted touches in order, those left out, and what no touch earned: cents by method."""

    counted: list[Step]
    left_out: list[Step]
    unattributed: dict[str, int]
    is_current: bool


def journey_view(opportunity: Opportunity, scope: str) -> JourneyView:
    """Positions and reasons as they are now, credits as the last run stored them, of the journeys of one scope.

    In the past both are those of then.
    """
    rules, _ = read_rules()
    why = {**WHY, "after_milestone": AFTER[Milestone(AttributionRules.objects.get(pk=1).milestone)]}
    inputs = read_inputs(scope, opportunity.pk, needs_points=rules.needs_points)
    book = Book(inputs, rules)
    journey = book.journey(0)
    weights: dict[int, dict[str, float]] = {}
    cents: dict[int, dict[str, int]] = {}
    left: dict[str, int] = {}
    fields = ("touchpoint", "method", "weight", "cents")
    for touch, method, weight, amount in rows.deal_credits(opportunity, scope).values_list(*fields):
        if touch is None:
            left[method] = amount
        else:
            weights.setdefault(touch, {})[method] = weight
            cents.setdefault(touch, {})[method] = amount
    ids: list[int] = inputs.touches["id"].tolist()
    wanted = [ids[index] for index in (*journey.touches, *(index for index, _ in journey.rejected))]
    touches = {
        touch.pk: touch
        for touch in Touchpoint.objects.filter(pk__in=wanted).select_related("channel", "campaign", "lead")
    }

    def step(index: int, badges: tuple[str, ...] = (), rejected: str = "") -> Step:
        touch = touches[ids[index]]
        return Step(
            at=touch.occurred_at,
            kind=TouchKind(touch.kind).label,
            name=touch.name or touch.utm_campaign,
            channel=touch.channel.name,
            campaign=touch.campaign.name if touch.campaign else "",
            campaign_id=touch.campaign.public_id if touch.campaign else None,
            person=touch.lead.display_name,
            person_id=touch.lead.public_id,
            badges=badges,
            weights=weights.get(touch.pk, {}),
            cents=cents.get(touch.pk, {}),
            rejected=rejected,
        )

    return JourneyView(
        counted=[step(index, journey.badges[index]) for index in journey.touches],
        left_out=sorted((step(index, (), why[code]) for index, code in journey.rejected), key=lambda step: step.at),
        unattributed=left,
        is_current=_is_current(opportunity, scope, book),
    )


def _is_current(opportunity: Opportunity, scope: str, book: Book) -> bool:
    """Whether the credits are those of the touches shown; in the past they were computed for it."""
    if moment():
        return True
    state = opportunity.journey_states.filter(scope=scope).first()
    return state is not None and bytes(state.inputs_hash) == book.hashes()[0]
