"""Re-assign: open leads of the last 13 weeks go where the active version sends them, as its simulation said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from leads.actions.routing.carry_out_transfer import assigned_event
from leads.actions.take_jobs import Clock, failing_openly, take_jobs
from leads.models import (
    Account,
    Assignment,
    Company,
    FollowUp,
    JobRun,
    Lead,
    LeadEvent,
    RoutingVersion,
    TerritoryRep,
    User,
)
from leads.past.acting import Door, act
from leads.queries.reroute import Rerouted, Rerouter, past_leads, with_facts
from leads.queries.routing import RuleBook

KIND = "reroute"
CHUNK = 250
GIVE_UP_AFTER = timedelta(minutes=2)


def request_reroute(*, version: RoutingVersion, by: User | None, at: datetime) -> JobRun:
    """A job that re-assigns the leads of the 13 weeks before ``at``; a worker does it."""
    return JobRun.objects.create(
        kind=KIND,
        period=f"version {version.number}",
        total=past_leads(at).count(),
        started_by=by,
        created_at=at,
    )


def reroute_leads(*, clock: Clock) -> int:
    """Work on what was requested, also on what a dead worker left; returns how many leads moved."""
    moved = 0
    for job in take_jobs(kind=KIND, at=clock(), silence=GIVE_UP_AFTER):
        with failing_openly(job=job, clock=clock):
            moved += _reroute(job, clock)
    return moved


def _reroute(job: JobRun, clock: Clock) -> int:
    number = int(job.period.removeprefix("version "))
    version = RoutingVersion.objects.get(number=number)
    by = job.started_by
    moved = last = 0
    with act(Door.RULE, actor=by.pk if by else None, source=f"territory rules, {version}", because=version.note[:200]):
        while chunk := list(past_leads(job.created_at).filter(pk__gt=last).values_list("pk", flat=True)[:CHUNK]):
            moved += _chunk(version, chunk, job, clock())
            last = chunk[-1]
            JobRun.objects.filter(pk=job.pk).update(done=F("done") + len(chunk), beat_at=clock())
    JobRun.objects.filter(pk=job.pk).update(
        state=JobRun.State.DONE, total=F("done"), message=f"{moved:,} leads moved", finished_at=clock()
    )
    return moved


def _chunk(version: RoutingVersion, ids: Sequence[int], job: JobRun, at: datetime) -> int:
    company = Company.current()
    with transaction.atomic():
        leads = list(with_facts(past_leads(job.created_at).filter(pk__in=ids)).select_for_update(of=("self",)))
        book = RuleBook.of(version, company)
        rerouter = Rerouter(book=book, company=company, at=at, is_locking=True)
        moves = [each for each in rerouter.decide(leads) if each.moves]
        _write(version, moves, rerouter, job.started_by, at)
    return len(moves)


def _write(
    version: RoutingVersion, moves: Sequence[Rerouted], rerouter: Rerouter, by: User | None, at: datetime
) -> None:
    logged, events = [], []
    groups: dict[tuple[int | None, int | None], list[int]] = {}
    handed: dict[tuple[int | None, int | None], list[int]] = {}
    for each in moves:
        lead, decision = each.lead, each.decision
        because = f"Version {version.number} activated; {each.because}"
        logged.append(
            Assignment(
                lead=lead,
                territory=each.territory,
                rule_id=each.match.rule.id if each.match.rule else None,
                version=version,
                owner=each.owner,
                because=because[:400],
                passed_over=decision.passed_over(rerouter.rota.names) if decision else [],
                rotation=decision.rotation if decision else {},
                assigned_at=at,
            )
        )
        events.append(assigned_event(lead, each.owner, each.territory, because, by, at))
        aim = each.owner.pk if each.owner else None
        groups.setdefault((aim, each.territory.pk if each.territory else None), []).append(lead.pk)
        if aim != lead.owner_id:
            handed.setdefault((lead.owner_id, aim), []).append(lead.pk)
    for (owner_id, territory_id), ids in groups.items():
        Lead.objects.filter(pk__in=ids).update(owner_id=owner_id, territory_id=territory_id, changed_at=at)
    for (before, after), ids in handed.items():
        FollowUp.objects.open().filter(lead__in=ids, owner_id=before).update(owner_id=after)
    waiting = [each.lead.pk for each in moves if each.owner is None]
    Lead.objects.filter(pk__in=waiting).update(intake_due_at=at)
    Assignment.objects.bulk_create(logged)
    LeadEvent.objects.bulk_create(events)
    TerritoryRep.objects.bulk_update(rerouter.rota.moved(), ["credit"])
    fresh = rerouter.rota.new_account_owners
    for account_id in sorted(fresh):  # in one order, so that two rounds cannot wait for each other
        Account.objects.filter(pk=account_id, owner__isnull=True).update(owner=fresh[account_id])
