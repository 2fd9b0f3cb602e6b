"""What credits of past moments cost.

A throw-away database is filled with the generator's world; a tenth of the touches and of the deals are changed
afterwards, so that the past differs from today. Then three questions (a week, a quarter, all deals) are asked of the
credits: live, as of then for the first time, and as of then again. A first asking is compared with a run over the same
deals, methods and scope (those that the question computed, the open deals of a table among them); again with the live
question. In a large world every method is asked for by itself. Medians of processor time: ours and, on PostgreSQL, that
of the server's process.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from benchmarks.generator import generate
from benchmarks.timing import processor

SEED = 20_260_101
TURNS = 3
LARGE = 1_000_000
"""From so many touches on every method is asked for, and what takes long is done once."""
LONG = 5_000
"""Milliseconds."""
CHUNK = 2_000
LEAST = 0.3
"""Seconds: the server's processor time is told in hundredths."""


def measure(touches: int, length: float) -> dict[str, Any]:
    """Milliseconds per question, live, at first and again, and their ratios."""
    from django.db import connection

    from attribution.actions.runs.run_attribution import run_attribution
    from attribution.models import AttributionRules, Credit
    from attribution.queries.rules import rules_in_force
    from leads.models import Opportunity, Touchpoint
    from leads.past.settled import settled_now

    fill = _fill_postgres if connection.vendor == "postgresql" else _fill_sqlite
    fill(touches, length)
    AttributionRules.objects.update(kept_scopes=["contacts"])
    now = datetime.now(UTC)
    run_attribution(at=now, reason="benchmark", kind="full")
    then = settled_now()
    Opportunity.objects.extra(where=["id %% 10 = 0"]).update(reporting_cents=1_000)
    Touchpoint.objects.extra(where=["id %% 10 = 0"]).update(kind="form")
    run_attribution(at=now + timedelta(hours=1), reason="benchmark", kind="full")
    methods = list(rules_in_force().methods)
    found = {
        "database": connection.vendor,
        "touches": Touchpoint.objects.count(),
        "deals": Opportunity.objects.count(),
        "credits": Credit.objects.count(),
        "methods": len(methods),
    }
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    is_large = touches >= LARGE
    asked = {name: _asked(days, methods, then, now, is_large=is_large) for name, days in _periods().items()}
    return {**found, **asked}


def _periods() -> dict[str, int]:
    return {"week": 7, "quarter": 91, "all": 100_000}


def _asked(days: int, methods: list[str], then: datetime, now: datetime, *, is_large: bool) -> dict[str, Any]:
    from attribution.figures.campaign_table import campaign_table
    from attribution.figures.credits import revenue_part

    scope = _scope(days, now)
    questions: dict[str, Callable[[], Any]] = {}
    for method in methods if is_large else ["linear"]:
        of_method = replace(scope, method=method)
        questions[f"revenue, {method}"] = lambda of_method=of_method: revenue_part(of_method).total()
    questions["table, all methods"] = lambda: campaign_table(scope, methods).total
    return {name: _question(ask, then) for name, ask in questions.items()}


def _question(ask: Callable[[], Any], then: datetime) -> dict[str, Any]:
    from attribution.models import PastCredit, PastMoment
    from leads.past.span import known_at

    def past() -> Any:
        with known_at(then):
            return ask()

    def forget() -> None:
        for model in (PastCredit, PastMoment):
            _empty(model)

    forget()
    past()
    methods = sorted(PastCredit.objects.order_by().values_list("method", flat=True).distinct())
    ids = sorted(PastCredit.objects.order_by().values_list("opportunity_id", flat=True).distinct())
    live, runs, firsts, again = [], [], [], []
    for _ in range(TURNS):
        live.append(_timed(ask, LEAST))
        forget()
        runs.append(_timed(lambda: _run(methods, ids)))
        firsts.append(_timed(past))
        again.append(_timed(past, LEAST))
        if runs[0] > LONG:
            break
    ms = {
        name: statistics.median(values)
        for name, values in (("live", live), ("run", runs), ("first", firsts), ("again", again))
    }
    ratios = {"first / run": ms["first"] / ms["run"], "again / live": ms["again"] / ms["live"]}
    rounded = {name: round(value, 1) for name, value in ms.items()}
    return {"deals": len(ids), **rounded, **{name: round(value, 2) for name, value in ratios.items()}}


def _run(methods: list[str], ids: list[int]) -> None:
    """What a run does for these deals: reads them, computes these methods' credits, and writes them in place."""
    from django.db import transaction

    from attribution.actions.runs.hold_run import give_lease_back
    from attribution.actions.runs.run_attribution import begin_run, finish_run
    from attribution.actions.runs.store_credits import read_pages, refuse_orphans, store_pages
    from attribution.pure.credits.columns import only
    from attribution.queries.rules import rules_in_force
    from attribution.queries.runs import last_run

    force = rules_in_force()
    some = replace(
        force,
        rules=only(force.rules, methods),
        methods={key: version for key, version in force.methods.items() if key in methods},
    )
    began = datetime.now(UTC)
    try:
        with transaction.atomic():
            run = begin_run(force=some, at=began, reason="benchmark", kind="full")
            pages = read_pages(force=some, deals=ids, is_full=True)
            last = last_run()
            give_lease_back(run=run)
            stored = store_pages(run=run, last=last, force=some, pages=pages, tell=lambda *_: None)
            refuse_orphans(run=run, opportunities=ids)
            finish_run(run=run, last=last, stored=[stored], is_whole=False, at=began)
            raise _Undone
    except _Undone:
        return


class _Undone(Exception):
    """Credits of the other methods are wanted again."""


def _scope(days: int, now: datetime) -> Any:
    from leads.figures.base import Scope
    from leads.models import Company, Opportunity
    from leads.pure.week import Period

    company = Company.current()
    closed = list(Opportunity.objects.order_by("closed_at").values_list("closed_at", flat=True))
    middle = closed[len(closed) // 2]
    period = Period(middle, middle + timedelta(days=days))
    if days > 10_000:
        period = Period(datetime(1990, 1, 1, tzinfo=UTC), now)
    return Scope(period=period, at=now, tz=company.tz, currency=company.currency, method="linear")


def _empty(model: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        verb = "TRUNCATE" if connection.vendor == "postgresql" else "DELETE FROM"
        cursor.execute(f"{verb} {model._meta.db_table}")


def _timed(work: Callable[[], Any], least: float = 0) -> float:
    """Milliseconds of the processor, this process's and the server's; done again until so many seconds have passed."""
    before, times = processor(), 0
    while (passed := processor() - before) < least or not times:
        work()
        times += 1
    return passed * 1000 / times if least else (processor() - before) * 1000


def _fill_postgres(touches: int, length: float) -> None:
    from benchmarks import database

    database.fill(generate(touches, seed=SEED, mean_length=length))


def _fill_sqlite(touches: int, length: float) -> None:
    from django.db import transaction

    from leads.models import Campaign, Channel, Lead, Opportunity, OpportunityContact, PipelineStage, Touchpoint

    world = generate(touches, seed=SEED, mean_length=length)
    channels = list(Channel.objects.order_by("pk"))
    won = PipelineStage.objects.filter(status="won")[0]

    def at(micros: Any) -> datetime:
        return datetime.fromtimestamp(int(micros) / 1e6, UTC)

    made = np.arange(len(world.amount))
    with transaction.atomic():
        campaigns = [
            Campaign(pk=n + 1, name=f"Campaign {n}", code=f"c{n}", channel=channels[of % len(channels)])
            for n, of in enumerate(world.channel_of.tolist())
        ]
        Campaign.objects.bulk_create(campaigns)
        Lead.objects.bulk_create(
            [
                Lead(pk=n + 1, external_id=f"b{n}", captured_at=at(world.known_at[n]), changed_at=at(world.known_at[n]))
                for n in made.tolist()
            ],
            batch_size=CHUNK,
        )
        Opportunity.objects.bulk_create(
            [
                Opportunity(
                    pk=n + 1, name=f"Deal {n}", stage=won, status="won", amount_cents=int(world.amount[n]),
                    reporting_cents=int(world.amount[n]), currency="EUR",
                    opened_at=at(min(world.opened_at[n], world.closed_at[n])), closed_at=at(world.closed_at[n]),
                    stage_changed_at=at(world.closed_at[n]), changed_at=at(world.closed_at[n]),
                )
                for n in made.tolist()
            ],
            batch_size=CHUNK,
        )  # fmt: skip
        OpportunityContact.objects.bulk_create(
            [OpportunityContact(opportunity_id=n + 1, lead_id=n + 1, is_primary=True) for n in made.tolist()],
            batch_size=CHUNK,
        )
        rows = zip(
            *(column.tolist() for column in (world.id, world.opportunity, world.campaign, world.at)), strict=True
        )
        Touchpoint.objects.bulk_create(
            [
                Touchpoint(
                    pk=n + 1, lead_id=deal + 1, campaign_id=campaign + 1, channel=campaigns[campaign].channel,
                    kind="page_view", occurred_at=at(moment), recorded_at=at(moment), dedupe_key=f"b{n}",
                )
                for n, deal, campaign, moment in rows
            ],
            batch_size=CHUNK,
        )  # fmt: skip
