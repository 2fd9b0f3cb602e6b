"""Notify people of assignments, overdue follow-ups and finished imports.

Each call reads an overlapping window: repeats are harmless, for a message is written once per key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from django.urls import reverse

from leads.actions.notifications.notify import notify
from leads.models import Assignment, FollowUp, ImportRun, JobRun, Lead, Role, Stage, User

WINDOW = timedelta(minutes=30)
# More of a kind at once become one message an hour.
MOST = 5


class _Owned(Protocol):
    owner: User | None
    lead: Lead
    because: str


Row = TypeVar("Row", bound=_Owned)


def watch(*, at: datetime) -> int:
    """Write the notifications that are missing; returns how many are new."""
    return _assigned(at) + _overdue(at) + _missed(at) + _imported(at)


def _assigned(at: datetime) -> int:
    recent = Assignment.objects.filter(
        assigned_at__gt=at - WINDOW, assigned_at__lte=at, owner__is_active=True, lead__merged_into__isnull=True
    )
    told = 0
    for owner, rows in _by_owner(list(recent.select_related("owner", "lead").order_by("assigned_at", "pk"))):
        # Whoever assigns a lead to themselves knows; a lead that went on to somebody else is not theirs any more.
        mine = [row for row in rows if row.by_id != owner.pk and row.lead.owner_id == owner.pk]
        told += _tell(
            "lead_assigned",
            owner,
            [(str(row.pk), _assigned_title(row), row) for row in mine],
            together=f"{len(mine)} leads were assigned to you",
            text="They came together, as with an import or a new territory.",
            at=at,
        )
    return told


def _assigned_title(row: Assignment) -> str:
    company = f", {row.lead.company}" if row.lead.company else ""
    return f"New lead: {row.lead.display_name}{company}"


def _overdue(at: datetime) -> int:
    late = FollowUp.objects.open().filter(due_at__gt=at - WINDOW, due_at__lte=at, owner__is_active=True)
    told = 0
    for owner, rows in _by_owner(list(late.select_related("owner", "lead").order_by("due_at", "pk"))):
        told += _tell(
            "follow_up_overdue",
            owner,
            [
                (
                    f"{row.pk}:{row.due_at:%Y-%m-%dT%H:%M}",
                    f"{row.get_kind_display()} overdue: {row.lead.display_name}",
                    row,
                )
                for row in rows
            ],
            together=f"{len(rows)} follow-ups became overdue",
            at=at,
        )
    return told


def _missed(at: datetime) -> int:
    """MQLs that nobody answered in time, to the sales leaders."""
    late = FollowUp.objects.open().filter(
        due_at__gt=at - WINDOW, due_at__lte=at, lead__stage=Stage.MQL, lead__merged_into__isnull=True
    )
    rows = list(late.select_related("owner", "lead").order_by("due_at", "pk"))
    leaders = User.objects.active().filter(role=Role.SALES_LEADER).order_by("pk") if rows else ()
    return sum(
        _tell(
            "sla_missed",
            leader,
            [
                (f"{row.pk}", f"Sales SLA missed: {row.lead.display_name}, {row.owner or 'no owner'}", row)
                for row in rows
            ],
            together=f"{len(rows)} MQLs missed the Sales SLA",
            at=at,
        )
        for leader in leaders
    )


def _tell(
    kind: str, owner: User, rows: Sequence[tuple[str, str, _Owned]], *, together: str, text: str = "", at: datetime
) -> int:
    """One message for each row, given as key, title and row; more than ``MOST`` are one message an hour."""
    if len(rows) > MOST:
        key, link = f"{kind}:many:{at:%Y-%m-%dT%H}", reverse("leads:lead-list")
        return notify(kind=kind, key=key, title=together, text=text, link=link, to=[owner], at=at)
    return sum(
        notify(
            kind=kind,
            key=f"{kind}:{key}",
            title=title,
            text=row.because,
            link=row.lead.get_absolute_url(),
            to=[owner],
            at=at,
        )
        for key, title, row in rows
    )


def _imported(at: datetime) -> int:
    ended = (JobRun.State.DONE, JobRun.State.FAILED)
    runs = ImportRun.objects.filter(
        is_dry_run=False, created_by__isnull=False, job__state__in=ended, job__finished_at__gt=at - WINDOW
    )
    told = 0
    for run in runs.select_related("created_by", "job").defer("content").order_by("pk"):
        job, person = run.job, run.created_by
        if job is None or person is None:
            continue
        is_done = job.state == JobRun.State.DONE
        counts = f"{run.rows_created:,} created, {run.rows_updated:,} updated, {run.rows_rejected:,} rejected."
        told += notify(
            kind="import_finished",
            key=f"import_finished:{run.pk}:{job.state}",
            title=f"Import {'finished' if is_done else 'stopped'}: {run.file_name}",
            text=counts if is_done else job.message,
            link=reverse("leads:import-detail", args=[run.public_id]),
            to=[person],
            at=at,
        )
    return told


def _by_owner(rows: Sequence[Row]) -> list[tuple[User, list[Row]]]:
    found: dict[int, tuple[User, list[Row]]] = {}
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if row.owner is not None:
            grouped[row.owner.pk].append(row)
            found[row.owner.pk] = (row.owner, grouped[row.owner.pk])
    return list(found.values())
