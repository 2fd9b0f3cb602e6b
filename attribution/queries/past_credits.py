"""Credits as of a past moment: computed when a figure first asks for them, and kept aside.

Inside `leads.past.span.known_at` deals, touches, rules and fits are those of then, and the name of the table of credits
stands for those kept for the moment. See docs/decisions/0013-past-credits.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet

from attribution.models import AttributionRules, AttributionRun, Credit, MethodFit, PastCredit, PastMoment
from attribution.pure.columns.copy_codec import Field, Values
from attribution.pure.credits.columns import SHARE_FIELDS, only, share_values, shares_of
from attribution.pure.journeys.candidates import candidates
from attribution.pure.methods import all_methods
from attribution.queries.columns import listed, write_columns
from attribution.queries.rules import RulesInForce, rules_in_force
from attribution.queries.world import read_world
from leads.models import Opportunity
from leads.past.snapshot import NotKnown
from leads.past.span import memory, moment, moment_key, table_behind, writing_aside

FIELDS = (Field("moment"), *SHARE_FIELDS)
_LOCK = 826_355
"""Held, with the moment's key, by a transaction that computes credits of the moment."""
DEALS_A_TURN = 2_000
_ANALYZE_FROM = 500
"""From so many new rows on the planner is told of them: it would take them for a handful, and read by guesswork."""
_STATISTICS = 10
"""A tenth of what PostgreSQL usually gathers is enough to know their number, and takes milliseconds."""

Missing = Mapping[str, frozenset[int]]
"""Method → ids of deals whose credits are not there."""
Page = tuple[Values, int]
"""The columns of one method's credits, and how many there are."""


class OtherMethod(NotKnown):
    """The method's code computes otherwise now than it did at the moment that is asked for."""


def ensure_credits(*, deals: QuerySet[Opportunity], methods: Collection[str] | None = None, scope: str = "") -> None:
    """In the past: have the credits of these deals, under these methods (None: all) and this scope (or the company's
    own), where queries find them. Does nothing in the present, where runs have written them.

    A method that was not on offer then, or a scope that was not kept, has no credits. Raises OtherMethod.
    """
    if moment() is None:
        return
    scope = scope or _own_scope()
    wanted = sorted(_force().methods if methods is None else set(methods))
    try:
        sql, params = deals.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return
    asked = repr((sql, params))
    # What a page has asked for is not looked for again; nor are the deals of its many figures one by one.
    known: set[tuple[str, str, str]] = memory().setdefault("credits", set())
    unsure = [key for key in wanted if (scope, key, asked) not in known]
    if not unsure:
        return
    _note_use()
    if missing := _missing(scope, unsure, sql, params):
        _make(scope, missing)
    known.update((scope, key, asked) for key in unsure)


def _own_scope() -> str:
    if "scope" not in memory():
        memory()["scope"] = AttributionRules.objects.values_list("scope", flat=True).get(pk=1)
    return str(memory()["scope"])


def _force() -> RulesInForce:
    if "rules" not in memory():
        memory()["rules"] = rules_in_force()
    found: RulesInForce = memory()["rules"]
    return found


def _missing(scope: str, methods: Sequence[str], deals: str, params: Sequence[Any] = ()) -> Missing:
    """Those of the deals, which are SQL, that have no credits under these methods yet; in one query.

    Written out: that Django makes a query for each method takes longer than the database needs for all.
    """
    named, bound = _LISTED[connection.vendor](methods)
    quote = connection.ops.quote_name
    credit, column = quote(Credit._meta.db_table), quote("method")
    statement = _LACKING.format(deals=deals, named=named, credit=credit, column=column)
    found: dict[str, set[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement, [*params, bound, scope])
        for key, deal in cursor.fetchall():
            found.setdefault(key, set()).add(deal)
    return {key: frozenset(some) for key, some in found.items()}


# Deals are found once, whatever the number of models.
_LACKING = """
WITH deal(id) AS MATERIALIZED ({deals}), wanted(key) AS ({named})
SELECT wanted.key, deal.id FROM wanted CROSS JOIN deal
 WHERE NOT EXISTS (SELECT 1 FROM {credit} WHERE scope = %s AND {column} = wanted.key AND opportunity_id = deal.id)
"""
_LISTED: Mapping[str, Callable[[Sequence[str]], tuple[str, Any]]] = {
    "postgresql": lambda methods: ("SELECT unnest(%s::text[])", list(methods)),
    "sqlite": lambda methods: ("SELECT value FROM json_each(%s)", json.dumps(list(methods))),
}


def _make(scope: str, missing: Missing) -> None:
    """Compute what is missing of it, where anything was to be had then."""
    force = _force()
    missing = {key: some for key, some in missing.items() if key in force.methods}
    if missing and scope in force.scopes:
        _refuse_other_code(missing)
        for some in _turns(missing):
            _compute(force, scope, some)


def _turns(missing: Missing) -> Iterator[Missing]:
    """All at once where many write side by side; on SQLite, which has one writer, some deals a transaction."""
    everybody = sorted(frozenset().union(*missing.values()))
    size = DEALS_A_TURN if connection.vendor == "sqlite" else len(everybody)
    for start in range(0, len(everybody), size):
        turn = frozenset(everybody[start : start + size])
        part = {key: some & turn for key, some in missing.items()}
        yield {key: some for key, some in part.items() if some}


def _refuse_other_code(keys: Collection[str]) -> None:
    """Raises OtherMethod for a method whose code has another version than at the moment."""
    if "versions" not in memory():
        memory()["versions"] = _versions_then()
    then: dict[str, int] = memory()["versions"]
    for method in all_methods():
        if method.key in keys and then.get(method.key, method.version) != method.version:
            raise OtherMethod(
                f"{method.name} was computed by version {then[method.key]} of the model then. This portal has version"
                f" {method.version}, which would give other credits."
            )


def _versions_then() -> dict[str, int]:
    """The version of each method's code that was in use at the moment."""
    last = AttributionRun.objects.filter(state=AttributionRun.State.DONE, finished_at__lte=moment())
    run = last.order_by("-finished_at", "-pk").first()
    fits = MethodFit.objects.filter(is_current=True).values_list("method", "version")
    return {**(run.methods if run else {}), **dict(fits)}


def _compute(force: RulesInForce, scope: str, missing: Missing) -> None:
    is_shared = connection.vendor == "postgresql"
    # SQLite has one writer, which must not wait for what can be computed before it writes.
    pages: Iterable[Page] = () if is_shared else list(_pages(force, scope, missing))
    with writing_aside(), transaction.atomic():
        if is_shared:
            with connection.cursor() as cursor:
                # The constant comes second: `leads.past.settled` looks for its own there.
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [hash(moment_key()) % 2**31, _LOCK])
        # Somebody else may have computed the same meanwhile.
        still = _still_missing(scope, missing)
        if is_shared or still != missing:
            pages = _pages(force, scope, still)
        number = sum(write_columns(PastCredit, FIELDS, values, size, behind=True) for values, size in pages)
        if is_shared and number >= _ANALYZE_FROM:
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL default_statistics_target = {_STATISTICS}")
                cursor.execute(f"ANALYZE (SKIP_LOCKED) {table_behind(PastCredit)}")
                cursor.execute("SET LOCAL default_statistics_target TO DEFAULT")


def _still_missing(scope: str, missing: Missing) -> Missing:
    """What of it is missing now."""
    sql, params = _by_id(frozenset().union(*missing.values())).values("pk").query.sql_with_params()
    found = _missing(scope, list(missing), sql, params)
    still = {key: some & missing[key] for key, some in found.items()}
    return {key: some for key, some in still.items() if some}


def _by_id(ids: frozenset[int]) -> QuerySet[Opportunity]:
    return Opportunity.objects.filter(pk__in=listed(sorted(ids)))


def _pages(force: RulesInForce, scope: str, missing: Missing) -> Iterator[Page]:
    """The credits that are missing, method by method."""
    if not missing:
        return
    everybody = sorted(frozenset().union(*missing.values()))
    rules = only(force.rules, missing)
    inputs = candidates(read_world([scope], everybody, needs_points=rules.needs_points), scope)
    for shares in shares_of(inputs, rules, missing):
        yield {"moment": moment_key(), **share_values(inputs, scope, shares)}, len(shares)


def _note_use() -> None:
    """Remember the day, at most once in a span: what nobody asks for any more is thrown away."""
    if memory().setdefault("noted", False):
        return
    memory()["noted"] = True
    table, key = table_behind(PastMoment), moment_key()
    with writing_aside(), connection.cursor() as cursor:
        # Only the first of the day writes: others would wait for it.
        used = f"SELECT 1 FROM {table} WHERE moment = %s AND used_on >= CURRENT_DATE"  # noqa: S608 - our own name
        cursor.execute(used, [key])
        if cursor.fetchone() is None:
            cursor.execute(
                f"INSERT INTO {table} (moment, used_on) VALUES (%s, CURRENT_DATE)"  # noqa: S608
                " ON CONFLICT (moment) DO UPDATE SET used_on = CURRENT_DATE",
                [key],
            )
