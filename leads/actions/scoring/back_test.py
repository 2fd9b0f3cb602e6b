"""Back-test: try a version of the rules on past leads, beside the active one, in the background and with progress."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from leads.actions.scoring.version_scoring import check_rules
from leads.actions.take_jobs import Clock, failing_openly, take_jobs
from leads.models import BackTest, Company, JobRun, Lead, ScoringRule, ScoringRuleSet, User
from leads.pure.refused import Refused
from leads.pure.scoring.back_test import Judge, Tally, is_outcome, summary
from leads.pure.week import Period
from leads.queries.past_facts import past_leads
from leads.queries.scoring import active_rule_set, rule_set_of

KIND = "scoring_back_test"
BATCH = 500
GIVE_UP_AFTER = timedelta(minutes=5)
MOST_MOVES = 20_000


class BackTestRefused(Refused):
    """The rules cannot be tried so; the message tells why."""


def request_back_test(
    *, rule_set_id: int, first_day: date, last_day: date, horizon_days: int, by: User | None, at: datetime
) -> BackTest:
    """A job that waits for a worker. Raises BackTestRefused, VersionRefused for rules that can never be scored."""
    rule_set = ScoringRuleSet.objects.get(pk=rule_set_id)
    active = active_rule_set()
    if active is None:
        raise BackTestRefused("No version is active to compare with.")
    today = at.astimezone(Company.current().tz).date()
    if last_day < first_day:
        raise BackTestRefused("The last day lies before the first.")
    if last_day + timedelta(days=horizon_days) > today:
        raise BackTestRefused(
            f"Leads need {horizon_days} days to become an SQL: the last day can be"
            f" {today - timedelta(days=horizon_days):%-d %b %Y} at the latest."
        )
    check_rules(rule_set=rule_set)
    if JobRun.objects.unfinished().filter(kind=KIND, period__startswith=f"version {rule_set.version},").exists():
        raise BackTestRefused("A back-test of this version is running already.")
    repeats = JobRun.objects.filter(kind=KIND, period__startswith=f"version {rule_set.version},").count()
    try:
        with transaction.atomic():
            job = JobRun.objects.create(
                kind=KIND, period=f"version {rule_set.version}, time {repeats + 1}", started_by=by, created_at=at
            )
            return BackTest.objects.create(
                rule_set=rule_set,
                compared_with=active,
                job=job,
                first_day=first_day,
                last_day=last_day,
                horizon_days=horizon_days,
                asked_by=by,
                asked_at=at,
                digest=rules_digest(rule_set=rule_set),
            )
    except IntegrityError:
        raise BackTestRefused("Somebody else has just started this.") from None


def rules_digest(*, rule_set: ScoringRuleSet) -> str:
    """What tells whether the rules have changed since they were tried."""
    limits = [
        rule_set.fit_threshold,
        rule_set.behaviour_threshold,
        rule_set.fit_cap,
        rule_set.behaviour_cap,
        rule_set.half_life_days,
    ]
    columns = ("group", "conditions", "points", "max_times", "half_life_days", "is_enabled")
    rows = ScoringRule.objects.filter(rule_set=rule_set).order_by("position", "pk").values_list(*columns)
    return hashlib.sha256(json.dumps([limits, [list(row) for row in rows]], sort_keys=True).encode()).hexdigest()


def run_back_tests(*, clock: Clock) -> int:
    """Work on what was requested, also on what a dead worker left; returns how many leads were tried."""
    tried = 0
    for job in take_jobs(kind=KIND, at=clock(), silence=GIVE_UP_AFTER):
        test = BackTest.objects.select_related("rule_set", "compared_with").get(job=job)
        with failing_openly(job=job, clock=clock):
            tried += _try(test, job, clock)
    return tried


def _try(test: BackTest, job: JobRun, clock: Clock) -> int:
    company = Company.current()
    horizon = timedelta(days=test.horizon_days)
    judges = [Judge(rule_set_of(row), horizon) for row in (test.rule_set, test.compared_with)]
    tallies = [Tally(), Tally()]
    properties = judges[0].rule_set.properties | judges[1].rule_set.properties
    sample = Lead.objects.live().filter(**_created(test, company)).order_by("pk")
    total = sample.count()
    JobRun.objects.filter(pk=job.pk).update(total=total, done=0)
    last = done = outcomes = 0
    moves: list[list[Any]] = []
    while ids := list(sample.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        for past in past_leads(ids, properties, company.tz):
            draft, active = (judge(past) for judge in judges)
            tallies[0].add(past, draft, horizon)
            tallies[1].add(past, active, horizon)
            has_outcome = is_outcome(past, horizon)
            outcomes += has_outcome
            if (draft.qualified_on is None) != (active.qualified_on is None) and len(moves) < MOST_MOVES:
                days = [each and each.isoformat() for each in (active.qualified_on, draft.qualified_on)]
                moves.append([past.lead, *days, active.total, draft.total, has_outcome])
        last, done = ids[-1], done + len(ids)
        JobRun.objects.filter(pk=job.pk).update(done=done, beat_at=clock())
    weeks = _weeks(test)
    told = [summary(tally, n=done, outcomes=outcomes, weeks=weeks, capacity=company.mqls_per_week) for tally in tallies]
    BackTest.objects.filter(pk=test.pk).update(
        result={
            "leads": done,
            "outcomes": outcomes,
            "capacity": company.mqls_per_week,
            "first_week": weeks[0].isoformat() if weeks else None,
            "draft": told[0],
            "active": told[1],
        },
        moves=moves,
    )
    JobRun.objects.filter(pk=job.pk).update(
        state=JobRun.State.DONE, total=done, message=f"{done:,} leads tried", finished_at=clock()
    )
    return done


def _created(test: BackTest, company: Company) -> dict[str, datetime]:
    period = Period.of_dates(test.first_day, test.last_day + timedelta(days=1), company.tz)
    return {"captured_at__gte": period.start, "captured_at__lt": period.end}


def _weeks(test: BackTest) -> list[date]:
    """Mondays of the whole weeks of the period in which leads are created."""
    monday = test.first_day + timedelta(days=-test.first_day.weekday() % 7)
    weeks = []
    while monday + timedelta(days=6) <= test.last_day:
        weeks.append(monday)
        monday += timedelta(days=7)
    return weeks
