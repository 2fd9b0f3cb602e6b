"""What runs read: deals, their people and their touches as columns, no model instances."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db.models import Q

from attribution.models import JourneyScope, JourneyState
from attribution.pure.columns.columns import Columns
from attribution.pure.journeys.candidates import (
    GENUINE,
    INTERNAL,
    MACHINE,
    Inputs,
    World,
    by,
    candidates,
    everybody,
    oldest,
)
from attribution.queries.columns import Moment, coded, known, listed, read_columns, status_code
from leads.models import Lead, LeadScore, Opportunity, OpportunityContact, Touchpoint


def read_world(scopes: Collection[str], deals: Sequence[int] | None = None, *, needs_points: bool = False) -> World:
    """Every opportunity with its candidate touches under these scopes (or only some, by id), in six queries at most."""
    rows, contacts = Opportunity.objects.all(), OpportunityContact.objects.all()
    if deals is not None:
        rows, contacts = rows.filter(pk__in=listed(deals)), contacts.filter(opportunity__in=listed(deals))
    columns = by(
        read_columns(
            rows,
            id="pk",
            status=status_code(),
            amount_cents=known("reporting_cents", 0),
            opened_at=Moment("opened_at"),
            closed_at=Moment("closed_at"),
            account=known("account_id"),
        ),
        "id",
    )
    people = read_columns(
        contacts,
        deal="opportunity_id",
        lead="lead_id",
        is_primary=coded("is_primary", {True: 1}, 0),
        captured_at=Moment("lead__captured_at"),
    )
    merged = read_columns(Lead.objects.filter(merged_into__isnull=False), lead="pk", into="merged_into_id")
    is_wide = JourneyScope.ACCOUNT in scopes
    members = _members(columns, is_all=deals is None, is_wide=is_wide)
    wanted = None if deals is None else everybody([*people["lead"].tolist(), *members["lead"].tolist()], merged)
    touches = _touches(wanted, is_wide=is_wide)
    points: Columns = {"lead": merged["lead"][:0], "fit": merged["lead"][:0]}
    if needs_points:
        scores = LeadScore.objects.all() if wanted is None else LeadScore.objects.filter(lead_id__in=listed(wanted))
        points = oldest(read_columns(scores, lead="lead_id", id="pk", fit="fit"), "lead", "id")
    return World(columns, people, members, merged, touches, points)


def read_inputs(scope: str, opportunity: int, *, needs_points: bool = False) -> Inputs:
    """One opportunity with its candidate touches under a scope; as a run reads it, if ``needs_points`` is the run's."""
    return candidates(read_world([scope], [opportunity], needs_points=needs_points), scope)


def read_states(scope: str, deals: Sequence[int] | None = None) -> Columns:
    """What the last computation of each opportunity remembered."""
    rows = JourneyState.objects.filter(scope=scope)
    if deals is not None:
        rows = rows.filter(opportunity__in=listed(deals))
    return read_columns(
        rows,
        opportunity="opportunity_id",
        hash_high="hash_high",
        hash_low="hash_low",
        contacts_key="contacts_key",
        people_key="people_key",
        status=status_code(),
        amount_cents="amount_cents",
        opened_at=Moment("opened_at"),
        closed_at=Moment("closed_at"),
    )


def read_fit_points() -> dict[int, int]:
    """Lead → the fit points of its first score, where it has one.

    The first, because it never changes: a baseline that moved with today's score would move the credits of deals long
    closed, and points for behavior are earned by the very touches the baseline is to be told from.
    """
    found = oldest(read_columns(LeadScore.objects.all(), lead="lead_id", id="pk", fit="fit"), "lead", "id")
    return dict(zip(found["lead"].tolist(), found["fit"].tolist(), strict=True))


def _members(deals: Columns, *, is_all: bool, is_wide: bool) -> Columns:
    rows = Lead.objects.live().filter(account_id__isnull=False)
    if not is_wide:
        rows = rows.none()
    elif is_all:
        rows = rows.filter(account_id__in=Opportunity.objects.values("account_id"))
    else:
        rows = rows.filter(account_id__in=listed([account for account in deals["account"].tolist() if account >= 0]))
    if not is_wide:
        empty = deals["id"][:0]
        return {"lead": empty, "account": empty, "captured_at": empty}
    return read_columns(rows, lead="pk", account="account_id", captured_at=Moment("captured_at"))


def _touches(wanted: Sequence[int] | None, *, is_wide: bool) -> Columns:
    rows = Touchpoint.objects.all()
    if wanted is not None:
        rows = rows.filter(lead_id__in=listed(wanted))
    elif not is_wide:
        # As a subquery the list of people never travels; what comes back too much belongs to no deal.
        merged = Lead.objects.filter(merged_into__isnull=False)
        rows = rows.filter(
            Q(lead__in=OpportunityContact.objects.values("lead"))
            | Q(lead__in=merged.values("pk"))
            | Q(lead__in=merged.values("merged_into"))
        )
    return read_columns(
        rows,
        lead="lead_id",
        id="pk",
        campaign=known("campaign_id"),
        channel="channel_id",
        occurred_at=Moment("occurred_at"),
        exclusion=coded("exclusion", {"": GENUINE, "internal": INTERNAL}, MACHINE),
    )
