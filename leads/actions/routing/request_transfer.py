"""Request a transfer: who gives what to whom, and why. A worker carries it out; a small one is done at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from leads.models import JobRun, Transfer, User
from leads.pure.refused import Refused
from leads.queries.transfers import leads_of

KIND, UNDO_KIND = "transfer", "transfer-undo"
AT_ONCE = 100
"""So many leads are given away while the person waits; more by a worker."""


class TransferRefused(Refused):
    """The transfer cannot be made so; the message tells a person why."""


def request_transfer(
    *,
    way: str,
    to: Collection[User],
    reason: str,
    by: User | None,
    at: datetime,
    from_rep: User | None = None,
    lead_ids: Collection[int] = (),
    takes_closed: bool = False,
) -> Transfer:
    """A transfer of a rep's book (``from_rep``) or of chosen leads, with the job that carries it out.

    Raises TransferRefused.
    """
    reason = reason.strip()
    if not reason:
        raise TransferRefused("Give a reason: it stands in the log of every lead.")
    if len(reason) > 200:
        raise TransferRefused("Give the reason in at most 200 characters.")
    if from_rep is None and not lead_ids:
        raise TransferRefused("Choose the leads to transfer.")
    _check_recipients(way, to, from_rep)
    with transaction.atomic():
        # Of two people who transfer one book at once, one is refused: the rep's row is held meanwhile.
        if from_rep is not None:
            User.objects.select_for_update().get(pk=from_rep.pk)
            if under_way().filter(from_rep=from_rep).exists():
                raise TransferRefused(f"The book of {from_rep} is being transferred already.")
        transfer = Transfer(
            scope=Transfer.Scope.BOOK if from_rep else Transfer.Scope.LEADS,
            way=way,
            from_rep=from_rep,
            lead_ids=sorted(set(lead_ids)),
            takes_closed=takes_closed,
            reason=reason,
            by=by,
            created_at=at,
        )
        total = leads_of(transfer).count()
        if from_rep is None and not total:
            raise TransferRefused("None of the chosen leads is there any more.")
        transfer.job = JobRun.objects.create(
            kind=KIND, period=str(transfer.public_id), total=total, started_by=by, created_at=at
        )
        transfer.save()
        transfer.recipients.set(to)
    return transfer


def under_way() -> QuerySet[Transfer]:
    """Transfers that wait, are being carried out or undone."""
    unfinished = (JobRun.State.WAITING, JobRun.State.RUNNING)
    return Transfer.objects.filter(Q(job__state__in=unfinished) | Q(undo_job__state__in=unfinished))


def may_carry_out_at_once(*, transfer: Transfer) -> bool:
    """Whether so little is moved that nobody has to wait for a worker."""
    return (transfer.job.total or 0) <= AT_ONCE


def _check_recipients(way: str, to: Collection[User], from_rep: User | None) -> None:
    if way not in Transfer.Way.values:
        raise TransferRefused("Choose how the leads are given away.")
    if way == Transfer.Way.RULES:
        if to:
            raise TransferRefused("Territory rules choose the reps: name nobody.")
        return
    if not to or (way == Transfer.Way.PERSON and len(to) != 1):
        raise TransferRefused("Choose who gets the leads.")
    for person in to:
        if from_rep is not None and person.pk == from_rep.pk:
            raise TransferRefused(f"{person} gives the book away and cannot get it.")
        if not person.is_active or person.left_crm_at is not None:
            raise TransferRefused(f"{person} is not active and can be given nothing.")
