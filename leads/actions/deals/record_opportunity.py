"""Record deals as somebody else keeps them: the opportunity, its history, its people and what that makes of them.

Idempotent: the same facts again write nothing. Set-based: a page of deals costs a fixed number of queries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction

from leads.actions.deals.follow_deal import follow_deals
from leads.actions.insert_rows import insert_rows
from leads.actions.price import Rates, deal_day
from leads.models import Company, Lead, Opportunity, OpportunityChange, OpportunityContact, PipelineStage
from leads.pure.money import to_amount

BATCH = 200
_WRITTEN = (
    "name",
    "stage_id",
    "status",
    "amount_cents",
    "currency",
    "owner_id",
    "closed_at",
    "expected_close_on",
    "lost_reason",
    "won_reason",
    "forecast_category",
    "deleted_at",
    "account_id",
    "attributes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFact:
    """A lead's part in a deal; at most one of a deal is primary."""

    lead_id: int
    role: str = OpportunityContact.ContactRole.OTHER
    is_primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFact:
    """A line of a deal's past under the key its source gave it."""

    source_key: str
    changed_at: datetime
    stage: PipelineStage
    amount_cents: int | None
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DealFacts:
    """A deal as its source holds it now. ``opportunity_id`` is None for one we do not have yet, which then gets the
    ``external_id``.

    ``owner_id``, ``won_reason`` and ``forecast_category`` None leave them as they are; ``account_id`` is only taken
    where we know none; ``attributes`` are added to those we hold, None takes one away. ``changes`` is the whole past,
    or empty where the source keeps none. ``gone`` are leads that the source knows and no longer names. ``deleted_at``
    is when the source deleted the deal; such a deal stays as it was, people included, and counts nowhere.
    """

    name: str
    stage: PipelineStage
    status: str
    amount_cents: int | None
    currency: str
    opened_at: datetime
    closed_at: datetime | None
    changed_at: datetime
    source: str
    opportunity_id: int | None = None
    expected_close_on: date | None = None
    lost_reason: str = ""
    won_reason: str | None = None
    forecast_category: str | None = None
    deleted_at: datetime | None = None
    owner_id: int | None = None
    account_id: int | None = None
    external_id: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    changes: Sequence[ChangeFact] = ()
    contacts: Sequence[ContactFact] = ()
    gone: frozenset[int] = frozenset()


@dataclass(slots=True)
class Recorded:
    """What became of one deal: ``changes`` is {field: [before, after]} in words, ``written`` the same by column in
    plain values, ``moved`` the leads that moved on."""

    opportunity: Opportunity
    is_created: bool
    changes: dict[str, list[str]] = field(default_factory=dict)
    written: dict[str, list[Any]] = field(default_factory=dict)
    moved: list[int] = field(default_factory=list)


def record_opportunity(*, deal: DealFacts, at: datetime) -> Recorded:
    """One deal; see :func:`record_opportunities`."""
    return record_opportunities(deals=[deal], at=at)[0]


def record_opportunities(*, deals: Sequence[DealFacts], at: datetime) -> list[Recorded]:
    """Write what differs, in one transaction; answers are in the order of the deals, each opportunity named once."""
    with transaction.atomic():
        desk = _Desk(deals, at)
        recorded = [desk.record(deal) for deal in deals]
        desk.write()
        pairs = list(zip(deals, recorded, strict=True))
        _write_changes(pairs, at)
        primaries = _write_contacts(pairs)
        # Attribution follows the people of a deal, so new people are a change of the deal.
        peopled = [each.opportunity.pk for each in recorded if not each.is_created and "people" in each.changes]
        Opportunity.objects.filter(pk__in=peopled).update(changed_at=at)
        follow_deals(deals=[(each, primaries.get(each.opportunity.pk)) for _, each in pairs if _is_news(each)], at=at)
    return recorded


def _is_news(recorded: Recorded) -> bool:
    return recorded.is_created or "status" in recorded.changes or "primary contact" in recorded.changes


class _Desk:
    """The opportunities of a batch, before and after."""

    def __init__(self, deals: Sequence[DealFacts], at: datetime) -> None:
        self.at, self.rates, self.tz = at, Rates.current(), Company.current().tz
        ids = [deal.opportunity_id for deal in deals if deal.opportunity_id]
        # Locked always in the same order, so that an import and a pull cannot wait for each other.
        rows = Opportunity.objects.select_for_update(of=("self",)).select_related("stage", "owner").order_by("pk")
        self.known = {row.pk: row for row in rows.filter(pk__in=ids)} if ids else {}
        heads = {head for deal in deals if (head := _head(deal)) is not None}
        self.leads = {lead.pk: lead for lead in Lead.objects.filter(pk__in=heads)} if heads else {}
        self.new: list[Opportunity] = []
        self.changed: list[Opportunity] = []

    def record(self, deal: DealFacts) -> Recorded:
        before = self.known.get(deal.opportunity_id or 0)
        values: dict[str, Any] = {
            "name": deal.name,
            "stage_id": deal.stage.pk,
            "status": deal.status,
            "amount_cents": deal.amount_cents,
            "currency": deal.currency,
            "owner_id": deal.owner_id,
            "closed_at": deal.closed_at,
            "expected_close_on": deal.expected_close_on,
            "lost_reason": deal.lost_reason,
            "deleted_at": deal.deleted_at,
        }
        for name in ("won_reason", "forecast_category"):
            if (value := getattr(deal, name)) is not None:
                values[name] = value
        if before is None:
            return Recorded(self._create(deal, values), is_created=True)
        if deal.owner_id is None:
            values["owner_id"] = before.owner_id
        values["account_id"] = before.account_id or deal.account_id
        values["attributes"] = _merged(before.attributes, deal.attributes)
        differing = {name: value for name, value in values.items() if getattr(before, name) != value}
        said = {_WORDS.get(name, name): [_say(before, name)] for name in differing}
        written = {name: [_raw(getattr(before, name)), _raw(value)] for name, value in differing.items()}
        for name, value in differing.items():
            setattr(before, name, value)
        self._complete(before, deal, is_moved="stage_id" in differing)
        for name in differing:
            said[_WORDS.get(name, name)].append(_say(before, name))
        if differing:
            before.changed_at = self.at
            self.changed.append(before)
        return Recorded(before, is_created=False, changes=said, written=written)

    def _create(self, deal: DealFacts, values: dict[str, Any]) -> Opportunity:
        lead = self.leads.get(_head(deal) or 0)
        row = Opportunity(
            **values,
            opened_at=deal.opened_at,
            changed_at=self.at,
            stage_changed_at=deal.closed_at or deal.opened_at,
            account_id=deal.account_id or (lead.account_id if lead else None),
            external_id=deal.external_id,
            attributes=_merged({}, deal.attributes),
            territory_id=lead.territory_id if lead else None,
        )
        self._complete(row, deal, is_moved=True)
        self.new.append(row)
        return row

    def _complete(self, row: Opportunity, deal: DealFacts, *, is_moved: bool) -> None:
        """The columns that follow from others."""
        row.reporting_cents = self.rates.reporting_cents(
            amount_cents=row.amount_cents, currency=row.currency, on=deal_day(row, self.tz)
        )
        if is_moved:
            row.stage = deal.stage
            row.stage_changed_at = _in_stage_since(deal) or (row.stage_changed_at if not row.pk else deal.changed_at)

    def write(self) -> None:
        insert_rows(self.new)
        derived = ("reporting_cents", "stage_changed_at", "changed_at")
        Opportunity.objects.bulk_update(self.changed, [*_WRITTEN, *derived], batch_size=BATCH)


_WORDS = {
    "stage_id": "stage",
    "amount_cents": "amount",
    "owner_id": "owner",
    "closed_at": "closed",
    "expected_close_on": "expected close",
    "lost_reason": "lost because",
    "won_reason": "won because",
    "forecast_category": "forecast category",
    "deleted_at": "deleted",
    "account_id": "account",
}


def _say(row: Opportunity, name: str) -> str:
    if name == "stage_id":
        return row.stage.name
    if name == "owner_id":
        return str(row.owner) if row.owner_id and row.owner else ""
    if name == "account_id":
        return str(row.account) if row.account_id and row.account else ""
    if name == "amount_cents":
        return "" if row.amount_cents is None else f"{to_amount(row.amount_cents, row.currency)} {row.currency}"
    value = getattr(row, name)
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    return "" if value is None else str(value)


def _raw(value: Any) -> Any:
    """As JSON keeps it."""
    return value.isoformat() if isinstance(value, date) else value


def _merged(present: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**present, **news}.items() if value is not None}


def _head(deal: DealFacts) -> int | None:
    """The lead that stands for the deal: the primary contact, else the first."""
    ranked = sorted(deal.contacts, key=lambda contact: not contact.is_primary)
    return ranked[0].lead_id if ranked else None


def _in_stage_since(deal: DealFacts) -> datetime | None:
    """When the deal entered its present stage, by its past; None where the past does not lead there."""
    since, stage = None, None
    for change in sorted(deal.changes, key=lambda change: change.changed_at):
        if change.stage.pk != stage:
            since, stage = change.changed_at, change.stage.pk
    return since if stage == deal.stage.pk else None


def _write_changes(pairs: Sequence[tuple[DealFacts, Recorded]], at: datetime) -> None:
    ids = [recorded.opportunity.pk for _, recorded in pairs]
    told = set(
        OpportunityChange.objects.filter(opportunity__in=ids).values_list("opportunity_id", "source_key") if ids else ()
    )
    rows = [
        OpportunityChange(
            opportunity=recorded.opportunity,
            changed_at=change.changed_at,
            recorded_at=at,
            stage=change.stage,
            status=change.stage.status,
            amount_cents=change.amount_cents,
            currency=change.currency,
            source=deal.source[:80],
            source_key=change.source_key[:120],
        )
        for deal, recorded in pairs
        for change in _news(deal, recorded, told)
    ]
    # Nobody else adds lines of deals that are locked or new; of two with the same key the first one counts.
    once = {(row.opportunity_id, row.source_key): row for row in reversed(rows)}
    insert_rows(reversed(once.values()), are_keyed=False)


def _news(deal: DealFacts, recorded: Recorded, told: Collection[tuple[int, str]]) -> Iterable[ChangeFact]:
    """The lines of the deal's past that we do not have yet.

    Where the source keeps no past, or one that lacks what we see has changed, we note what we see.
    """
    pk = recorded.opportunity.pk
    news = [change for change in deal.changes if (pk, change.source_key[:120]) not in told]
    yield from news
    if recorded.is_created:
        is_lacking = not deal.changes
    else:
        is_changed = bool(recorded.changes.keys() & {"stage", "amount", "currency", "status"})
        now = (deal.stage.pk, deal.amount_cents, deal.currency)
        is_lacking = is_changed and now not in [(each.stage.pk, each.amount_cents, each.currency) for each in news]
    if is_lacking:
        moment = deal.opened_at if recorded.is_created and deal.status == "open" else deal.closed_at or deal.changed_at
        yield ChangeFact(
            source_key=f"{deal.source}:{deal.changed_at.isoformat()}",
            changed_at=moment,
            stage=deal.stage,
            amount_cents=deal.amount_cents,
            currency=deal.currency,
        )


def _write_contacts(pairs: Sequence[tuple[DealFacts, Recorded]]) -> dict[int, int]:
    """Add, change and remove people; returns the primary lead of each opportunity that has one."""
    ids = [recorded.opportunity.pk for _, recorded in pairs]
    present: dict[int, dict[int, OpportunityContact]] = {pk: {} for pk in ids}
    for row in OpportunityContact.objects.filter(opportunity__in=ids):
        present[row.opportunity_id][row.lead_id] = row
    new: list[OpportunityContact] = []
    changed: list[OpportunityContact] = []
    gone: list[int] = []
    primaries: dict[int, int] = {}
    for deal, recorded in pairs:
        people = present[recorded.opportunity.pk]
        count = len(people)
        gone += [people.pop(lead_id).pk for lead_id in sorted(deal.gone) if lead_id in people]
        is_moved = len(people) != count
        primary = _primary(deal, people)
        if primary is not None:
            primaries[recorded.opportunity.pk] = primary
        if not any(row.is_primary and lead_id == primary for lead_id, row in people.items()) and primary is not None:
            recorded.changes["primary contact"] = ["", "chosen"]
        roles = {contact.lead_id: contact.role for contact in deal.contacts}
        for lead_id, row in people.items():
            role, is_primary = roles.pop(lead_id, row.role), lead_id == primary
            if (row.role, row.is_primary) != (role, is_primary):
                row.role, row.is_primary = role, is_primary
                changed.append(row)
                is_moved = True
        if is_moved or roles:
            recorded.changes["people"] = [str(count), str(len(people) + len(roles))]
        new += [
            OpportunityContact(
                opportunity=recorded.opportunity, lead_id=lead_id, role=role, is_primary=lead_id == primary
            )
            for lead_id, role in roles.items()
        ]
    if gone:
        OpportunityContact.objects.filter(pk__in=gone).delete()
    # One primary per opportunity is a constraint of the table, checked row by row: make room before filling it.
    OpportunityContact.objects.filter(pk__in=[row.pk for row in changed], is_primary=True).update(is_primary=False)
    OpportunityContact.objects.bulk_update(changed, ["role", "is_primary"], batch_size=BATCH)
    insert_rows(new, are_keyed=False)
    return primaries


def _primary(deal: DealFacts, people: dict[int, OpportunityContact]) -> int | None:
    named = next((contact.lead_id for contact in deal.contacts if contact.is_primary), None)
    if named is not None:
        return named
    present = next((lead_id for lead_id, row in people.items() if row.is_primary), None)
    return present if present is not None else _head(deal)
