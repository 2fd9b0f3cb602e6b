"""Intake: score, assign, plan the follow-up, in that order, for leads that capture left waiting."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from leads.actions.follow_up.plan_follow_up import plan_follow_ups
from leads.actions.lead_changes import LeadChanges, collected
from leads.actions.routing.assign_lead import assign_leads
from leads.actions.scoring.score_lead import Scored, score_leads
from leads.actions.take_due import take_due
from leads.models import Lead
from leads.queries.in_force import InForce, in_force
from leads.queries.lead import LeadStory
from leads.queries.scoring import Shown, rules_in_force

log = structlog.get_logger(__name__)

# On SQLite, where one writes at a time, nobody waits long behind a chunk.
CHUNK = 500
_RELATED = ("account", "channel", "owner__working_hours", "territory")
# A lead for whom no rep was available is tried again soon while it is fresh, ever more rarely later.
SOONEST_RETRY, LATEST_RETRY = timedelta(minutes=15), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Done:
    """What intake did: the leads as they are now by key, what is shown of their scores, and what else it decided of
    those that are new."""

    leads: Mapping[int, Lead]
    stories: Mapping[int, LeadStory]
    shown: Mapping[int, Shown]


def run_intake(
    *,
    lead_ids: Collection[int],
    at: datetime,
    settings: InForce | None = None,
    new: Collection[Lead] = (),
    changes: LeadChanges | None = None,
) -> Done:
    """Do what intake owes these leads; merged ones are left out. Running it twice changes nothing.

    One transaction. Leads without an available rep keep their territory and a later ``intake_due_at``. Leads that are
    ``new``, made in this very transaction, come as they are and are not read again; the ``changes`` so far come with
    them, and the caller writes them.
    """
    with transaction.atomic(savepoint=False):
        known = set(lead_ids) - {lead.pk for lead in new}
        rows: list[Lead] = []
        if known:
            found = Lead.objects.live().select_for_update(of=("self",)).filter(pk__in=known)
            rows = list(found.select_related(*_RELATED).order_by("pk"))
        with collected(at, changes) as wanted:
            for lead in rows:
                if lead.account_id in wanted.accounts:
                    lead.account = wanted.accounts[lead.account_id]  # which is not written yet
            leads = sorted([*rows, *new], key=lambda lead: lead.pk)
            shown = _run(leads, at, wanted, settings or in_force())
    made = {lead.pk for lead in new}
    return Done(
        {lead.pk: lead for lead in leads},
        {pk: wanted.stories.get(pk, LeadStory()) for pk in made},
        shown,
    )


def finish_intake(*, at: datetime, limit: int = 2000) -> int:
    """Do what is due of the intake, oldest first, in chunks of their own transaction; returns how many leads.

    Several may run at once: each takes rows that nobody else holds. A lead that fails is put off and logged, so that
    it does not keep the others waiting.
    """
    return take_due(
        due=lambda most: _due_ids(at, most),
        take=_take,
        take_alone=_take_alone,
        at=at,
        chunk=CHUNK,
        limit=limit,
        failure="intake_chunk_failed",
    )


def _due_ids(at: datetime, limit: int) -> list[int]:
    due = Lead.objects.live().awaiting_intake().filter(intake_due_at__lte=at)
    return list(due.order_by("intake_due_at", "pk").values_list("pk", flat=True)[:limit])


def _take(ids: Sequence[int], at: datetime) -> int:
    with transaction.atomic():
        free = Lead.objects.live().select_for_update(skip_locked=True, of=("self",))
        rows = free.filter(pk__in=ids, intake_due_at__lte=at).order_by("pk")
        leads = list(rows.select_related(*_RELATED))
        with collected(at) as changes:
            _run(leads, at, changes, in_force())
        return len(leads)


def _take_alone(lead_id: int, at: datetime) -> int:
    try:
        return _take([lead_id], at)
    except Exception:
        log.exception("intake_failed", lead=lead_id)
        return Lead.objects.filter(pk=lead_id).update(intake_due_at=at + SOONEST_RETRY)


def _run(leads: list[Lead], at: datetime, changes: LeadChanges, settings: InForce) -> Mapping[int, Shown]:
    """Scores, assigns and plans; returns what is shown of each lead's score. The caller writes the changes."""
    if not leads:
        return {}
    rules = rules_in_force(settings)
    scored = score_leads(leads=leads, at=at, rules=rules, changes=changes) if rules else Scored()
    without_rep = assign_leads(leads=leads, at=at, settings=settings, changes=changes)
    plan_follow_ups(leads=leads, at=at, company=settings.company, changes=changes)
    for lead in leads:
        next_try = _tried_again(lead, without_rep[lead.pk], at) if lead.pk in without_rep else None
        changes.set(lead, intake_due_at=next_try)
    return scored.shown


def _tried_again(lead: Lead, starts_at: datetime | None, at: datetime) -> datetime:
    """When the next try is: once a rep starts work, or sooner while the lead is fresh, for somebody may come back."""
    retry = at + min(max((at - lead.captured_at) / 2, SOONEST_RETRY), LATEST_RETRY)
    return min(starts_at, retry) if starts_at else retry
