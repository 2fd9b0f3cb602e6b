"""A rep's day: what is overdue, new, due today and without a plan, in the order to take it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from leads.models import Company, Lead
from leads.queries.my_day import TAKEN, coming_back, day_of, round_of, sections
from leads.queries.next_step import next_step
from leads.queries.scoring import bring_up_to_date
from leads.views.doors import SignedInRequest
from leads.views.lead_page import in_round, round_since, to_next

SHOWN = 10


@login_required
@require_GET
def my_day(request: SignedInRequest) -> HttpResponse:
    """The person's own leads with work in them, by sections; the first one begins the round."""
    at, company = timezone.now(), Company.current()
    found = sections(day_of(request.user, at, company), SHOWN)
    shown = [lead for section in found for lead in section.leads]
    bring_up_to_date(shown, at.astimezone(company.tz).date(), company.tz)
    left = sum(section.count for section in found if section.key in TAKEN)
    first = next((section.leads[0] for section in found if section.key in TAKEN), None)
    context = {
        "sections": [
            (section, [(lead, next_step(lead, at), in_round(lead.public_id, at)) for lead in section.leads])
            for section in found
        ],
        "back": list(coming_back(request.user, at, company)[:SHOWN]),
        "left": left,
        "start_url": in_round(first.public_id, at) if first else "",
        "today": at.astimezone(company.tz),
    }
    return render(request, "leads/lead/my_day.html", context)


@login_required
@require_GET
def my_day_next(request: SignedInRequest) -> HttpResponse:
    """Skip a lead: on to the one after it in the round."""
    since = round_since(request)
    lead = _skipped(request)
    if since is None or lead is None:
        return redirect("leads:my-day")
    left = round_of(request.user, timezone.now(), Company.current(), since)
    if not any(pk != lead.pk for pk, _ in left):
        messages.info(request, "No other lead is left.")
    return to_next(left, lead, since)


def _skipped(request: SignedInRequest) -> Lead | None:
    try:
        public_id = UUID(request.GET.get("after", ""))
    except ValueError:
        return None
    return Lead.objects.visible_to(request.user).filter(public_id=public_id).first()
