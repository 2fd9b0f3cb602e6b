"""Score every lead by a version that was activated, in the background and with progress."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from leads.actions.lead_changes import LeadChanges
from leads.actions.scoring.score_lead import score_leads
from leads.actions.take_jobs import Clock, failing_openly, take_jobs
from leads.models import JobRun, Lead, ScoringRuleSet, User
from leads.past.acting import Door, act
from leads.queries.scoring import ready_rules

KIND = "scoring"
BATCH = 200  # so long nobody else writes on SQLite
GIVE_UP_AFTER = timedelta(minutes=5)
TURN = timedelta(seconds=20)
"""So long a worker is held; then the job waits for the next one, behind whatever else waits."""


def request_rescore(*, rule_set: ScoringRuleSet, by: User | None, at: datetime) -> JobRun:
    """A job that waits for a worker, in the transaction of the activation."""
    return JobRun.objects.create(
        kind=KIND,
        period=f"version {rule_set.version}",
        total=Lead.objects.live().count(),
        started_by=by,
        created_at=at,
    )


def retry_rescore() -> bool:
    """Let the newest job wait for a worker again if it failed; returns whether it did."""
    newest = JobRun.objects.filter(kind=KIND).order_by("-pk").first()
    if newest is None:
        return False
    failed = JobRun.objects.filter(pk=newest.pk, state=JobRun.State.FAILED)
    return failed.update(state=JobRun.State.WAITING, message="", finished_at=None) == 1


def rescoring_waits() -> bool:
    """Whether a job waits for its next turn."""
    return JobRun.objects.filter(kind=KIND, state=JobRun.State.WAITING).exists()


def rescore_leads(*, clock: Clock) -> int:
    """Work on what was requested for one turn, also on what a dead worker left; returns how many leads were looked at.

    Each batch notes how far the job is in its transaction, so that the next turn, or another worker after a kill, goes
    on there. A job whose version is no longer active ends: the next one looks at every lead anyway.
    """
    done = 0
    for job in take_jobs(kind=KIND, at=clock(), silence=GIVE_UP_AFTER):
        by = job.started_by
        with (
            failing_openly(job=job, clock=clock),
            act(Door.RULE, actor=by.pk if by else None, source=f"scoring rules, {job.period}", because="Rules changed"),
        ):
            done += _work(job, clock)
    return done


def _work(job: JobRun, clock: Clock) -> int:
    rules = ready_rules()
    if rules is None or job.period != f"version {rules.row.version}":
        message = "Another version was activated meanwhile"
        JobRun.objects.filter(pk=job.pk).update(state=JobRun.State.DONE, message=message, finished_at=clock())
        return 0
    count = {"last": 0, "done": 0, "changed": 0, "passed": 0} | job.progress
    looked_at, until = 0, clock() + TURN
    because = f"; the rules changed with version {rules.row.version}"
    live = Lead.objects.live().order_by("pk")
    while ids := list(live.filter(pk__gt=count["last"]).values_list("pk", flat=True)[:BATCH]):
        at = clock()
        with transaction.atomic():
            rows = Lead.objects.live().select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
            leads = list(rows.select_related("account", "channel"))
            changes = LeadChanges(at)
            scored = score_leads(leads=leads, at=at, rules=rules, because=because, changes=changes)
            for lead in scored.qualified:
                changes.set(lead, intake_due_at=at)  # assignment and follow-up are the intake's
            changes.write()
            count["last"] = ids[-1]
            count["done"] += len(ids)
            count["changed"] += scored.changed
            count["passed"] += len(scored.qualified)
            JobRun.objects.filter(pk=job.pk).update(done=count["done"], progress=count, beat_at=clock())
        looked_at += len(ids)
        if clock() >= until:
            JobRun.objects.filter(pk=job.pk).update(state=JobRun.State.WAITING)
            return looked_at
    JobRun.objects.filter(pk=job.pk).update(
        state=JobRun.State.DONE,
        total=count["done"],
        message=f"{count['done']:,} leads scored, {count['changed']:,} with other reasons or points, "
        f"{count['passed']:,} became MQLs",
        finished_at=clock(),
    )
    return looked_at
