"""Reads for a run: deals, their people and their touches as columns, no model instances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from attribution.models import JourneyScope
from attribution.pure.computation import DealColumns, Inputs, TouchColumns
from leads.models import Lead, LeadScore, Opportunity, OpportunityContact, Touchpoint

BATCH = 500
"""Ids per ``IN (…)``: below the limit of every database."""


def read_inputs(scope: str, opportunity: int | None = None) -> Inputs:
    """Every opportunity with its candidate touches (or one, by id), in five queries whatever their number.

    Candidates are the touches of the people of the deal: its contacts, its primary contact (all contacts where none
    is marked so), or everybody of its account. A merged lead's touches count as the survivor's, each once.
    """
    deals = Opportunity.objects.all() if opportunity is None else Opportunity.objects.filter(pk=opportunity)
    columns, accounts = _deals(deals)
    survivors = _survivors()
    people = _people(scope, columns.id, accounts, survivors, opportunity)
    touches, of_person = _touches(people, survivors, is_open=scope == JourneyScope.ACCOUNT)
    pair_deal: list[int] = []
    pair_touch: list[int] = []
    for index, deal in enumerate(columns.id):
        for person in people[deal]:
            found = of_person.get(person, ())
            pair_touch.extend(found)
            pair_deal.extend([index] * len(found))
    columns.known_at = _known_since(columns.id, people)
    return Inputs(columns, touches, pair_deal, pair_touch)


def _deals(rows: QuerySet[Opportunity]) -> tuple[DealColumns, dict[int, int]]:
    columns, accounts = DealColumns(), {}
    fields = ("pk", "status", "reporting_cents", "opened_at", "closed_at", "account_id")
    for pk, status, cents, opened_at, closed_at, account in rows.order_by("pk").values_list(*fields).iterator():
        columns.id.append(pk)
        columns.status.append(status)
        columns.amount_cents.append(cents or 0)
        columns.opened_at.append(opened_at)
        columns.closed_at.append(closed_at)
        if account is not None:
            accounts[pk] = account
    return columns, accounts


def _survivors() -> dict[int, int]:
    """Merged lead → the lead that lives on, through chains of merges."""
    into = dict(Lead.objects.filter(merged_into__isnull=False).values_list("pk", "merged_into_id"))
    found: dict[int, int] = {}
    for lead in into:
        target, seen = into[lead], {lead}
        while target in into and target not in seen:
            seen.add(target)
            target = into[target]
        found[lead] = target
    return found


class _People(defaultdict[int, dict[int, datetime]]):
    """Opportunity → its people (survivors), each with the moment they became known; the primary contact first."""


def _people(
    scope: str, deals: Sequence[int], accounts: dict[int, int], survivors: dict[int, int], opportunity: int | None
) -> _People:
    people = _People(dict)
    contacts = OpportunityContact.objects.order_by("opportunity_id", "-is_primary", "lead_id")
    if opportunity is not None:
        contacts = contacts.filter(opportunity_id=opportunity)
    primary: set[int] = set()
    fields = ("opportunity_id", "lead_id", "is_primary", "lead__captured_at")
    for deal, lead, is_primary, captured_at in contacts.values_list(*fields).iterator():
        if is_primary:
            primary.add(deal)
        elif scope == JourneyScope.PRIMARY and deal in primary:
            continue
        people[deal].setdefault(survivors.get(lead, lead), captured_at)
    if scope == JourneyScope.ACCOUNT:
        colleagues: dict[int, list[tuple[int, datetime]]] = defaultdict(list)
        members = Lead.objects.live().filter(account_id__isnull=False)
        if opportunity is not None:
            members = members.filter(account_id__in=list(accounts.values()))
        for lead, account, captured_at in members.order_by("pk").values_list("pk", "account_id", "captured_at"):
            colleagues[account].append((lead, captured_at))
        for deal in deals:
            for lead, captured_at in colleagues.get(accounts.get(deal, 0), ()):
                people[deal].setdefault(lead, captured_at)
    return people


def _known_since(deals: Iterable[int], people: _People) -> list[datetime | None]:
    """When the first of each deal's people in order (the primary contact) became known."""
    return [next(iter(people[deal].values()), None) if deal in people else None for deal in deals]


def _touches(people: _People, survivors: dict[int, int], *, is_open: bool) -> tuple[TouchColumns, dict[int, list[int]]]:
    wanted = {person for members in people.values() for person in members}
    wanted |= {lead for lead, survivor in survivors.items() if survivor in wanted}
    rows = Touchpoint.objects.order_by()
    if len(wanted) <= BATCH:
        rows = rows.filter(lead_id__in=wanted)
    elif not is_open:
        # As a subquery the list of people never travels; what comes back too much is skipped below.
        in_deals = Q(lead__in=OpportunityContact.objects.values("lead"))
        if survivors:
            merged = Lead.objects.filter(merged_into__isnull=False)
            in_deals |= Q(lead__in=merged.values("pk")) | Q(lead__in=merged.values("merged_into"))
        rows = rows.filter(in_deals)
    columns, of_person = TouchColumns(), defaultdict[int, list[int]](list)
    fields = ("lead_id", "pk", "campaign_id", "channel_id", "occurred_at", "exclusion")
    for lead, pk, campaign, channel, occurred_at, exclusion in rows.values_list(*fields).iterator(chunk_size=10_000):
        if lead not in wanted:
            continue
        of_person[survivors.get(lead, lead)].append(len(columns.id))
        columns.id.append(pk)
        columns.campaign.append(campaign)
        columns.channel.append(channel)
        columns.occurred_at.append(occurred_at)
        columns.exclusion.append(exclusion)
    return columns, of_person


def read_fit_points() -> dict[int, int]:
    """Lead → the fit points of its first score, where it has one.

    The first, because it never changes: a baseline that moved with today's score would move the credits of deals long
    closed, and points for behavior are earned by the very touches the baseline is to be told from.
    """
    points: dict[int, int] = {}
    # Newest first, so that the oldest is the one that stays.
    for lead, fit in LeadScore.objects.order_by("-pk").values_list("lead_id", "fit").iterator(chunk_size=10_000):
        points[lead] = fit
    return points
