"""Computes the credits of all methods and records what the run saw, did and changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Literal, TypedDict

from django.db import transaction

from attribution.actions.runs.hold_run import (
    LEASE,
    RunInProgress,
    fail_run,
    forget_staged,
    give_lease_back,
    refuse_other_rules,
    take_lease,
)
from attribution.actions.runs.store_credits import (
    Progress,
    Stored,
    all_hashes,
    difference,
    drop_other_scopes,
    read_pages,
    refuse_orphans,
    show_aside,
    store_aside,
    store_pages,
    sweep_orphans,
)
from attribution.models import AttributionRun
from attribution.pure.runs.stored import Page
from attribution.queries.aside import aside
from attribution.queries.rules import RulesInForce, rules_in_force
from attribution.queries.runs import last_run
from leads.models import Opportunity


class _What(TypedDict):
    run: AttributionRun
    last: AttributionRun | None
    force: RulesInForce
    pages: Sequence[Page]
    tell: Progress
    is_whole: bool


def run_attribution(
    *,
    at: datetime,
    reason: str,
    kind: Literal["incremental", "full"] = "incremental",
    progress: Progress | None = None,
) -> AttributionRun:
    """Bring the credits of every opportunity up to date in this process and return the finished run.

    An incremental run compares all opportunities and recomputes those whose inputs changed since they were last
    computed, a full run recomputes all; the credits are the same. Readers see either the old or the new credits.
    Raises RunInProgress, and InputsChanged when rules or touches change meanwhile.
    """
    force = rules_in_force()
    run = begin_run(force=force, at=at, reason=reason, kind=kind)
    _run(run, force, None, progress or _silent)
    return run


def run_for(*, opportunities: Sequence[int] | None, at: datetime, reason: str) -> AttributionRun | None:
    """The same for some opportunities alone (None: all), leaving no run behind where nothing had changed.

    Returns None then. Raises RunInProgress and InputsChanged.
    """
    force = rules_in_force()
    run = begin_run(force=force, at=at, reason=reason, kind="incremental")
    return _run(run, force, opportunities, _silent, is_kept=False)


def begin_run(*, force: RulesInForce, at: datetime, reason: str, kind: str) -> AttributionRun:
    """A run that holds the lease. Raises RunInProgress."""
    with transaction.atomic():
        run = AttributionRun.objects.create(
            kind=kind, reason=reason[:200], methods=force.methods, settings=force.settings, started_at=at, beat_at=at
        )
        given_up = take_lease(run=run, at=at)
    forget_staged(given_up)
    return run


def finish_run(
    *, run: AttributionRun, last: AttributionRun | None, stored: Sequence[Stored], is_whole: bool, at: datetime
) -> None:
    """Record what a run did. Call it in the transaction that makes its credits visible; ``is_whole``: it looked at
    every opportunity."""
    run.opportunities_seen = Opportunity.objects.count()
    run.opportunities_recomputed = sum(each.opportunities for each in stored)
    run.credits_written = sum(each.credits for each in stored)
    run.difference = difference(summaries=[each.summary for each in stored], last=last, seen=run.opportunities_seen)
    run.inputs_hash = all_hashes(scopes=run.settings["scopes"])
    run.state, run.step, run.finished_at, run.beat_at = AttributionRun.State.DONE, "", at, at
    run.compared_at = run.started_at if is_whole else last.compared_at if last else None
    run.save()


def _run(
    run: AttributionRun,
    force: RulesInForce,
    opportunities: Sequence[int] | None,
    progress: Progress,
    *,
    is_kept: bool = True,
) -> AttributionRun | None:
    started = perf_counter()
    # The clock goes on from the moment given, so that no second clock is read here.
    try:
        return _compute(run, force, opportunities, progress, started, is_kept)
    except Exception as error:
        fail_run(run=run, error=error, at=run.started_at + timedelta(seconds=perf_counter() - started))
        raise


def _compute(
    run: AttributionRun,
    force: RulesInForce,
    opportunities: Sequence[int] | None,
    progress: Progress,
    started: float,
    is_kept: bool,
) -> AttributionRun | None:
    def tell(what: str, done: int, total: int) -> None:
        AttributionRun.objects.filter(pk=run.pk).update(
            step=what, beat_at=run.started_at + timedelta(seconds=perf_counter() - started)
        )
        progress(what, done, total)

    tell("Reading opportunities and touchpoints", 0, 0)
    is_full = run.kind == AttributionRun.Kind.FULL
    pages = read_pages(force=force, deals=opportunities, is_full=is_full)
    if not is_kept and not any(len(page.chosen) for page in pages):
        _drop(run)
        return None
    tell("Writing credits", 0, max(len(page.chosen) for page in pages))
    last = last_run()
    is_whole = opportunities is None
    what: _What = {"run": run, "last": last, "force": force, "pages": pages, "tell": progress, "is_whole": is_whole}
    with aside(sum(len(page.chosen) for page in pages)) as tables:
        written = store_aside(**what, tables=tables) if tables else None
        with transaction.atomic():
            give_lease_back(run=run)
            refuse_other_rules(run=run, force=rules_in_force())
            stored = written or store_pages(**what)
            if tables:
                show_aside(force=force, pages=pages, is_whole=is_whole, tables=tables)
            elif is_whole and not stored.is_anew:
                drop_other_scopes(scopes=force.scopes)
                if is_full:
                    sweep_orphans()
            if not tables:
                refuse_orphans(run=run, opportunities=opportunities)
            at = run.started_at + timedelta(seconds=perf_counter() - started)
            finish_run(run=run, last=last, stored=[stored], is_whole=is_whole, at=at)
    progress("Done", run.opportunities_recomputed, run.opportunities_recomputed)
    return run


def _drop(run: AttributionRun) -> None:
    """As if it had not begun. Raises RunInProgress."""
    with transaction.atomic():
        give_lease_back(run=run)
        # _raw_delete: looking for credits of it would read all of them.
        AttributionRun.objects.filter(pk=run.pk)._raw_delete("default")


def _silent(what: str, done: int, total: int) -> None:
    """For callers who do not watch."""


__all__ = ["LEASE", "Progress", "RunInProgress", "begin_run", "finish_run", "run_attribution", "run_for"]
