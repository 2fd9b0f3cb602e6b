"""Apply the channel rules in force to touches that are there already, on request, with the old channel kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Min

from leads.actions.save_channel_rules import rules_in_force
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
from leads.pure.channels import ChannelRule, Visit, classify
from leads.queries import judged_touches

KIND = "channel_rules"
BATCH = 2_000
GIVE_UP_AFTER = timedelta(minutes=5)


class ReclassifyRefused(ValueError):
    """Nothing to apply, or it is under way; the message tells a person."""


def request_reclassify(*, by: User | None, at: datetime) -> JobRun:
    """A job that waits for a worker, one per version of the rules. Raises ReclassifyRefused."""
    version = ChannelRuleVersion.objects.order_by("-number").first()
    if version is None:
        raise ReclassifyRefused("The rules were never changed here: past touches follow them already.")
    if JobRun.objects.unfinished().filter(kind=KIND).exists():
        raise ReclassifyRefused("Past touches are being looked at already.")
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

    A touch changes when its channel is one that some version of the rules gives it: a channel its sender named stays.
    Each batch is a transaction of its own, and a repeated batch finds nothing to do.
    """
    return sum(_apply(job, clock) for job in take_jobs(kind=KIND, at=clock(), silence=GIVE_UP_AFTER))


def _apply(job: JobRun, clock: Clock) -> int:
    company, rules = Company.current(), rules_in_force()
    earlier = [
        [ChannelRule(*row) for row in version]
        for version in ChannelRuleVersion.objects.order_by("number").values_list("rules", flat=True)
    ]
    channels = dict(Channel.objects.values_list("key", "pk"))
    judged: dict[Visit, tuple[int, frozenset[int]]] = {}
    last = done = 0
    while True:
        fields = ("pk", "channel_id", "utm_source", "utm_medium", "utm_campaign", "referrer", "landing_page")
        rows = list(judged_touches().filter(pk__gt=last).order_by("pk").values_list(*fields)[:BATCH])
        if not rows:
            break
        moves: dict[int, tuple[int, int]] = {}
        for touch, channel, *told in rows:
            visit = Visit(*told)
            if visit not in judged:
                judged[visit] = _judged(visit, rules, earlier, channels, company.internal_domains)
            now, explained = judged[visit]
            if now != channel and channel in explained:
                moves[touch] = (channel, now)
        last = rows[-1][0]
        done += len(rows)
        _write(job, moves, clock())
        JobRun.objects.filter(pk=job.pk).update(done=done, beat_at=clock())
    changed = TouchChannelChange.objects.filter(job=job).count()
    JobRun.objects.filter(pk=job.pk).update(
        state=JobRun.State.DONE, total=done, message=f"{changed} touches changed their channel", finished_at=clock()
    )
    return changed


def _judged(
    visit: Visit,
    rules: Sequence[ChannelRule],
    earlier: Sequence[Sequence[ChannelRule]],
    channels: dict[str, int],
    own_hosts: Sequence[str],
) -> tuple[int, frozenset[int]]:
    now = classify(visit, rules, own_hosts).channel_key
    before = {classify(visit, version, own_hosts).channel_key for version in earlier}
    return channels[now], frozenset(channels[key] for key in before if key in channels)


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
    details = {"fields": ["channel"], "because": "channel rules applied to past touches"}
    for (old, new), followers in wanted.items():
        held = list(Lead.objects.select_for_update().filter(pk__in=followers, channel=old).values_list("pk", flat=True))
        Lead.objects.filter(pk__in=held).update(channel=new, changed_at=at)
        kind = LeadEvent.Kind.UPDATED
        LeadEvent.objects.bulk_create(
            LeadEvent(lead_id=lead, kind=kind, happened_at=at, recorded_at=at, details=details) for lead in held
        )
