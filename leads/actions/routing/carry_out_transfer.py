"""Carry out transfers: leads in chunks, each with its follow-ups, then accounts, other follow-ups and deals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q

from leads.actions.routing.request_transfer import KIND
from leads.actions.take_jobs import Clock, failing_openly, take_jobs
from leads.models import (
    OPEN_STAGES,
    Account,
    Assignment,
    FollowUp,
    JobRun,
    Lead,
    LeadEvent,
    Opportunity,
    OpportunityContact,
    TerritoryRep,
    Transfer,
    TransferItem,
    User,
)
from leads.past.acting import Door, act
from leads.pure.spread import spread
from leads.queries.transfers import Plan, deals_of, leads_of, plan_transfer

CHUNK = 250
GIVE_UP_AFTER = timedelta(minutes=2)
_Kind = TransferItem.Kind


def carry_out_transfers(*, clock: Clock) -> int:
    """Work on what was requested, also on what a dead worker left; returns how many transfers were carried out."""
    done = 0
    for job in take_jobs(kind=KIND, at=clock(), silence=GIVE_UP_AFTER):
        with failing_openly(job=job, clock=clock):
            _carry_out(Transfer.objects.select_related("from_rep", "by", "job").get(job=job), clock)
        done += 1
    return done


def carry_out_at_once(*, transfer: Transfer, at: datetime) -> Transfer:
    """Carry out a small transfer while the person waits; nothing where a worker has taken it up meanwhile."""
    mine = JobRun.objects.filter(pk=transfer.job_id, state=JobRun.State.WAITING)
    if mine.update(state=JobRun.State.RUNNING, started_at=at, beat_at=at) == 1:
        with failing_openly(job=transfer.job, clock=lambda: at):
            _carry_out(transfer, lambda: at)
    transfer.refresh_from_db()
    return transfer


def _carry_out(transfer: Transfer, clock: Clock) -> None:
    by = transfer.by
    because = f"Transfer: {transfer.reason}"
    with act(Door.PAGE, actor=by.pk if by else None, source="transfer", because=because[:200]):
        to = list(transfer.recipients.order_by("name", "pk"))
        shares = _Shares(transfer, to) if transfer.way == Transfer.Way.EVENLY else None
        while _give_chunk(transfer, to, shares, clock()):
            pass
        with transaction.atomic():
            if transfer.from_rep is not None:
                _give_rest(transfer, transfer.from_rep, to, clock())
            _finish(transfer, clock())


class _Shares:
    """Who gets which lead of a book that is spread evenly: settled for the whole of it before the first one moves."""

    def __init__(self, transfer: Transfer, to: Sequence[User]) -> None:
        self.people = {person.pk: person for person in to}
        given = TransferItem.objects.filter(transfer=transfer, kind=_Kind.LEAD)
        counts = given.values_list("to_owner").annotate(n=Count("pk"))
        self.loads = {owner: count for owner, count in counts if owner}
        # What a worker gave away before it died.
        moved = Lead.objects.filter(pk__in=given.values("row"), account__isnull=False, owner__in=self.people)
        self.settled = dict(moved.values_list("account_id", "owner_id"))
        waiting = leads_of(transfer).exclude(pk__in=given.values("row"))
        self.given = self._spread(list(waiting.values_list("pk", "account_id")))

    def plan(self, leads: Sequence[Lead]) -> Plan:
        late = [(lead.pk, lead.account_id) for lead in leads if lead.pk not in self.given]
        self.given |= self._spread(late)
        accounts = {lead.account_id: self.given[lead.pk] for lead in leads if lead.account_id}
        return Plan({lead.pk: self.people[self.given[lead.pk]] for lead in leads}, accounts=accounts)

    def _spread(self, leads: Sequence[tuple[int, int | None]]) -> dict[int, int]:
        given = spread(leads, list(self.people), loads=self.loads, settled=self.settled)
        for pk, account in leads:
            self.loads[given[pk]] = self.loads.get(given[pk], 0) + 1
            if account:
                self.settled[account] = given[pk]
        return given


def _give_chunk(transfer: Transfer, to: Sequence[User], shares: _Shares | None, at: datetime) -> bool:
    """Give away the next leads; whether there may be more."""
    done = TransferItem.objects.filter(transfer=transfer, kind=_Kind.LEAD)
    with transaction.atomic():
        rows = leads_of(transfer).exclude(pk__in=done.values("row")).select_for_update(of=("self",))
        leads = list(rows.select_related("account", "owner", "territory")[:CHUNK])
        if not leads:
            return False
        leaving = [transfer.from_rep.pk] if transfer.from_rep else []
        if shares is not None:
            plan = shares.plan(leads)
        else:
            plan = plan_transfer(way=transfer.way, leads=leads, to=to, leaving=leaving, at=at, is_locking=True)
        _write_leads(transfer, leads, plan, at)
        if plan.rota is not None:
            TerritoryRep.objects.bulk_update(plan.rota.moved(), ["credit"])
        JobRun.objects.filter(pk=transfer.job_id).update(done=F("done") + len(leads), beat_at=at)
    return True


def _write_leads(transfer: Transfer, leads: Sequence[Lead], plan: Plan, at: datetime) -> None:
    logged, events, items = [], [], []
    moves: dict[tuple[int | None, int | None], list[int]] = {}
    waiting: list[int] = []
    for lead in leads:
        owner, decision = plan.owners[lead.pk], plan.decisions.get(lead.pk)
        territory = decision.territory if decision else lead.territory
        if owner is None and lead.stage not in OPEN_STAGES:
            owner, territory = lead.owner, lead.territory  # nobody has to work on it: it may stay until somebody can
        items.append(
            TransferItem(
                transfer=transfer,
                kind=_Kind.LEAD,
                row=lead.pk,
                from_owner=lead.owner,
                to_owner=owner,
                from_territory=lead.territory,
                to_territory=territory,
                owner_elsewhere=lead.owner_elsewhere,
            )
        )
        if owner == lead.owner and territory == lead.territory:
            continue
        why = f"Transferred from {lead.owned_by or 'nobody'}: {transfer.reason}"
        because = f"{why}; {decision.because}" if decision else why
        logged.append(
            Assignment(
                lead=lead,
                territory=territory,
                rule_id=decision.match.rule.id if decision and decision.match.rule else None,
                owner=owner,
                because=because[:400],
                version=plan.version if decision else None,
                passed_over=decision.passed_over(dict(plan.names)) if decision else [],
                rotation=decision.rotation if decision else None,
                assigned_at=at,
                by=transfer.by,
            )
        )
        events.append(assigned_event(lead, owner, territory, because, transfer.by, at))
        moves.setdefault((owner.pk if owner else None, territory.pk if territory else None), []).append(lead.pk)
        if owner is None:
            waiting.append(lead.pk)
    for (owner_id, territory_id), ids in moves.items():
        Lead.objects.filter(pk__in=ids).update(
            owner_id=owner_id, territory_id=territory_id, owner_elsewhere="", changed_at=at
        )
    Lead.objects.filter(pk__in=waiting).update(intake_due_at=at)
    Assignment.objects.bulk_create(logged)
    LeadEvent.objects.bulk_create(events)
    TransferItem.objects.bulk_create(items)
    _give_follow_ups(transfer, [item for item in items if item.from_owner_id != item.to_owner_id])
    if transfer.from_rep is not None:
        _give_accounts(transfer, transfer.from_rep, plan.accounts)


def _give_follow_ups(transfer: Transfer, moved: Sequence[TransferItem]) -> None:
    """Open follow-ups of whoever had the lead go to whoever has it now; those of third people stay with them."""
    before = {item.row: item for item in moved}
    rows = FollowUp.objects.open().filter(lead__in=before).select_for_update(of=("self",)).order_by("pk")
    going = [
        (pk, owner, before[lead].to_owner_id)
        for pk, lead, owner in rows.values_list("pk", "lead_id", "owner_id")
        if owner is None or owner == before[lead].from_owner_id
    ]
    _move(transfer, FollowUp, _Kind.FOLLOW_UP, going)


def _give_accounts(transfer: Transfer, rep: User, owners: Mapping[int, int]) -> None:
    """Accounts of the rep go where their leads went."""
    held = Account.objects.filter(owner=rep, pk__in=owners).select_for_update().order_by("pk")
    going = [(pk, rep.pk, owners[pk]) for pk in held.values_list("pk", flat=True) if owners[pk] != rep.pk]
    _move(transfer, Account, _Kind.ACCOUNT, [(pk, old, new) for pk, old, new in going])


def _give_rest(transfer: Transfer, rep: User, to: Sequence[User], at: datetime) -> None:
    """Accounts without leads of the rep, follow-ups on leads of others, and deals that are changed here."""
    turns = _Turns(transfer, to)
    accounts = Account.objects.filter(owner=rep).select_for_update().order_by("pk")
    _move(
        transfer, Account, _Kind.ACCOUNT, [(pk, rep.pk, turns.next()) for pk in accounts.values_list("pk", flat=True)]
    )
    promises = FollowUp.objects.open().filter(owner=rep).exclude(lead__owner=rep).select_for_update(of=("self",))
    going = [
        (pk, rep.pk, owner or turns.next()) for pk, owner in promises.order_by("pk").values_list("pk", "lead__owner_id")
    ]
    _move(transfer, FollowUp, _Kind.FOLLOW_UP, going)
    deals = deals_of(rep).select_for_update(of=("self",)).order_by("pk")
    held = list(deals.values_list("pk", "account__owner_id"))
    people = dict(
        OpportunityContact.objects.filter(opportunity__in=[pk for pk, _ in held], is_primary=True).values_list(
            "opportunity_id", "lead__owner_id"
        )
    )
    given = []
    for pk, account_owner in held:
        aim = next((each for each in (account_owner, people.get(pk)) if each and each != rep.pk), None) or turns.next()
        if aim is not None:
            given.append((pk, rep.pk, aim))
    _move(transfer, Opportunity, _Kind.OPPORTUNITY, given, changed_at=at)


class _Turns:
    """Who gets what no lead decides: the one person, each in turn, or nobody where rules decide."""

    def __init__(self, transfer: Transfer, to: Sequence[User]) -> None:
        self.people = [person.pk for person in to]
        self.taken = 0

    def next(self) -> int | None:
        if not self.people:
            return None
        self.taken += 1
        return self.people[(self.taken - 1) % len(self.people)]


def _move(
    transfer: Transfer, model: Any, kind: str, rows: Iterable[tuple[int, int | None, int | None]], **also: Any
) -> None:
    """Give rows, as (id, owner before, owner after), to their new owners and note what they had."""
    by_owner: dict[int | None, list[int]] = {}
    items = []
    for pk, old, new in rows:
        by_owner.setdefault(new, []).append(pk)
        items.append(TransferItem(transfer=transfer, kind=kind, row=pk, from_owner_id=old, to_owner_id=new))
    for new, ids in by_owner.items():
        for start in range(0, len(ids), CHUNK):
            model.objects.filter(pk__in=ids[start : start + CHUNK]).update(owner_id=new, **also)
    TransferItem.objects.bulk_create(items, batch_size=500)


def _finish(transfer: Transfer, at: datetime) -> None:
    moved = Q(from_owner=None) | Q(to_owner=None) | ~Q(from_owner=F("to_owner"))
    counts = TransferItem.objects.filter(moved, transfer=transfer).aggregate(
        leads=Count("pk", filter=Q(kind=_Kind.LEAD)),
        without_owner=Count("pk", filter=Q(kind=_Kind.LEAD, to_owner=None)),
        follow_ups=Count("pk", filter=Q(kind=_Kind.FOLLOW_UP)),
        opportunities=Count("pk", filter=Q(kind=_Kind.OPPORTUNITY)),
        accounts=Count("pk", filter=Q(kind=_Kind.ACCOUNT)),
    )
    Transfer.objects.filter(pk=transfer.pk).update(**counts)
    JobRun.objects.filter(pk=transfer.job_id).update(
        state=JobRun.State.DONE, total=F("done"), message=f"{counts['leads']:,} leads transferred", finished_at=at
    )


def assigned_event(
    lead: Lead, owner: User | None, territory: Any, because: str, by: User | None, at: datetime
) -> LeadEvent:
    """The news that a lead has another owner, from which CRMs learn of it."""
    details = {"territory": str(territory or ""), "owner": str(owner or ""), "because": because[:400]}
    kind = LeadEvent.Kind.ASSIGNED
    return LeadEvent(lead=lead, kind=kind, happened_at=at, recorded_at=at, by=by, details=details)
