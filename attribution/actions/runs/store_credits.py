"""Computes the credits of some opportunities and stores them: in place of the old ones, or staged beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, Model, OuterRef

from attribution.actions.runs.hold_run import InputsChanged
from attribution.models import (
    AttributionRun,
    AttributionShard,
    Credit,
    JourneyScope,
    JourneyState,
    StagedCredit,
    StagedState,
)
from attribution.pure.credits.computation import Book
from attribution.pure.journeys.candidates import candidates
from attribution.pure.journeys.hashing import run_hash
from attribution.pure.runs.difference import named_deals, report
from attribution.pure.runs.stored import (
    CREDIT_FIELDS,
    SHARD,
    STATE_FIELDS,
    Account,
    Page,
    credit_values,
    page_of,
    state_values,
)
from attribution.queries.aside import exchange, keep_credits
from attribution.queries.changes import EVERY_TOUCH
from attribution.queries.columns import coded, known, listed, read_columns, totals, write_columns
from attribution.queries.rules import RulesInForce
from attribution.queries.successor import successors
from attribution.queries.world import read_states, read_world
from leads.models import Campaign, Opportunity, Touchpoint

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and how much there is."""


ANEW_FROM = 10_000
"""Opportunities, each scope counted, from which all credits are written into a table of their own where they can be."""


@dataclass(slots=True)
class Stored:
    """What was computed: how many opportunities (of any scope), rows, and the summary of the company's own scope.

    ``is_anew``: nothing of before is left."""

    opportunities: int = 0
    credits: int = 0
    is_anew: bool = False
    summary: dict[str, Any] = field(default_factory=lambda: {"changed": 0, "causes": {}, "cells": [], "deals": []})


def read_pages(*, force: RulesInForce, deals: Sequence[int] | None, is_full: bool) -> list[Page]:
    """Read opportunities (all, or some by id) and compare them with what was computed before, scope by scope."""
    world = read_world(force.scopes, deals, needs_points=force.rules.needs_points)
    pages = []
    for scope in force.scopes:
        inputs = candidates(world, scope)
        pages.append(page_of(scope, inputs, Book(inputs, force.rules), read_states(scope, deals), is_full=is_full))
    return pages


def store_pages(
    *,
    run: AttributionRun,
    last: AttributionRun | None,
    force: RulesInForce,
    pages: Sequence[Page],
    tell: Progress,
    shard: AttributionShard | None = None,
    is_whole: bool = False,
    still: Callable[[], None] | None = None,
) -> Stored:
    """Compute the chosen opportunities and write their credits and states. Call it inside a transaction.

    Without a shard they replace the old ones; with one they are staged, to become visible with the whole run.
    ``is_whole``: the pages hold every opportunity, so that nothing is to be kept where all are chosen. ``still``: as
    that of `write_columns`.
    """
    rows = sum(len(page.chosen) for page in pages)
    is_all = is_whole and rows == sum(len(page.known) for page in pages)
    with anew(rows if is_all else 0) as tables:
        return _store(run=run, last=last, force=force, pages=pages, tell=tell, shard=shard, tables=tables, still=still)


def store_aside(
    *,
    run: AttributionRun,
    last: AttributionRun | None,
    force: RulesInForce,
    pages: Sequence[Page],
    tell: Progress,
    is_whole: bool,
    tables: Mapping[type[Model], str],
) -> Stored:
    """Compute the chosen opportunities into tables beside the old ones, and copy the credits of the others.

    Call it outside of a transaction. Nothing is visible until `show_aside`.
    """
    stored = _store(run=run, last=last, force=force, pages=pages, tell=tell, shard=None, tables=tables)
    keep_credits(replaced=_replaced(pages), scopes=_kept_scopes(force, is_whole=is_whole), tables=tables)
    return stored


def show_aside(
    *, force: RulesInForce, pages: Sequence[Page], is_whole: bool, tables: Mapping[type[Model], str]
) -> None:
    """Put what was stored aside in place. Call it in the transaction that finishes the run. Raises InputsChanged."""
    exchange(replaced=_replaced(pages), scopes=_kept_scopes(force, is_whole=is_whole), tables=tables)
    refuse_orphans()


def _replaced(pages: Sequence[Page]) -> dict[str, list[int]]:
    return {page.scope: page.ids for page in pages}


def _kept_scopes(force: RulesInForce, *, is_whole: bool) -> Sequence[str]:
    return force.scopes if is_whole else JourneyScope.values


def anew(rows: int) -> AbstractContextManager[Mapping[type[Model], str]]:
    """Tables to write all credits and states into, for so many opportunities; none where they are too few or none can
    be made. See `successors`."""
    return successors(Credit, JourneyState) if rows >= ANEW_FROM else nullcontext({})


def _store(
    *,
    run: AttributionRun,
    last: AttributionRun | None,
    force: RulesInForce,
    pages: Iterable[Page],
    tell: Progress,
    shard: AttributionShard | None,
    tables: Mapping[type[Model], str],
    still: Callable[[], None] | None = None,
) -> Stored:
    stored = Stored(is_anew=bool(tables))
    steps, done = len(force.methods) * len(force.scopes), 0
    computed: set[int] = set()
    for page in pages:
        ids = page.ids
        if not ids:
            continue
        is_own = page.scope == run.settings["scope"]
        account = _account(run, last, page) if is_own else None
        if shard is None and not tables:
            _delete(page.scope, page.known_ids)
        for shares in page.book.credits(page.chosen):
            values = credit_values(page, shares, run.pk)
            stored.credits += _write_credits(values, len(shares), shard, tables, still)
            if account:
                account.add(shares, values)
            done += 1
            tell("Computing credits", done, steps)
        _write_states(page, run, shard, tables, still)
        computed.update(ids)
        if account:
            stored.summary = account.summary(**_others(run, last))
    stored.opportunities = len(computed)
    return stored


def refuse_orphans(*, run: AttributionRun | None = None, opportunities: Sequence[int] | None = None) -> None:
    """The check that keys in the database would make row by row, once for all rows of a run, or of all runs.

    Raises InputsChanged.
    """
    states = JourneyState.objects.all()
    # The linear method credits every touch that any method may credit.
    credits = Credit.objects.filter(method=EVERY_TOUCH)
    if run is not None:
        states, credits = states.filter(run=run), credits.filter(scope__in=run.settings["scopes"], run=run)
    if opportunities is not None:
        # No index leads to what a run wrote, but one to what belongs to its opportunities.
        states = states.filter(opportunity__in=listed(opportunities))
        credits = credits.filter(opportunity__in=listed(opportunities))
    touched = credits.filter(touchpoint__isnull=False)
    # Counted, not looked for: for one row of many PostgreSQL compares every row with every other.
    if (
        touched.exclude(Exists(Touchpoint.objects.filter(pk=OuterRef("touchpoint")))).count()
        or states.exclude(Exists(Opportunity.objects.filter(pk=OuterRef("opportunity")))).count()
    ):
        raise InputsChanged("Touchpoints or opportunities were deleted while the run was under way.")


def drop_other_scopes(*, scopes: Sequence[str]) -> None:
    """Credits of scopes that are no longer kept."""
    others = [scope for scope in JourneyScope.values if scope not in scopes]
    Credit.objects.filter(scope__in=others)._raw_delete("default")
    JourneyState.objects.filter(scope__in=others)._raw_delete("default")


def sweep_orphans() -> None:
    """Credits of deals that are gone. A deletion takes them along, but not those of a run that commits meanwhile."""
    is_there = Exists(Opportunity.objects.filter(pk=OuterRef("opportunity")))
    gone = {
        *Credit.objects.filter(~is_there, method=EVERY_TOUCH).values_list("opportunity_id", flat=True),
        *JourneyState.objects.filter(~is_there).values_list("opportunity_id", flat=True),
    }
    for scope in JourneyScope.values if gone else ():
        _delete(scope, sorted(gone))


def difference(*, summaries: Sequence[dict[str, Any]], last: AttributionRun | None, seen: int) -> dict[str, Any]:
    """The difference to the last run as it is kept."""
    campaigns = {pk: (name, str(uid)) for pk, name, uid in Campaign.objects.values_list("pk", "name", "public_id")}
    named = Opportunity.objects.filter(pk__in=named_deals(summaries)).values_list("pk", "public_id")
    found = report(summaries, campaigns, {pk: str(uid) for pk, uid in named})
    # A deleted deal took its state with it: what the last run saw and is neither here nor new is gone.
    new = sum((Counter(summary["causes"]) for summary in summaries), Counter[str]())["new_opportunity"]
    return {**found, "opportunities_removed": max(last.opportunities_seen + new - seen, 0) if last else 0}


def all_hashes(*, scopes: Sequence[str]) -> str:
    """One hash of what all credits were computed from."""
    return run_hash(*totals(JourneyState.objects.filter(scope__in=scopes), "hash_high", "hash_low"))


def _account(run: AttributionRun, last: AttributionRun | None, page: Page) -> Account:
    methods = [*run.methods, *(key for key in (last.methods if last else ()) if key not in run.methods)]
    replaced = Credit.objects.filter(scope=page.scope, opportunity__in=listed(page.other_ids))
    before = read_columns(
        replaced,
        opportunity="opportunity_id",
        method=coded("method", {key: code for code, key in enumerate(methods)}, -1),
        campaign=known("campaign_id"),
        cents="cents",
    )
    return Account(page, methods, before)


def _others(run: AttributionRun, last: AttributionRun | None) -> dict[str, bool]:
    """Whether rules or fits are others than the last run's."""
    if last is None:
        return {"is_other_rules": False, "is_other_fit": False}
    fits = [each.settings.get("fits", {}) for each in (run, last)]
    fitted = {*fits[0], *fits[1]}
    quiet = {"scope", "scopes", "fits"}
    rules = [
        (
            {name: value for name, value in each.settings.items() if name not in quiet},
            {key: version for key, version in each.methods.items() if key not in fitted},
        )
        for each in (run, last)
    ]
    return {"is_other_rules": rules[0] != rules[1], "is_other_fit": fits[0] != fits[1]}


def _delete(scope: str, ids: Sequence[int]) -> None:
    # _raw_delete: nothing points to credits and states, so there is nothing to collect first.
    for rows in (Credit.objects.filter(scope=scope), JourneyState.objects.filter(scope=scope)):
        if ids:
            rows.filter(opportunity__in=listed(ids))._raw_delete("default")


def _write_credits(
    values: Any,
    size: int,
    shard: AttributionShard | None,
    tables: Mapping[type[Model], str],
    still: Callable[[], None] | None,
) -> int:
    if shard is None:
        return write_columns(Credit, CREDIT_FIELDS, values, size, successor=tables.get(Credit))
    return write_columns(StagedCredit, (*CREDIT_FIELDS, SHARD), {**values, SHARD.name: shard.pk}, size, still=still)


def _write_states(
    page: Page,
    run: AttributionRun,
    shard: AttributionShard | None,
    tables: Mapping[type[Model], str],
    still: Callable[[], None] | None,
) -> None:
    values, size = state_values(page, run.pk), len(page.chosen)
    if shard is None:
        write_columns(JourneyState, STATE_FIELDS, values, size, successor=tables.get(JourneyState))
    else:
        write_columns(StagedState, (*STATE_FIELDS, SHARD), {**values, SHARD.name: shard.pk}, size, still=still)
