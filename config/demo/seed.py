"""Seeding the demo as a list of named steps, each with a line of progress.

The company's rows are written in one transaction: an interrupted start leaves nothing, and the next one begins anew.
What follows may be repeated safely. A `JobRun` marks how far it came and, last of all, that the demo is complete.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from django.db import connection as database
from django.db import transaction

from alignment.actions.report.publish_report import publish_report
from alignment.models import (
    AcceptanceCriterion,
    CriterionEvent,
    Evidence,
    IntegrationPoint,
    Recommendation,
    SignOff,
    Target,
)
from alignment.queries.report import last_whole_week
from attribution.actions.fit_methods import fit_methods
from attribution.actions.runs.run_attribution import run_attribution
from attribution.models import AttributionRules, CustomMethod, LiftTest, MethodFit, SourceCheck
from config.demo import (
    past,
    seed_accuracy,
    seed_crm,
    seed_deals,
    seed_desk,
    seed_forms,
    seed_people,
    seed_points,
    seed_recommendations,
    seed_scoring,
    seed_settings,
    seed_targets,
    seed_touchpoints,
    seed_webhooks,
    seed_workflows,
)
from config.demo.bulk import Bulk
from config.demo.company import FULL_SIZE, build
from config.demo.histories import FEED, Histories
from config.demo.records import DemoCompany
from config.demo.sign_ins import issue_sign_ins
from config.demo.timeline import Timeline
from integrations.models import Connection
from leads.actions.routing.simulate_rules import request_simulation, simulate_rules
from leads.models import (
    Campaign,
    Company,
    JobRun,
    Lead,
    Opportunity,
    RoutingVersion,
    ScoringRule,
    ScoringRuleSet,
    User,
    WebhookEndpoint,
)
from leads.past.acting import Door, act, backdated
from leads.pure.refused import Refused

KIND, PERIOD = "seed_demo", "demo"
_CACHE_KIB = 400_000
"""Room for the whole of a transaction: with less SQLite writes pages out and reads them back many times."""
Say = Callable[[str], None]


class SeedRefused(Refused):
    """The database holds other data; the message says so."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to seed and where. `sandbox_data` None leaves the CRM's own file alone."""

    at: datetime
    out: Path
    url: str
    seed: int = 7
    leads: int = FULL_SIZE
    reports: int = 8
    sandbox_data: Path | None = None
    sandbox_url: str = "http://127.0.0.1:8081"
    sandbox_token: str = ""


@dataclass(slots=True)
class _Written:
    """Rows as they were written, in the order of the company's lists."""

    bulk: Bulk
    company: DemoCompany
    timeline: Timeline
    leads: list[Lead] = field(default_factory=list)
    deals: list[Opportunity] = field(default_factory=list)


def seed_demo(*, order: Order, say: Say) -> dict[str, Any]:
    """Make the demo complete, from wherever it is, and return the sign-ins that `order.out` holds afterwards."""
    if database.vendor == "sqlite":
        with database.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    job = JobRun.objects.filter(kind=KIND, period=PERIOD).first()
    if job is None:
        if Lead.objects.exists() or Campaign.objects.exists():
            raise SeedRefused("This database holds leads or campaigns already; the demo needs an empty one.")
        job = _write_company(order, say)
    if job.state != JobRun.State.DONE:
        _complete(order, job, say)
    _point_at_sandbox(order)
    users = list(User.objects.filter(email__endswith="@fernhill.example").order_by("pk"))
    return issue_sign_ins(users=users, out=order.out, url=order.url)


def _write_company(order: Order, say: Say) -> JobRun:
    """Everything below attribution and reports, in one transaction."""
    # The rows form no cycles, and looking for some among two million objects takes as long as writing them.
    gc.disable()
    try:
        return _write_all(order, say)
    finally:
        # What stays of it is what the process needs to its end.
        gc.freeze()
        gc.enable()


def _write_all(order: Order, say: Say) -> JobRun:
    company = _step(say, f"company of {order.leads:,} leads", lambda: build(order.seed, order.at, order.leads))
    written = _Written(Bulk(order.seed), company, Timeline(company.until))
    with transaction.atomic():
        past.lay_aside()
        _write_rows(order, written, say)
        _step(say, "what was known when", lambda: past.write_past(written.bulk, written.timeline))
        written.bulk.put_sequences_right()
        job = JobRun.objects.create(
            public_id=written.bulk.public_id(),
            kind=KIND,
            period=PERIOD,
            state=JobRun.State.RUNNING,
            message=f"seed {order.seed}, {order.leads} leads",
            created_at=order.at,
            started_at=order.at,
        )
    _step(say, "statistics for the query planner", _analyze)
    return job


def _write_rows(order: Order, written: _Written, say: Say) -> None:
    bulk, company = written.bulk, written.company
    ground = _step(say, "people, territories, plan", lambda: seed_settings.write_settings(bulk, company))
    histories = Histories(company, ground, written.timeline)
    _step(
        say,
        f"costs {len(company.costs):,}",
        lambda: seed_settings.write_costs(bulk, company, ground, lambda at: histories.note(at, FEED)),
    )
    intake, stories = _step(say, "scores, assignments, follow-ups", lambda: seed_people.live_through(company, ground))
    accounts = _step(say, "accounts", lambda: seed_people.write_accounts(bulk, company, intake, ground, histories))
    leads = written.leads = _step(
        say,
        f"leads {len(company.leads):,}",
        lambda: seed_people.write_leads(bulk, company, ground, accounts, intake, stories, histories),
    )
    _step(
        say,
        f"touchpoints {len(company.touches):,}",
        lambda: seed_touchpoints.write_touchpoints(bulk, company, ground, leads, histories),
    )
    verified = _step(
        say, "stories", lambda: seed_people.write_stories(bulk, company, ground, leads, stories, histories)
    )
    _step(
        say,
        "what reps wrote down",
        lambda: seed_desk.write_desk(bulk, company, leads, stories, verified, histories),
    )
    _step(say, "events", lambda: seed_people.write_events(bulk, company, ground, leads, stories, histories))
    seed_people.finish_reps(bulk, ground, intake)
    seed_settings.write_routing_draft(bulk, company, ground)
    deals = written.deals = _step(
        say,
        f"opportunities {len(company.deals):,}",
        lambda: seed_deals.write_opportunities(bulk, company, ground, accounts, leads, stories, histories),
    )
    seed_deals.write_changes(bulk, company, ground, deals, seed_crm.SLUG, histories)
    connection = seed_crm.write_connection(bulk, company, order.sandbox_url, order.sandbox_token)
    fields = _step(
        say,
        "links to the CRM",
        lambda: seed_crm.write_links(bulk, company, ground, connection, leads, deals),
    )
    if order.sandbox_data is not None:
        path = order.sandbox_data
        _step(
            say,
            "the sandbox CRM's own records",
            lambda: seed_crm.load_sandbox(path, company, ground.users, leads, deals, fields),
        )


def _complete(order: Order, job: JobRun, say: Say) -> None:
    """What is computed from the rows; every step may be repeated."""
    for name, step in AFTERWARDS:
        _step(say, name, partial(step, order))
    JobRun.objects.filter(pk=job.pk).update(state=JobRun.State.DONE, finished_at=order.at)


def _attribute(order: Order) -> None:
    """What data-driven methods learn, then credits of every opportunity, by contact and by account.

    A run that was interrupted keeps its lease; nobody else can be computing yet.
    """
    since = past.last_change()
    AttributionRules.objects.update(held_by=None, held_until=None, kept_scopes=["contacts", "account"])
    seed_accuracy.write_methods(order.at)
    fit_methods(at=order.at, reason="Demo data")
    run_attribution(at=order.at, reason="Demo data", kind="full")
    past.known_all_along([AttributionRules, CustomMethod, LiftTest, MethodFit], since=since)


def _publish(order: Order) -> None:
    """The reports of the last weeks, each as if on the Monday after it; those published already stay as they are."""
    company = Company.current()
    last = last_whole_week(order.at, company)
    for back in reversed(range(order.reports)):
        week = last.previous(back)
        at = week.bounds(company.tz)[1] + timedelta(hours=6)
        # Each look compares every earlier report as of its day; the newest report tells of all that was restated.
        with backdated(at), act(Door.JOB, source="Publish the weekly report", because="Scheduled work"):
            report = publish_report(week=week, at=at, looks_back=back == 0)
        seed_recommendations.answer(report, until=order.at)
    past.put_in_order([Recommendation])


def _aim(order: Order) -> None:
    """Weekly targets of this quarter and the last."""
    since = past.last_change()
    seed_targets.write_targets(order.at, order.leads)
    past.known_all_along([Target], since=since)


def _simulate(order: Order) -> None:
    """What the draft of the territory rules would do."""
    draft = RoutingVersion.objects.get(state=RoutingVersion.State.DRAFT)
    if not draft.simulations.exists():
        request_simulation(version=draft, by=draft.created_by, at=order.at)
    simulate_rules(clock=lambda: order.at)


def _coordinate(order: Order) -> None:
    """Owners, evidence and sign-offs of the integration points."""
    seed_points.write_points(order.at)
    past.put_in_order([IntegrationPoint, AcceptanceCriterion, Evidence, SignOff, CriterionEvent])


def _measure(order: Order) -> None:
    """What people say brought deals, and the three accuracies."""
    seed_accuracy.write_answers(order.at, order.seed)
    with backdated(order.at), act(Door.JOB, source="accuracy", because="Scheduled work"):
        seed_accuracy.measure(order.at, order.seed, is_whole=order.leads >= FULL_SIZE)
    past.put_in_order([SourceCheck])


def _build_forms(order: Order) -> None:
    """Forms on the web with what was sent in the last weeks, and the website they stand on."""
    seed_forms.write_forms(order.at, order.seed)


def _automate(order: Order) -> None:
    """The ready workflows, with what they did in the last weeks."""
    seed_workflows.write_workflows(order.at, order.seed)
    past.put_in_order(seed_workflows.CHANGED)


def _try_rules(order: Order) -> None:
    """A draft of the scoring rules, tried on past leads."""
    since = past.last_change()
    seed_scoring.write_draft(order.at)
    past.known_all_along([ScoringRuleSet, ScoringRule, Company], since=since)


def _tell(order: Order) -> None:
    """A receiver of webhooks, and what it is to be told."""
    since = past.last_change()
    seed_webhooks.write_webhooks(order.sandbox_url, order.seed, order.at)
    past.known_all_along([WebhookEndpoint], since=since)


def _compare(order: Order) -> None:
    """Leads that may be one person."""
    seed_webhooks.write_duplicates(order.at)


AFTERWARDS: list[tuple[str, Callable[[Order], object]]] = [
    ("scoring rules", _try_rules),
    ("forms", _build_forms),
    ("workflows", _automate),
    ("attribution", _attribute),
    ("accuracy", _measure),
    ("targets", _aim),
    ("simulation of territory rules", _simulate),
    ("weekly reports", _publish),
    ("integration points", _coordinate),
    ("webhooks", _tell),
    ("duplicates", _compare),
]


def _point_at_sandbox(order: Order) -> None:
    """The supervisor may give the CRM another port at each start; its token stays."""
    rows = Connection.objects.filter(slug=seed_crm.SLUG)
    if not rows.filter(base_url=order.sandbox_url).exists():
        rows.update(base_url=order.sandbox_url)
    WebhookEndpoint.objects.filter(name=seed_webhooks.NAME).update(url=f"{order.sandbox_url}/hooks")
    stored = rows.get()
    if order.sandbox_token and stored.secret != order.sandbox_token:
        rows.update(secret=order.sandbox_token, secret_set_at=order.at)


def _analyze() -> None:
    """Without these both databases read a freshly filled table from end to end.

    Of our tables alone: an ANALYZE of everything locks catalogs that all databases of a PostgreSQL server share, until
    the transaction ends, and waits as long for whoever did so before.
    """
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f'ANALYZE "{table}"')


def _step(say: Say, name: str, work: Callable[[], Any]) -> Any:
    begun = perf_counter()
    result = work()
    say(f"{name} … {perf_counter() - begun:.1f} s")
    return result


__all__ = ["Order", "SeedRefused", "seed_demo"]
