"""Undo a transfer: what nobody changed since goes back to whoever had it; the rest stays and is counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from leads.actions.routing.carry_out_transfer import CHUNK, GIVE_UP_AFTER, assigned_event
from leads.actions.routing.request_transfer import UNDO_KIND, TransferRefused
from leads.actions.take_jobs import Clock, failing_openly, take_jobs
from leads.models import (
    Account,
    Assignment,
    FollowUp,
    JobRun,
    Lead,
    LeadEvent,
    Opportunity,
    Transfer,
    TransferItem,
    User,
)
from leads.past.acting import Door, act

_Kind = TransferItem.Kind


def why_not_undo(*, transfer: Transfer) -> str:
    """Why a transfer cannot be undone, for people; "" if it can."""
    if transfer.undo_job is not None or transfer.undone_at is not None:
        return "It was undone already."
    if transfer.job.state != JobRun.State.DONE:
        return "It is not finished."
    rep = transfer.from_rep
    if rep is not None and (not rep.is_active or rep.left_crm_at is not None):
        return f"{rep} is deactivated. Activate {rep} first: what goes back would otherwise go to others at once."
    return ""


def request_undo(*, transfer: Transfer, reason: str, by: User, at: datetime) -> Transfer:
    """Ask for a transfer to be undone, with the job that does it. Raises TransferRefused."""
    reason = reason.strip()
    if not reason or len(reason) > 200:
        raise TransferRefused("Give a reason in at most 200 characters: it stands in the log of every lead.")
    with transaction.atomic():
        held = Transfer.objects.select_for_update(of=("self",)).select_related("job", "from_rep", "undo_job")
        mine = held.get(pk=transfer.pk)
        if why := why_not_undo(transfer=mine):
            raise TransferRefused(why)
        total = TransferItem.objects.filter(transfer=mine).count()
        job = JobRun.objects.create(
            kind=UNDO_KIND, period=str(mine.public_id), total=total, started_by=by, created_at=at
        )
        Transfer.objects.filter(pk=mine.pk).update(undo_job=job, undo_reason=reason, undone_by=by)
    transfer.refresh_from_db()
    return transfer


def undo_transfers(*, clock: Clock) -> int:
    """Undo what was requested, also what a dead worker left; returns how many transfers."""
    done = 0
    for job in take_jobs(kind=UNDO_KIND, at=clock(), silence=GIVE_UP_AFTER):
        with failing_openly(job=job, clock=clock):
            _undo(Transfer.objects.select_related("undone_by", "undo_job").get(undo_job=job), clock)
        done += 1
    return done


def undo_at_once(*, transfer: Transfer, at: datetime) -> Transfer:
    """Undo a small transfer while the person waits; nothing where a worker has taken it up meanwhile."""
    job = transfer.undo_job
    mine = JobRun.objects.filter(pk=transfer.undo_job_id or 0, state=JobRun.State.WAITING)
    if job is not None and mine.update(state=JobRun.State.RUNNING, started_at=at, beat_at=at) == 1:
        with failing_openly(job=job, clock=lambda: at):
            _undo(transfer, lambda: at)
    transfer.refresh_from_db()
    return transfer


def _undo(transfer: Transfer, clock: Clock) -> None:
    by = transfer.undone_by
    source = "transfer undone"
    with act(Door.PAGE, actor=by.pk if by else None, source=source, because=f"Undo: {transfer.undo_reason}"[:200]):
        while _undo_chunk(transfer, clock()):
            pass
        JobRun.objects.filter(pk=transfer.undo_job_id or 0).update(state=JobRun.State.DONE, finished_at=clock())
        Transfer.objects.filter(pk=transfer.pk).update(undone_at=clock())


def _undo_chunk(transfer: Transfer, at: datetime) -> bool:
    with transaction.atomic():
        # Leads first: whoever works on a lead holds it before anything of it.
        order = TransferItem.objects.filter(transfer=transfer, is_undone=False)
        kind = next((each for each in _Kind if order.filter(kind=each).exists()), None)
        if kind is None:
            return False
        rows = order.filter(kind=kind).select_related("from_owner", "from_territory").order_by("row")[:CHUNK]
        items = list(rows)
        back = _still_there(kind, items)
        if kind == _Kind.LEAD:
            _give_leads_back(transfer, back, at)
        else:
            _give_back(kind, back, at)
        TransferItem.objects.filter(pk__in=[item.pk for item in items]).update(is_undone=True)
        Transfer.objects.filter(pk=transfer.pk).update(kept=F("kept") + len(items) - len(back))
        JobRun.objects.filter(pk=transfer.undo_job_id or 0).update(done=F("done") + len(items), beat_at=at)
    return True


def _model(kind: str) -> Any:
    models = {_Kind.FOLLOW_UP: FollowUp, _Kind.OPPORTUNITY: Opportunity, _Kind.ACCOUNT: Account}
    return models[_Kind(kind)] if kind != _Kind.LEAD else Lead


def _still_there(kind: str, items: Sequence[TransferItem]) -> list[TransferItem]:
    """Those whose row is still as the transfer left it: the same owner, and an open follow-up still open."""
    rows = _model(kind).objects.filter(pk__in=[item.row for item in items]).select_for_update(of=("self",))
    if kind == _Kind.FOLLOW_UP:
        rows = rows.filter(done_at__isnull=True)
    if kind == _Kind.LEAD:
        rows = rows.filter(merged_into__isnull=True)
    owners = dict(rows.order_by("pk").values_list("pk", "owner_id"))
    return [item for item in items if item.row in owners and owners[item.row] == item.to_owner_id]


def _give_back(kind: str, items: Sequence[TransferItem], at: datetime) -> None:
    also = {"changed_at": at} if kind == _Kind.OPPORTUNITY else {}
    by_owner: dict[int | None, list[int]] = {}
    for item in items:
        by_owner.setdefault(item.from_owner_id, []).append(item.row)
    for owner_id, ids in by_owner.items():
        _model(kind).objects.filter(pk__in=ids).update(owner_id=owner_id, **also)


def _give_leads_back(transfer: Transfer, items: Sequence[TransferItem], at: datetime) -> None:
    moved = [
        item
        for item in items
        if (item.from_owner_id, item.from_territory_id) != (item.to_owner_id, item.to_territory_id)
    ]
    leads = Lead.objects.in_bulk([item.row for item in moved])
    because = f"Transfer undone: {transfer.undo_reason}"
    groups: dict[tuple[int | None, int | None, str], list[int]] = {}
    for item in moved:
        key = (item.from_owner_id, item.from_territory_id, item.owner_elsewhere)
        groups.setdefault(key, []).append(item.row)
    for (owner_id, territory_id, elsewhere), ids in groups.items():
        Lead.objects.filter(pk__in=ids).update(
            owner_id=owner_id, territory_id=territory_id, owner_elsewhere=elsewhere, changed_at=at
        )
    Assignment.objects.bulk_create(
        Assignment(
            lead=leads[item.row],
            territory=item.from_territory,
            owner=item.from_owner,
            because=because[:400],
            assigned_at=at,
            by=transfer.undone_by,
        )
        for item in moved
    )
    LeadEvent.objects.bulk_create(
        assigned_event(leads[item.row], item.from_owner, item.from_territory, because, transfer.undone_by, at)
        for item in moved
    )
