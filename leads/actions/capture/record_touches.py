"""Record touches of people we know, as another system dated them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Min

from leads.actions.capture.arrivals import Arrivals
from leads.actions.pass_stage import passages_of
from leads.models import Campaign, Channel, Company, Lead, LeadEvent, LifecyclePassage, Stage, Touchpoint
from leads.pure.capture.bots import touch_exclusion
from leads.pure.capture.captured import SUBSCRIBER_KINDS, CapturedEvent, with_tags
from leads.pure.spelling.identity import is_internal
from leads.queries.in_force import in_force

BATCH = 500
MAX_ADDRESS = 1000  # length of the column for the landing page


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchFact:
    """A dated contact. ``key`` is the source's id of it: the same key is the same contact.

    It came through its campaign, else through the channel of that key, else through what the rules say of its page.
    """

    key: str
    lead_id: int
    kind: str
    occurred_at: datetime
    campaign_id: int | None = None
    channel_key: str = ""
    landing_page: str = ""
    name: str = ""


@dataclass(slots=True)
class RecordedTouch:
    """A touch that was written. ``first`` is {column of the lead: [before, after]} where it became the first one."""

    fact: TouchFact
    touch: Touchpoint
    first: dict[str, list[int | None]] = field(default_factory=dict)


def record_touches(*, facts: Sequence[TouchFact], source: str, at: datetime) -> list[RecordedTouch]:
    """Write the touches that are not there yet, in one transaction; returns those. Repeats are harmless.

    A touch earlier than all we knew becomes the lead's first; an inquiry makes a lead of a subscriber; the score
    follows with the next sweep of the intake.
    """
    with transaction.atomic():
        keys = {_key(source, fact): fact for fact in facts}
        told = set(Touchpoint.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True))
        fresh = {key: fact for key, fact in keys.items() if key not in told}
        if not fresh:
            return []
        leads = _leads(list(fresh.values()))
        road = _Road(list(fresh.values()))
        recorded = [
            RecordedTouch(fact, _touch(key, fact, leads[fact.lead_id], road, at))
            for key, fact in sorted(fresh.items())
            if fact.lead_id in leads and road.leads_here(fact)
        ]
        road.keep_discovered()
        _follow(recorded, leads, at)
        # One process at a time reads a source, so no key is taken meanwhile and every row gets its id.
        Touchpoint.objects.bulk_create([each.touch for each in recorded], batch_size=BATCH)
        return recorded


def _key(source: str, fact: TouchFact) -> str:
    return _hash(source, fact.key)


def _hash(source: str, key: str) -> str:
    return hashlib.sha256(f"{source}\n{key}".encode()).hexdigest()


def _leads(facts: Sequence[TouchFact]) -> Mapping[int, Lead]:
    rows = Lead.objects.live().select_for_update(of=("self",)).order_by("pk")
    return {lead.pk: lead for lead in rows.filter(pk__in={fact.lead_id for fact in facts})}


class _Road:
    """How each fact reached us."""

    def __init__(self, facts: Sequence[TouchFact]) -> None:
        self.company = Company.current()
        ids = {fact.campaign_id for fact in facts if fact.campaign_id is not None}
        self.campaigns = Campaign.objects.select_related("channel").in_bulk(ids) if ids else {}
        # Tags of a page may name a campaign that is new to us.
        self.events = {
            fact.key: with_tags(CapturedEvent(fact.kind, fact.occurred_at, landing_page=fact.landing_page))
            for fact in facts
            if fact.campaign_id is None
        }
        self.arrivals = Arrivals(list(self.events.values()), in_force()) if self.events else None

    def leads_here(self, fact: TouchFact) -> bool:
        """Whether its campaign, if it names one, is there."""
        return fact.campaign_id is None or fact.campaign_id in self.campaigns

    def of(self, fact: TouchFact) -> tuple[Channel, Campaign | None]:
        """Its channel and campaign."""
        if fact.campaign_id is not None:
            campaign = self.campaigns[fact.campaign_id]
            return campaign.channel, campaign
        if self.arrivals is None:
            raise ValueError("a fact that was not asked about")
        channel, found = self.arrivals.came_through(self.events[fact.key])
        return self.arrivals.channels.get(fact.channel_key, channel), found

    def keep_discovered(self) -> None:
        """Save the campaigns that tags have named for the first time."""
        if self.arrivals is not None:
            Campaign.objects.bulk_create(self.arrivals.discovered())


def known_touches(*, keys: Collection[str], source: str) -> dict[str, Touchpoint]:
    """The touches that were recorded under these keys of the source."""
    hashed = {_hash(source, key): key for key in keys}
    return {hashed[row.dedupe_key]: row for row in Touchpoint.objects.filter(dedupe_key__in=hashed)}


def _touch(key: str, fact: TouchFact, lead: Lead, road: _Road, at: datetime) -> Touchpoint:
    channel, campaign = road.of(fact)
    is_ours = bool(lead.email) and is_internal(str(lead.email), road.company.internal_domains)
    return Touchpoint(
        lead=lead,
        campaign=campaign,
        channel=channel,
        kind=fact.kind,
        name=fact.name[:200],
        occurred_at=fact.occurred_at,
        recorded_at=at,
        landing_page=fact.landing_page[:MAX_ADDRESS],
        exclusion=touch_exclusion("", fact.kind, is_internal=is_ours),
        dedupe_key=key,
    )


def _follow(recorded: Sequence[RecordedTouch], leads: Mapping[int, Lead], at: datetime) -> None:
    """What follows for the leads: their first touch, their stage, a fresh score."""
    genuine = Touchpoint.objects.genuine().filter(lead__in=leads).values_list("lead")
    first: dict[int, datetime] = dict(genuine.annotate(first=Min("occurred_at")))
    passages: list[LifecyclePassage] = []
    events: list[LeadEvent] = []
    for each in recorded:
        touch, lead = each.touch, each.touch.lead
        lead.intake_due_at = at
        channel: Channel = touch.channel
        if not touch.exclusion and (lead.pk not in first or touch.occurred_at < first[lead.pk]):
            first[lead.pk] = touch.occurred_at
            each.first = {
                "channel_id": [lead.channel_id, channel.pk],
                "campaign_id": [lead.campaign_id, touch.campaign_id],
            }
            lead.channel, lead.campaign, lead.changed_at = channel, touch.campaign, at
        if lead.stage == Stage.SUBSCRIBER and touch.kind not in SUBSCRIBER_KINDS:
            because = f"contact: {touch.get_kind_display()}"
            passages += passages_of(lead=lead, to=Stage.LEAD, passed_at=min(touch.occurred_at, at), because=because)
            details = {"from": lead.stage, "to": Stage.LEAD, "because": because, "reason": ""}
            kind = LeadEvent.Kind.STAGE_CHANGED
            events.append(LeadEvent(lead=lead, kind=kind, happened_at=at, recorded_at=at, details=details))
            lead.stage, lead.changed_at = Stage.LEAD, at
    columns = ["channel", "campaign", "stage", "changed_at", "intake_due_at"]
    Lead.objects.bulk_update(
        {each.touch.lead_id: each.touch.lead for each in recorded}.values(), columns, batch_size=BATCH
    )
    LifecyclePassage.objects.bulk_create(passages)
    LeadEvent.objects.bulk_create(events)
