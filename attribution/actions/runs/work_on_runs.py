"""Planned runs, computed in parts by as many workers as there are, and made visible at once.

A worker takes the run up (holds the lease, splits it), claims part after part, and whoever finds all parts done
finishes it. Parts are staged beside the credits; the finishing transaction puts them in place. A worker that dies
leaves a claim that expires; one that was only slow finds its fence passed and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet

from attribution.actions.fit_methods import fit_methods
from attribution.actions.runs.hold_run import (
    InputsChanged,
    RunInProgress,
    fail_run,
    forget_staged,
    give_lease_back,
    keep_lease,
    refuse_other_rules,
    take_lease,
)
from attribution.actions.runs.run_attribution import finish_run
from attribution.actions.runs.store_credits import (
    Stored,
    anew,
    drop_other_scopes,
    read_pages,
    refuse_orphans,
    store_pages,
    sweep_orphans,
)
from attribution.models import AttributionRun, AttributionShard, Credit, JourneyState, StagedCredit, StagedState
from attribution.pure.columns.copy_codec import Field
from attribution.pure.runs.sharding import split
from attribution.pure.runs.stored import CREDIT_FIELDS, STATE_FIELDS
from attribution.queries.aside import aside, copy_in_turns, exchange, keep_credits
from attribution.queries.columns import delete_in_turns, known, move_rows, read_columns, takes_turns
from attribution.queries.rules import rules_in_force
from attribution.queries.runs import last_run
from leads.models import Opportunity

Clock = Callable[[], datetime]
PART = 5_000
"""Opportunities per part: a few seconds' work."""
CLAIM = timedelta(minutes=5)
_PUTTING = "Putting credits in place"


class _Overtaken(Exception):
    """The claim expired and another worker has the part."""


def work_on_runs(*, clock: Clock, part_size: int = PART) -> int:
    """Take up what waits, compute parts until none is free, and finish what is complete; returns the parts computed.

    Safe to call from any number of workers at once, and again after any of them died.
    """
    done = 0
    for run in _open_runs():
        try:
            if run.state == AttributionRun.State.WAITING and not _take_up(run, clock, part_size):
                continue
            while (shard := _claim(run, clock())) is not None:
                done += _compute(run, shard, clock)
            _finish(run, clock)
        except RunInProgress:
            continue
        except InputsChanged as error:
            # Nothing is wrong: the next look begins anew with what is there now.
            fail_run(run=run, error=error, at=clock())
        except Exception as error:
            fail_run(run=run, error=error, at=clock())
            raise
    return done


def _open_runs() -> QuerySet[AttributionRun]:
    """Planned runs, oldest first; runs of one process are RUNNING, too, but have no parts."""
    under_way = Q(state=AttributionRun.State.RUNNING, shards__gt=0)
    return AttributionRun.objects.filter(Q(state=AttributionRun.State.WAITING) | under_way).order_by("pk")


def _take_up(run: AttributionRun, clock: Clock, part_size: int) -> bool:
    """Hold the lease and split the run; False when another worker was first."""
    at = clock()
    with transaction.atomic():
        given_up = take_lease(run=run, at=at)
        # The lease is the run's, not the worker's: two that learn at once would make two fits, and the run fail.
        silent = Q(beat_at__isnull=True) | Q(beat_at__lt=at - CLAIM)
        waiting = AttributionRun.objects.filter(silent, pk=run.pk, state=AttributionRun.State.WAITING)
        if waiting.update(beat_at=at) != 1:
            return False
    forget_staged(given_up)
    if run.refits:
        AttributionRun.objects.filter(pk=run.pk).update(step="Learning from journeys", beat_at=at)
        fit_methods(at=at, reason=run.reason)
        keep_lease(run=run, at=clock())
    force = rules_in_force()
    deals = read_columns(Opportunity.objects.all(), id="pk", account=known("account_id"))
    parts = split(deals, part_size)
    with transaction.atomic():
        taken = AttributionRun.objects.filter(pk=run.pk, state=AttributionRun.State.WAITING).update(
            state=AttributionRun.State.RUNNING,
            methods=force.methods,
            settings=force.settings,
            shards=max(len(parts), 1),
            step="Computing in parts",
            started_at=at,
            beat_at=at,
        )
        if taken:
            AttributionShard.objects.bulk_create(
                [
                    AttributionShard(run=run, number=number, opportunities=ids)
                    for number, ids in enumerate(parts or [[]])
                ]
            )
    run.refresh_from_db()
    return taken == 1


def _claim(run: AttributionRun, at: datetime) -> AttributionShard | None:
    with transaction.atomic():
        free = Q(state=AttributionShard.State.WAITING) | Q(state=AttributionShard.State.CLAIMED, lease_until__lt=at)
        shards = AttributionShard.objects.filter(free, run=run, run__state=AttributionRun.State.RUNNING)
        # Where rows cannot be locked (SQLite) the fence below decides between two who read the same row.
        shard = shards.select_for_update(skip_locked=True, of=("self",)).order_by("number").first()
        if shard is None:
            return None
        claimed = AttributionShard.objects.filter(pk=shard.pk, fence=shard.fence).update(
            state=AttributionShard.State.CLAIMED, fence=shard.fence + 1, lease_until=at + CLAIM
        )
        if claimed != 1:
            return _claim(run, at)
        shard.fence += 1
        keep_lease(run=run, at=at)
    return shard


def _compute(run: AttributionRun, shard: AttributionShard, clock: Clock) -> int:
    """Stage a part; 0 when another worker had it meanwhile."""
    force = rules_in_force()
    refuse_other_rules(run=run, force=force)
    is_full = run.kind == AttributionRun.Kind.FULL
    pages = read_pages(force=force, deals=shard.opportunities, is_full=is_full)
    own = AttributionShard.objects.filter(
        pk=shard.pk, fence=shard.fence, state=AttributionShard.State.CLAIMED, run__state=run.state
    )

    def still() -> None:
        if not own.exists():
            raise _Overtaken

    def store() -> Stored:
        last = last_run()
        return store_pages(run=run, last=last, force=force, pages=pages, tell=_silent, shard=shard, still=still)

    try:
        early = None
        if takes_turns():
            for staged in (StagedCredit, StagedState):
                delete_in_turns(staged._default_manager.filter(shard=shard.pk), still)
            early = store()
        with transaction.atomic():
            # First, so that the row is locked until the part is whole.
            if own.update(state=AttributionShard.State.DONE, lease_until=None) != 1:
                raise _Overtaken
            stored = early or store()
            AttributionShard.objects.filter(pk=shard.pk).update(
                recomputed=stored.opportunities,
                credits_written=stored.credits,
                summary=stored.summary,
                finished_at=clock(),
            )
            AttributionRun.objects.filter(pk=run.pk).update(shards_done=F("shards_done") + 1, beat_at=clock())
    except _Overtaken:
        return 0
    return 1


def _finish(run: AttributionRun, clock: Clock) -> None:
    """Make a complete run visible; nothing while parts are missing. Raises RunInProgress when another was first."""
    staged = StagedState.objects.filter(shard__run=run)
    with aside(staged.count() if _may_put_aside(run, clock()) else 0) as tables:
        if tables:
            _put_aside(run, tables)
        _show(run, clock, tables)
    for rows in (StagedCredit, StagedState) if tables else ():
        delete_in_turns(rows._default_manager.filter(shard__run=run))


def _may_put_aside(run: AttributionRun, at: datetime) -> bool:
    """Whether all parts are done and no other worker copies them, as far as its last sign tells."""
    if not takes_turns() or run.shards == 0 or run.state != AttributionRun.State.RUNNING:
        return False
    rows = AttributionRun.objects.filter(pk=run.pk, state=run.state, shards_done=F("shards"))
    return rows.filter(~Q(step=_PUTTING) | Q(beat_at__lt=at - CLAIM)).update(step=_PUTTING, beat_at=at) == 1


def _put_aside(run: AttributionRun, tables: Mapping[type[Model], str]) -> None:
    there = Q(opportunity_id__in=Opportunity.objects.values("pk"))
    copy_in_turns(StagedCredit.objects.filter(there, shard__run=run), Credit, CREDIT_FIELDS, tables)
    copy_in_turns(StagedState.objects.filter(there, shard__run=run), JourneyState, STATE_FIELDS, tables)
    keep_credits(replaced=_replaced(run), scopes=run.settings["scopes"], tables=tables)


def _replaced(run: AttributionRun) -> dict[str, list[int]]:
    replaced: dict[str, list[int]] = {}
    for scope, deal in StagedState.objects.filter(shard__run=run).values_list("scope", "opportunity_id"):
        replaced.setdefault(scope, []).append(deal)
    return replaced


def _show(run: AttributionRun, clock: Clock, tables: Mapping[type[Model], str]) -> None:
    with transaction.atomic():
        shards = list(AttributionShard.objects.filter(run=run).defer("opportunities").order_by("number"))
        if not shards or any(shard.state != AttributionShard.State.DONE for shard in shards):
            return
        give_lease_back(run=run)
        run.refresh_from_db()
        refuse_other_rules(run=run, force=rules_in_force())
        last = last_run()
        if tables:
            exchange(replaced=_replaced(run), scopes=run.settings["scopes"], tables=tables)
            refuse_orphans()
        else:
            _put_in_place(run)
            drop_other_scopes(scopes=run.settings["scopes"])
            if run.kind == AttributionRun.Kind.FULL:
                sweep_orphans()
            refuse_orphans(run=run)
        stored = [Stored(shard.recomputed, shard.credits_written, summary=shard.summary) for shard in shards]
        finish_run(run=run, last=last, stored=stored, is_whole=True, at=clock())
        AttributionShard.objects.filter(run__state=AttributionRun.State.DONE).exclude(run=run).delete()


def _put_in_place(run: AttributionRun) -> None:
    staged = StagedState.objects.filter(shard__run=run)
    again = staged.filter(opportunity_id=OuterRef("opportunity_id"), scope=OuterRef("scope"))
    is_kept = JourneyState.objects.filter(~Exists(again), scope__in=run.settings["scopes"]).exists()
    with anew(0 if is_kept else staged.count()) as tables:
        for scope in () if tables else run.settings["scopes"]:
            ids = staged.filter(scope=scope).values("opportunity_id")
            for old in (Credit.objects.filter(scope=scope), JourneyState.objects.filter(scope=scope)):
                old.filter(opportunity_id__in=ids)._raw_delete("default")
        # A deal that was deleted meanwhile takes its staged rows with it.
        there = Q(opportunity_id__in=Opportunity.objects.values("pk"))
        pairs: list[tuple[type[Model], type[Model], tuple[Field, ...]]] = [
            (StagedCredit, Credit, CREDIT_FIELDS),
            (StagedState, JourneyState, STATE_FIELDS),
        ]
        for source, target, fields in pairs:
            rows = source._default_manager.filter(shard__run=run)
            move_rows(rows.filter(there), target, fields, successor=tables.get(target))
            rows._raw_delete("default")


def _silent(what: str, done: int, total: int) -> None:
    """Progress of a run in parts is its parts."""
