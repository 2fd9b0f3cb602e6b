"""Who is computing: a lease on the rules' row, so that two runs cannot interleave and a dead one gives way."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from attribution.models import AttributionRules, AttributionRun, AttributionShard, StagedCredit, StagedState
from attribution.queries.columns import delete_in_turns
from attribution.queries.rules import RulesInForce

LEASE = timedelta(minutes=30)


class RunInProgress(Exception):
    """Another run is computing; its credits will be there when it is done."""


class InputsChanged(Exception):
    """Rules or touches changed under a run, so that its result would not be consistent; the next one sees them."""


def take_lease(*, run: AttributionRun, at: datetime) -> list[AttributionRun]:
    """Hold the rules for a run, and give up whatever did not finish within its lease. Raises RunInProgress.

    Returns the runs given up, whose staged rows the caller drops with `forget_staged` once this is committed.
    """
    with transaction.atomic():
        free = Q(held_until__isnull=True) | Q(held_until__lt=at) | Q(held_by=run.public_id)
        if AttributionRules.objects.filter(free, pk=1).update(held_by=run.public_id, held_until=at + LEASE) != 1:
            raise RunInProgress("Another attribution run is under way.")
        dead = AttributionRun.objects.filter(state=AttributionRun.State.RUNNING).exclude(pk=run.pk)
        given_up = list(dead)
        dead.update(state=AttributionRun.State.FAILED, error="Did not finish within its lease.", finished_at=at)
    return given_up


def keep_lease(*, run: AttributionRun, at: datetime) -> None:
    """Hold on. Raises RunInProgress when another run has taken over."""
    if AttributionRules.objects.filter(pk=1, held_by=run.public_id).update(held_until=at + LEASE) != 1:
        raise RunInProgress("The run took longer than its lease; another has taken over.")


def give_lease_back(*, run: AttributionRun) -> None:
    """Call it in the transaction that writes: whoever lost the lease must not write over a later run's work.

    Raises RunInProgress.
    """
    if AttributionRules.objects.filter(pk=1, held_by=run.public_id).update(held_by=None, held_until=None) != 1:
        raise RunInProgress("The run took longer than its lease; another has taken over.")


def fail_run(*, run: AttributionRun, error: Exception, at: datetime) -> None:
    """Record a failure, drop what was staged and free the way."""
    with transaction.atomic():
        AttributionRun.objects.filter(pk=run.pk).update(
            state=AttributionRun.State.FAILED, error=f"{type(error).__name__}: {error}"[:500], finished_at=at
        )
        AttributionRules.objects.filter(held_by=run.public_id).update(held_by=None, held_until=None)
    forget_staged([run])


def refuse_other_rules(*, run: AttributionRun, force: RulesInForce) -> None:
    """Raises InputsChanged when the rules are no longer those the run began with."""
    if (run.settings, run.methods) != (force.settings, force.methods):
        raise InputsChanged("The rules or models changed while the run was under way.")


def forget_staged(runs: Iterable[AttributionRun]) -> None:
    """Drop what was staged for runs that ended. Whoever still stages for one is refused by the run's state."""
    for run in runs:
        for staged in (StagedCredit, StagedState):
            delete_in_turns(staged._default_manager.filter(shard__run=run))
        AttributionShard.objects.filter(run=run).delete()
