"""Apply the channel rules in force to touches that are there already, on request, with the old channel kept."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, Min, OuterRef

from leads.actions.channels.save_channel_rules import FOUND, rules_in_force
from leads.actions.take_jobs import Clock, take_jobs
from leads.models import (
    Channel,
    ChannelRuleVersion,
    Company,
    JobRun,
    Lead,
    LeadEvent,
    TouchChannelChange,
    Touchpoint,
    User,
)
from leads.past.acting import Door, act
from leads.pure.channels.channels import Visit, classify
from leads.pure.refused import Refused
from leads.queries.channels import judged_touches

KIND = "channel_rules"
BATCH = 2_000
GIVE_UP_AFTER = timedelta(minutes=5)
TAKES_AT_MOST = timedelta(minutes=1)
"""So long a capture may take from reading the rules to recording its touches."""


class ReclassifyRefused(Refused):
    """Nothing to apply, or it is under way; the message tells a person."""


def request_reclassify(*, by: User | None, at: datetime) -> JobRun:
    """A job that waits for a worker, one per version of the rules. Raises ReclassifyRefused."""
    version = ChannelRuleVersion.objects.order_by("-number").first()
    if version is None:
        raise ReclassifyRefused("The rules were never changed here: past touchpoints follow them already.")
    if JobRun.objects.unfinished().filter(kind=KIND).exists():
        raise ReclassifyRefused("Past touchpoints are being looked at already.")
    period = f"version {version.number}"
    repeats = JobRun.objects.filter(kind=KIND, period__startswith=period).count()
    try:
        with transaction.atomic():
            return JobRun.objects.create(
                kind=KIND,
                period=f"{period}, time {repeats + 1}",
                total=judged_touches().count(),
                started_by=by,
                created_at=at,
            )
    except IntegrityError:
        raise ReclassifyRefused("Somebody else has just started this.") from None


def reclassify_touches(*, clock: Clock) -> int:
    """Work on what was requested, also on what a dead worker left; returns how many touches changed.

    A touch changes when its channel is one that the rules gave it: a channel its sender named stays.
    Each batch is a transaction of its own, and a repeated batch finds nothing to do.
    """
    changed = 0
    for job in take_jobs(kind=KIND, at=clock(), silence=GIVE_UP_AFTER):
        by = job.started_by
        because = f"Applied to past touchpoints on request{f' ({by.right})' if by else ''}"
        with act(Door.RULE, actor=by.pk if by else None, source=f"channel rules, {job.period}", because=because):
            changed += _apply(job, clock)
    return changed


def _apply(job: JobRun, clock: Clock) -> int:
    judge = _Judge()
    fields = ("pk", "channel_id", "recorded_at", "was_moved")
    told = ("utm_source", "utm_medium", "utm_campaign", "referrer", "landing_page")
    moved = TouchChannelChange.objects.filter(touchpoint=OuterRef("pk"))
    touches = judged_touches().annotate(was_moved=Exists(moved)).order_by("pk").values_list(*fields, *told)
    last = done = 0
    while rows := list(touches.filter(pk__gt=last)[:BATCH]):
        moves: dict[int, tuple[int, int]] = {}
        for touch, channel, recorded_at, was_moved, *words in rows:
            aim = judge.aim(Visit(*words), channel, None if was_moved else recorded_at)
            if aim is not None:
                moves[touch] = (channel, aim)
        last = rows[-1][0]
        done += len(rows)
        _write(job, moves, clock())
        JobRun.objects.filter(pk=job.pk).update(done=done, beat_at=clock())
    changed = TouchChannelChange.objects.filter(job=job).count()
    JobRun.objects.filter(pk=job.pk).update(
        state=JobRun.State.DONE, total=done, message=f"{changed} touchpoints changed their channel", finished_at=clock()
    )
    return changed


class _Judge:
    """The rules in force, and what each version gave visits."""

    def __init__(self) -> None:
        self.own_hosts = Company.current().internal_domains
        self.channels = dict(Channel.objects.values_list("key", "pk"))
        self.rules = rules_in_force()
        self.versions = list(ChannelRuleVersion.objects.order_by("number"))
        self.earlier = [version.held for version in self.versions]
        self.saved = [version.saved_at for version in self.versions]
        self.known: dict[Visit, tuple[int, list[int | None]]] = {}

    def aim(self, visit: Visit, channel: int, recorded_at: datetime | None) -> int | None:
        """The channel that a touch moves to, or None where it stays: also where no rule gave it the one it has.

        ``recorded_at`` is None for a touch that rules moved before: then any version may have given it. Otherwise one
        that was in force: another that happens to agree with what the sender named must not make it ours to move, or
        taking rules back would change touches that applying them had left alone.
        """
        if visit not in self.known:
            found = [classify(visit, version, self.own_hosts).channel_key for version in self.earlier]
            now = self.channels[classify(visit, self.rules, self.own_hosts).channel_key]
            self.known[visit] = now, [self.channels.get(key) for key in found]
        now, given = self.known[visit]
        if now == channel:
            return None
        if recorded_at is not None:
            given = [given[place] for place in self._in_force(recorded_at)]
        return now if channel in given else None

    def _in_force(self, at: datetime) -> set[int]:
        """Places of the versions that may have judged a touch recorded at a moment."""
        newest = max(bisect_right(self.saved, at) - 1, 0)
        # Capture reads the rules before it writes: what was saved a moment ago may not have been known to it.
        places = {newest, max(bisect_right(self.saved, at - TAKES_AT_MOST) - 1, 0)}
        if newest + 1 < len(self.versions) and self.versions[newest + 1].change == FOUND:
            places.add(newest + 1)  # kept only when the next was saved, but in force for who knows how long
        return places


def _write(job: JobRun, moves: dict[int, tuple[int, int]], at: datetime) -> None:
    """The channel, the row that says so, and the channel of leads whose first touch it was."""
    if not moves:
        return
    with transaction.atomic():
        # Only those that are still as they were read: another batch may have been here.
        held = dict(Touchpoint.objects.select_for_update().filter(pk__in=moves).values_list("pk", "channel_id"))
        real = {touch: pair for touch, pair in moves.items() if held.get(touch) == pair[0]}
        TouchChannelChange.objects.bulk_create(
            [
                TouchChannelChange(touchpoint_id=touch, job=job, from_channel_id=old, to_channel_id=new, changed_at=at)
                for touch, (old, new) in real.items()
            ],
            batch_size=500,
            ignore_conflicts=True,
        )
        by_channel: dict[int, list[int]] = {}
        for touch, (_, new) in real.items():
            by_channel.setdefault(new, []).append(touch)
        for new, touches in by_channel.items():
            Touchpoint.objects.filter(pk__in=touches).update(channel_id=new)
        _follow(real, at)


def _follow(moves: dict[int, tuple[int, int]], at: datetime) -> None:
    """A lead's channel is that of its first touch."""
    leads = set(Touchpoint.objects.filter(pk__in=moves).values_list("lead_id", flat=True))
    genuine = Touchpoint.objects.genuine().filter(lead__in=leads)
    first = dict(genuine.values("lead").annotate(first=Min("occurred_at")).values_list("lead", "first"))
    wanted: dict[tuple[int, int], list[int]] = {}
    rows = genuine.filter(pk__in=moves).order_by("pk").values_list("lead", "pk", "occurred_at")
    for lead, touch, occurred_at in rows:
        if first[lead] == occurred_at:
            wanted.setdefault(moves[touch], []).append(lead)
    details = {"fields": ["channel"], "because": "channel rules applied to past touchpoints"}
    for (old, new), followers in wanted.items():
        held = list(Lead.objects.select_for_update().filter(pk__in=followers, channel=old).values_list("pk", flat=True))
        Lead.objects.filter(pk__in=held).update(channel=new, changed_at=at)
        kind = LeadEvent.Kind.UPDATED
        LeadEvent.objects.bulk_create(
            LeadEvent(lead_id=lead, kind=kind, happened_at=at, recorded_at=at, details=details) for lead in held
        )
