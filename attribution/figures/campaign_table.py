"""Campaigns as a tree of channels, programmes and campaigns, each with what it earned under every method and cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from django.db.models import Count, Q, Sum

from attribution.figures import amounts_then, rows
from attribution.models import CreditQuerySet
from attribution.pure.credits import rollup
from leads.figures.base import Scope
from leads.figures.lifecycle import captured
from leads.figures.spend import costs, without_costs
from leads.models import Campaign, Channel

Kind = Literal["channel", "programme", "campaign", "none"]
Money = Counter[str]


PRICED = Q(opportunity__reporting_cents__isnull=False)
SUMS = {
    "known_cents": Sum("cents", filter=PRICED, default=0),
    "priced": Count("pk", filter=PRICED),
    "unpriced": Count("pk", filter=~PRICED),
}
"""Of grouped credits: what those with an amount come to, how many they are, and how many lack theirs."""


@dataclass(slots=True)
class Sums:
    """Cents per method, and how many credits have an amount and how many lack theirs, which say 0."""

    cents: Money = field(default_factory=Counter)
    priced: Counter[str] = field(default_factory=Counter)
    unpriced: Counter[str] = field(default_factory=Counter)

    def value(self, method: str) -> int | None:
        """What it comes to; None (unknown) where there are credits and all of them lack their amount."""
        return None if self.unpriced[method] and not self.priced[method] else self.cents[method]

    def add(self, method: str, cents: int | None, priced: int, unpriced: int) -> None:
        """Further credits."""
        self.cents[method] += cents or 0
        self.priced[method] += priced
        self.unpriced[method] += unpriced

    def update(self, other: Sums) -> None:
        """All of another's."""
        self.cents.update(other.cents)
        self.priced.update(other.priced)
        self.unpriced.update(other.unpriced)

    def is_empty(self) -> bool:
        """Nothing earned, and nothing of an unknown amount."""
        return not any(self.cents.values()) and not any(self.unpriced.values())


@dataclass(slots=True)
class Node:
    """A row of the table with everything below it. Money is in cents; a cost of None is unknown. ``earned`` and
    ``expected`` (under the key "") know what of revenue and pipeline is unknown."""

    name: str
    kind: Kind
    channel: str = ""
    campaign: UUID | None = None
    earned: Sums = field(default_factory=Sums)
    expected: Sums = field(default_factory=Sums)
    cost: int | None = None
    leads: int = 0
    is_cost_incomplete: bool = False
    children: list[Node] = field(default_factory=list)

    @property
    def revenue(self) -> Money:
        """What is known of the revenue, per method: what sums and charts add up."""
        return self.earned.cents

    @property
    def pipeline(self) -> int | None:
        """Credits of open deals; None where all of them lack their amount."""
        return self.expected.value("")

    def roi(self, method: str) -> float | None:
        """(revenue − cost) ÷ cost, or None when either is unknown or the cost nothing."""
        revenue = self.earned.value(method)
        return None if revenue is None else rollup.roi(revenue, self.cost)

    def is_disputed(self) -> bool:
        """Whether the basic methods disagree on it: some say that the money came back, others that it did not."""
        verdicts = {value >= 0 for method in BASIC_METHODS if (value := self.roi(method)) is not None}
        return len(verdicts) > 1

    def is_empty(self) -> bool:
        """Nothing earned, spent, expected or brought in."""
        return self.earned.is_empty() and self.expected.is_empty() and not self.leads and self.cost is None

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Node]]:
        """This node and all below it, each with its depth."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


# Methods that look at one position only (lead creation, say) nearly always disagree with the others: a flag on every
# row warns of nothing.
BASIC_METHODS = ("first_touch", "last_touch", "linear")


Cells = defaultdict[tuple[int, int | None], Node]
"""(channel, campaign or None) → leaf."""
_CELL = ("channel", "campaign", "method")


@dataclass(frozen=True, slots=True)
class CampaignTable:
    """The channels, what nobody earned, what was earned elsewhere, and the sum of all per method: closed-won revenue.

    ``elsewhere`` is what touches outside the filters earned in deals won in the period (other channels; touches of
    other periods under the realised basis), less what touches inside them earned in deals won in other periods.
    """

    channels: list[Node]
    unattributed: Money
    elsewhere: Money
    total: Money
    whole: Node
    all_credits: Sums
    no_credits: Sums

    def total_of(self, method: str) -> int | None:
        """The sum of all; None where no won deal has an amount."""
        return None if self.all_credits.value(method) is None else self.total[method]

    def unattributed_of(self, method: str) -> int | None:
        """What nobody earned; None where no such deal has an amount."""
        return self.no_credits.value(method)


def campaign_table(scope: Scope, methods: Collection[str]) -> CampaignTable:
    """The whole tree of a scope under these methods, in a fixed number of queries."""
    cells: Cells = defaultdict(lambda: Node("", "campaign"))
    left, others = _add_earned(cells, scope, methods)
    _add_others(cells, scope)
    channels = {channel.pk: channel for channel in Channel.objects.order_by("position", "pk")}
    campaigns = {campaign.pk: campaign for campaign in Campaign.objects.order_by("name", "pk")}
    nodes = {pk: Node(channel.name, "channel", channel.key) for pk, channel in channels.items()}
    top: list[Node] = []
    for pk, channel in channels.items():
        (nodes[channel.parent_id].children if channel.parent_id else top).append(nodes[pk])
    programmes = _programmes(nodes, cells, campaigns)
    for (channel_id, campaign_id), leaf in cells.items():
        if leaf.is_empty():
            continue
        campaign = campaigns.get(campaign_id) if campaign_id else None
        leaf.channel = channels[channel_id].key
        if campaign is None:
            leaf.name, leaf.kind = "No campaign", "none"
        else:
            leaf.name, leaf.campaign = campaign.name, campaign.public_id
        programme = campaign and programmes.get((channel_id, campaign.parent_id or campaign.pk))
        (programme or nodes[channel_id]).children.append(leaf)
    whole = Node("All channels", "channel", children=top)
    _add_up(whole)
    unattributed, elsewhere = left.cents, others.cents.copy()
    elsewhere.subtract(_by_method(rows.beyond_credits_of_all(scope, methods), methods).cents)
    every = Sums()
    for part in (whole.earned, left, others):
        every.update(part)
    total = Counter({key: whole.revenue[key] + unattributed[key] + elsewhere[key] for key in methods})
    return CampaignTable(whole.children, unattributed, elsewhere, total, whole, every, left)


def _programmes(nodes: dict[int, Node], cells: Cells, campaigns: dict[int, Campaign]) -> dict[tuple[int, int], Node]:
    """A node per channel and programme that has campaigns with something to show in this channel."""
    found: dict[tuple[int, int], Node] = {}
    for (channel, campaign_id), leaf in cells.items():
        parent = campaigns[campaign_id].parent_id if campaign_id in campaigns else None
        if parent is None or leaf.is_empty() or (channel, parent) in found:
            continue
        programme = campaigns[parent]
        node = Node(programme.name, "programme", nodes[channel].channel, programme.public_id)
        found[channel, parent] = node
        nodes[channel].children.append(node)
    return found


def _add_earned(cells: Cells, scope: Scope, methods: Collection[str]) -> tuple[Sums, Sums]:
    """Puts credits into their cells; returns what nobody earned, and what was earned outside the filters. One query by
    close date, and another of the touches of the period by touch date."""
    left, others = Sums(), Sums()
    is_by_close = scope.basis == "simple"
    read = rows.period_credits_of_all(scope, methods).filter(method__in=methods).order_by()
    for channel, campaign, method, is_inside, *sums in read.values_list(*_CELL, "is_inside").annotate(**SUMS):
        if channel is None:
            left.add(method, *sums)
        elif not is_inside:
            others.add(method, *sums)
        elif is_by_close:
            cells[channel, campaign].earned.add(method, *sums)
    if not is_by_close:
        won = rows.won_credits_of_all(scope, methods).filter(method__in=methods).order_by()
        for channel, campaign, method, *sums in won.values_list(*_CELL).annotate(**SUMS):
            cells[channel, campaign].earned.add(method, *sums)
    return left, others


def _add_others(cells: Cells, scope: Scope) -> None:
    """Puts pipeline, leads and costs into their cells, from one grouped query per column."""
    expected = amounts_then.standing_credits(scope).order_by()
    for channel, campaign, *sums in expected.values_list("channel", "campaign").annotate(**amounts_then.SUMS):
        cells[channel, campaign].expected.add("", *sums)
    for channel, campaign, count in _leads(scope):
        if channel is not None:
            cells[channel, campaign].leads += count
    if scope.owner:
        # Costs have no owner: one owner's revenue over the cost of everybody's is no return.
        return
    known = costs(scope).filter(reporting_cents__isnull=False).order_by().values_list("campaign__channel", "campaign")
    for channel, campaign, cents in known.annotate(Sum("reporting_cents")):
        cells[channel, campaign].cost = cents
    for channel, campaign in without_costs(scope):
        cells[channel, campaign].is_cost_incomplete = True


def _leads(scope: Scope) -> Iterator[tuple[int | None, int | None, int]]:
    grouped = captured(scope).order_by().values_list("channel", "campaign")
    yield from grouped.annotate(Count("pk"))


def _by_method(credits: CreditQuerySet, methods: Collection[str]) -> Sums:
    sums = Sums()
    for method, *found in credits.filter(method__in=methods).order_by().values_list("method").annotate(**SUMS):
        sums.add(method, *found)
    return sums


def _add_up(node: Node) -> None:
    """Sums of the children, bottom up; a cost is known when any child's is. Empty channels are dropped."""
    for child in node.children:
        _add_up(child)
    node.children = [child for child in node.children if not child.is_empty()]
    for child in node.children:
        node.earned.update(child.earned)
        node.expected.update(child.expected)
        node.leads += child.leads
        node.is_cost_incomplete |= child.is_cost_incomplete
        if child.cost is not None:
            node.cost = (node.cost or 0) + child.cost
