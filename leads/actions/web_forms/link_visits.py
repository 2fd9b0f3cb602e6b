"""Link visits: page views of a visitor who became known turn into touchpoints, those before the form included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from leads.actions.capture.capture import MAX_ITEMS, capture_batch
from leads.models import Lead, PageView, TouchKind, Touchpoint
from leads.pure.capture.captured import CapturedEvent, CapturedItem
from leads.pure.web_forms.owners import Known, owner_at
from leads.pure.web_forms.sessions import Session, View, is_over, sessions

# A touchpoint becomes visible some time after it was recorded, and a sweep may be late.
LOOK_BACK = timedelta(hours=2)
VISITORS = 200
SOURCE = "website"


def link_visits(*, at: datetime, since: datetime | None = None) -> int:
    """Make touchpoints of the sessions of known visitors; returns how many sessions. Repeats are harmless.

    ``since`` leaves out visitors of whom nothing is new since then. A session is written when it is over, or when the
    visitor said in it who they are.
    """
    done = 0
    for batch in _batches(_visitors(since)):
        with transaction.atomic():
            done += _link(batch, at)
    return done


def _visitors(since: datetime | None) -> list[str]:
    known = Touchpoint.objects.filter(visitor_id=OuterRef("visitor_id")).exclude(visitor_id="")
    unlinked = PageView.objects.filter(Exists(known), lead__isnull=True)
    if since is None:
        return sorted(set(unlinked.values_list("visitor_id", flat=True)))
    # Two questions, because each has an index of its own.
    told = Touchpoint.objects.filter(recorded_at__gte=since).exclude(visitor_id="").values("visitor_id")
    found = set(unlinked.filter(viewed_at__gte=since).values_list("visitor_id", flat=True))
    return sorted(found | set(unlinked.filter(visitor_id__in=told).values_list("visitor_id", flat=True)))


def _batches(visitors: Sequence[str]) -> Sequence[Sequence[str]]:
    return [visitors[start : start + VISITORS] for start in range(0, len(visitors), VISITORS)]


def _link(visitors: Collection[str], at: datetime) -> int:
    known = _known(visitors)
    views: dict[str, list[View]] = defaultdict(list)
    linked: set[int] = set()
    rows = PageView.objects.select_for_update().filter(visitor_id__in=visitors).order_by("pk")
    for row in rows:
        views[row.visitor_id].append(View(row.pk, row.viewed_at, row.page, row.referrer, row.user_agent, row.is_told))
        if row.lead_id:
            linked.add(row.pk)
    found: list[tuple[int, Session, str]] = []
    dropped: dict[int, list[int]] = defaultdict(list)
    for visitor, theirs in views.items():
        made = sessions(theirs)
        kept = {view.id for session in made for view in session.views}
        for session in made:
            owner = owner_at(known[visitor], session.started_at)
            new = [view.id for view in session.views if view.id not in linked]
            is_known = any(each.at >= session.started_at for each in known[visitor])
            if owner and new and (is_known or is_over(session, at)):
                dropped[owner] += new
                if len(new) == len(session.views):  # else it was written while it went on
                    found.append((owner, session, visitor))
        rest = [view.id for view in theirs if view.id not in kept and view.id not in linked]
        if rest and (owner := owner_at(known[visitor], theirs[0].at)):
            dropped[owner] += rest
    return _write(found, dropped, at)


def _known(visitors: Collection[str]) -> dict[str, list[Known]]:
    """By visitor, who they said they were and when."""
    rows = Touchpoint.objects.filter(visitor_id__in=visitors).exclude(kind=TouchKind.PAGE_VIEW)
    known: dict[str, list[Known]] = {visitor: [] for visitor in visitors}
    for visitor, lead, moment in rows.values_list("visitor_id", "lead_id", "occurred_at"):
        known[visitor].append(Known(moment, lead))
    return known


def _write(found: Sequence[tuple[int, Session, str]], views: dict[int, list[int]], at: datetime) -> int:
    leads = {lead.pk: lead for lead in Lead.objects.filter(pk__in=views)}
    # Who was merged into another has kept their address, by which capture finds the other.
    items = [_item(leads[lead], session, visitor) for lead, session, visitor in found]
    for start in range(0, len(items), MAX_ITEMS):
        capture_batch(items=items[start : start + MAX_ITEMS], source=SOURCE, at=at, keeps_submissions=False)
    for lead, ids in views.items():
        PageView.objects.filter(pk__in=ids).update(lead=lead)
    return len(found)


def _item(lead: Lead, session: Session, visitor: str) -> CapturedItem:
    event = CapturedEvent(
        kind=TouchKind.PAGE_VIEW,
        occurred_at=session.started_at,
        name=session.name,
        landing_page=session.landing_page,
        referrer=session.referrer,
        visitor_id=visitor,
        user_agent=session.views[0].user_agent,
        key=f"session\n{visitor}\n{session.started_at.isoformat()}",
    )
    return CapturedItem(event=event, email=lead.email or "", external_id="" if lead.email else lead.external_id or "")
