"""Computes the credits of all methods and records what the run saw, did and changed."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, Literal

from django.db import connection, transaction
from django.db.models import Q, Sum

from attribution.actions.store_credits import Row, store_credits
from attribution.models import AttributionRules, AttributionRun, Credit, JourneyState
from attribution.pure.computation import Book, Inputs, Shares
from attribution.pure.difference import CAUSES, Facts, causes, moved
from attribution.pure.hashing import run_hash
from attribution.pure.methods import methods_on_offer
from attribution.queries import BATCH, read_inputs, read_rules
from leads.models import Campaign

LEASE = timedelta(minutes=30)
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and how much there is."""


class RunInProgress(Exception):
    """Another run is computing; its credits will be there when it is done."""


def run_attribution(
    *,
    at: datetime,
    reason: str,
    kind: Literal["incremental", "full"] = "incremental",
    progress: Progress | None = None,
) -> AttributionRun:
    """Bring the credits of every opportunity up to date and return the finished run.

    An incremental run recomputes the opportunities whose inputs changed since they were last computed, a full run all
    of them; the credits are the same. Readers see either the old or the new credits. Raises RunInProgress.
    """
    tell = progress or (lambda what, done, total: None)
    run = _begin(at, reason, kind)
    started = perf_counter()
    try:
        return _compute(run, started, tell)
    except Exception as error:
        # The clock goes on from the moment given, so that no second clock is read here.
        finished = at + timedelta(seconds=perf_counter() - started)
        with transaction.atomic():
            AttributionRun.objects.filter(pk=run.pk).update(
                state=AttributionRun.State.FAILED, error=f"{type(error).__name__}: {error}"[:500], finished_at=finished
            )
            AttributionRules.objects.filter(held_by=run.public_id).update(held_by=None, held_until=None)
        raise


def _begin(at: datetime, reason: str, kind: str) -> AttributionRun:
    token = uuid.uuid4()
    with transaction.atomic():
        free = Q(held_until__isnull=True) | Q(held_until__lt=at)
        if AttributionRules.objects.filter(free, pk=1).update(held_by=token, held_until=at + LEASE) != 1:
            raise RunInProgress("Another attribution run is under way.")
        AttributionRun.objects.filter(state=AttributionRun.State.RUNNING).update(
            state=AttributionRun.State.FAILED, error="Did not finish within its lease.", finished_at=at
        )
        _, settings = read_rules()
        return AttributionRun.objects.create(
            public_id=token,
            kind=kind,
            reason=reason[:200],
            methods={method.key: method.version for method in methods_on_offer()},
            settings=settings,
            started_at=at,
        )


def _compute(run: AttributionRun, started: float, tell: Progress) -> AttributionRun:
    rules, run.settings = read_rules()
    tell("Reading opportunities and touches", 0, 0)
    inputs = read_inputs(run.settings["scope"])
    deals = inputs.deals.id
    tell("Comparing journeys", 0, len(deals))
    book = Book(inputs, rules)
    hashes = book.hashes()
    known = _known_states()
    chosen = [
        index
        for index, deal in enumerate(deals)
        if run.kind == AttributionRun.Kind.FULL or deal not in known or known[deal][0] != hashes[index]
    ]
    shares = []
    for share in book.credits(chosen) if chosen else ():
        shares.append(share)
        tell("Computing credits", len(shares), len(run.methods))
    tell("Writing credits", 0, len(chosen))
    last = AttributionRun.objects.filter(state=AttributionRun.State.DONE).order_by("-finished_at", "-pk").first()
    with transaction.atomic():
        # Whoever lost the lease to a later run must not write over it.
        if AttributionRules.objects.filter(pk=1, held_by=run.public_id).update(held_by=None, held_until=None) != 1:
            raise RunInProgress("The run took longer than its lease; another has taken over.")
        ids = [deals[index] for index in chosen]
        before = _totals(ids)
        run.credits_written = store_credits(opportunities=ids, rows=_rows(run, inputs, shares))
        _remember(run, inputs, book, hashes, chosen)
        run.difference = _difference(run, last, inputs, hashes, known, before, shares)
        run.inputs_hash = run_hash([value.hex() for value in hashes])
        run.opportunities_seen, run.opportunities_recomputed = len(deals), len(chosen)
        run.state = AttributionRun.State.DONE
        run.finished_at = run.started_at + timedelta(seconds=perf_counter() - started)
        run.save(
            update_fields=[
                "settings",
                "credits_written",
                "difference",
                "inputs_hash",
                "opportunities_seen",
                "opportunities_recomputed",
                "state",
                "finished_at",
            ]
        )
    tell("Done", len(chosen), len(chosen))
    return run


def _known_states() -> dict[int, tuple[bytes, Facts]]:
    fields = ("opportunity_id", "inputs_hash", "status", "amount_cents", "opened_at", "closed_at")
    rows = JourneyState.objects.values_list(*fields).iterator()
    return {pk: (bytes(value), Facts(*facts)) for pk, value, *facts in rows}


def _rows(run: AttributionRun, inputs: Inputs, shares: Sequence[Shares]) -> Iterator[Row]:
    deals, table = inputs.deals.id, inputs.touches
    # Each touch's moment is put into the database's form once, not once per credit.
    used = {touch for share in shares for touch in share.touch if touch >= 0}
    adapt = connection.ops.adapt_datetimefield_value
    known = {
        touch: (table.id[touch], table.campaign[touch], table.channel[touch], adapt(table.occurred_at[touch]))
        for touch in used
    }
    nobody = (None, None, None, None)
    for share in shares:
        for deal, touch, weight, cents in zip(share.deal, share.touch, share.weight, share.cents, strict=True):
            yield (run.pk, deals[deal], run.settings["scope"], share.method, *known.get(touch, nobody), weight, cents)


def _remember(run: AttributionRun, inputs: Inputs, book: Book, hashes: Sequence[bytes], chosen: Sequence[int]) -> None:
    eligible, rejected = book.lengths()
    deals = inputs.deals
    states = [
        JourneyState(
            opportunity_id=deals.id[index],
            inputs_hash=hashes[index],
            scope=run.settings["scope"],
            run=run,
            touches=eligible[index],
            rejected_touches=rejected[index],
            status=deals.status[index],
            amount_cents=deals.amount_cents[index],
            opened_at=deals.opened_at[index],
            closed_at=deals.closed_at[index],
        )
        for index in chosen
    ]
    fields = [
        field.name
        for field in JourneyState._meta.fields
        if not field.primary_key and field.name not in {"opportunity", "scope"}
    ]
    JourneyState.objects.bulk_create(
        states, batch_size=BATCH, update_conflicts=True, unique_fields=["opportunity", "scope"], update_fields=fields
    )


def _totals(ids: Sequence[int]) -> Counter[tuple[str, int | None]]:
    found: Counter[tuple[str, int | None]] = Counter()
    for start in range(0, len(ids), BATCH):
        rows = Credit.objects.filter(opportunity_id__in=ids[start : start + BATCH]).order_by()
        for method, campaign, cents in rows.values_list("method", "campaign").annotate(total=Sum("cents")):
            found[method, campaign] += cents
    return found


def _difference(
    run: AttributionRun,
    last: AttributionRun | None,
    inputs: Inputs,
    hashes: Sequence[bytes],
    known: dict[int, tuple[bytes, Facts]],
    before: Counter[tuple[str, int | None]],
    shares: Sequence[Shares],
) -> dict[str, Any]:
    deals = inputs.deals
    is_other = last is not None and (last.settings, last.methods) != (run.settings, run.methods)
    counts: Counter[str] = Counter()
    changed = 0
    for index, deal in enumerate(deals.id):
        state = known.get(deal)
        facts = Facts(deals.status[index], deals.amount_cents[index], deals.opened_at[index], deals.closed_at[index])
        found = causes(
            state[1] if state else None,
            facts,
            is_other_rules=is_other,
            is_other_hash=state is None or state[0] != hashes[index],
        )
        counts.update(found)
        changed += bool(found)
    after: Counter[tuple[str, int | None]] = Counter()
    for share in shares:
        for touch, cents in zip(share.touch, share.cents, strict=True):
            after[share.method, inputs.touches.campaign[touch] if touch >= 0 else None] += cents
    names = dict(Campaign.objects.values_list("pk", "name"))
    # A deleted deal took its state with it: what the last run saw and is neither here nor new is gone.
    removed = last.opportunities_seen + counts["new_opportunity"] - len(deals.id) if last else 0
    return {
        "opportunities_changed": changed,
        "opportunities_removed": max(removed, 0),
        "causes": {cause: counts[cause] for cause in CAUSES if counts[cause]},
        "methods": moved(before, after, names),
    }
