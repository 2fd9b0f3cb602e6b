"""Owe the CRMs what changed about leads since the last look."""

from __future__ import annotations

from datetime import datetime, timedelta

from integrations.actions.lead_facts import Since, changed_since
from integrations.actions.push.enqueue import enqueue_leads, enqueue_news
from integrations.models import FieldMap, RecordKind
from leads.models import JobRun, LeadEvent
from leads.past.news import changed_moments
from leads.past.settled import settled_at_once

_KIND = "crm-changes"
_CLOCK, _COMMITS = "followed up to", "committed up to"
# So much is read again, which changes nothing; the first look reaches back as far.
OVERLAP = timedelta(minutes=10)


def follow_changes(*, at: datetime) -> int:
    """Enqueue the leads that changed since the last call; returns the rows written. Repeats are harmless.

    News is read by the moments of its commits, up to a settled one: an import stamps a batch when it begins, and may
    end it any time later.
    """
    until = settled_at_once()
    by_clock, by_commits = _mark(_CLOCK, at), _mark(_COMMITS, until)
    seen = by_commits or min(by_clock or until, until) - OVERLAP
    since = Since(clock=(by_clock or at) - OVERLAP, commits=seen)
    written = enqueue_news(events=changed_moments(LeadEvent, since=seen - OVERLAP, until=until), at=at)
    # Facts that the mapping names and that change without news of the lead.
    pushed = FieldMap.objects.filter(connection__is_active=True, kind=RecordKind.PERSON)
    names = set(pushed.values_list("local", flat=True))
    written += enqueue_leads(lead_ids=changed_since(since=since, names=names), at=at, reason="news of its campaigns")
    for period, moment in ((_CLOCK, at), (_COMMITS, until)):
        JobRun.objects.filter(kind=_KIND, period=period).update(finished_at=moment)
    return written


def _mark(period: str, at: datetime) -> datetime | None:
    """Up to where the last call came; None at the first."""
    values = {"created_at": at, "state": JobRun.State.DONE}
    mark, _ = JobRun.objects.get_or_create(kind=_KIND, period=period, defaults=values)
    return mark.finished_at
