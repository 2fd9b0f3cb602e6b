"""One opportunity: its facts, people, changes and the touches of its people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from leads.models import (
    Company,
    Opportunity,
    OpportunityChange,
    OpportunityContact,
    Touchpoint,
    User,
)
from leads.past.deemed import deemed_now
from leads.past.span import moment
from leads.pure.capture.bots import REASONS as EXCLUSIONS
from leads.pure.words import MISSING, days, money_exact
from leads.queries.deals import may_edit_deal, why_read_only
from leads.views.account_link import account_link
from leads.views.doors import SignedInRequest
from leads.views.past import asked_as_of

TOUCHES_SHOWN = 25
_TONES = {"won": "good", "lost": "bad", "open": "accent"}


@login_required
@require_GET
@asked_as_of
def opportunity_detail(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """A deal that the person may see; others are not found."""
    user = request.user
    contacts = OpportunityContact.objects.select_related("lead__channel").order_by("-is_primary", "pk")
    changes = OpportunityChange.objects.select_related("stage").order_by("changed_at", "pk")
    deals = Opportunity.objects.visible_to(user).select_related("account", "owner", "territory", "stage")
    deals = deals.prefetch_related(Prefetch("contacts", contacts), Prefetch("changes", changes))
    deal = get_object_or_404(deals, public_id=public_id)
    people = [contact.lead_id for contact in deal.contacts.all()]
    touches = Touchpoint.objects.filter(lead__in=people)
    context = {
        "deal": deal,
        "tone": _TONES[deal.status],
        "facts": list(_facts(deal, Company.current(), deemed_now(), user)),
        "contacts": [(contact, _lead_url(contact, user)) for contact in deal.contacts.all()],
        "changes": list(_changes(deal)),
        "touches": list(_touches(touches)),
        "touch_count": touches.count(),
        "journey_url": _journey_url(deal),
        **_editing(deal, user),
    }
    return render(request, "leads/opportunity_detail.html", context)


def _editing(deal: Opportunity, user: User) -> dict[str, Any]:
    """Whether the person may edit the deal, and if not why, in the present."""
    if moment() is not None or not may_edit_deal(user, deal):
        return {}
    why = why_read_only(deal)
    return {"may_edit": not why, "read_only": why}


def _facts(deal: Opportunity, company: Company, at: datetime, user: User) -> Iterator[tuple[str, Any]]:
    if deal.deleted_at:
        yield "Deleted in the CRM", f"{_day(deal.deleted_at, company)}: no figure counts it"
    yield "Account", account_link(deal.account, user) or None
    yield "Owner", deal.owner or "nobody"
    yield "Territory", deal.territory
    yield "Amount", "not known yet" if deal.amount_cents is None else money_exact(deal.amount_cents, deal.currency)
    if deal.currency != company.currency and deal.amount_cents is not None:
        known = deal.reporting_cents
        yield (
            f"In {company.currency}",
            "no exchange rate: left out of reports" if known is None else money_exact(known, company.currency),
        )
    yield "Stage", f"{deal.stage}, for {days((at - deal.stage_changed_at).total_seconds() // 86_400)}"
    yield "Opened", _day(deal.opened_at, company)
    if deal.closed_at:
        yield "Closed", _day(deal.closed_at, company)
    else:
        yield "Expected close", deal.expected_close_on and f"{deal.expected_close_on:%-d %b %Y}"
    yield "Age" if deal.closed_at is None else "Cycle", days(((deal.closed_at or at) - deal.opened_at).days)
    if deal.closed_at is None:
        yield "Forecast category", deal.get_forecast_category_display()
    if deal.lost_reason:
        yield "Lost because", deal.lost_reason
    if deal.won_reason:
        yield "Won because", deal.won_reason


def _day(at: datetime, company: Company) -> str:
    return f"{at.astimezone(company.tz):%-d %b %Y}"


def _changes(deal: Opportunity) -> Iterator[dict[str, Any]]:
    """The history, newest first, saying what each change changed."""
    entries = []
    before: OpportunityChange | None = None
    for change in deal.changes.all():
        amount = MISSING if change.amount_cents is None else money_exact(change.amount_cents, change.currency)
        same_stage = before is not None and before.stage_id == change.stage_id
        is_amount = same_stage and before is not None and before.amount_cents != change.amount_cents
        entries.append(
            {
                "at": change.changed_at,
                "title": f"Amount changed to {amount}" if is_amount else str(change.stage),
                "icon": {"won": "trophy", "lost": "x-circle"}.get(change.status, "arrow-up-right"),
                "tone": {"won": "good", "lost": "bad"}.get(change.status, ""),
                "body": f"{'Stage ' + str(change.stage) if is_amount else amount}"
                + (f" · {change.source}" if change.source else ""),
            }
        )
        before = change
    yield from reversed(entries)


def _touches(touches: QuerySet[Touchpoint]) -> Iterator[dict[str, Any]]:
    newest = touches.select_related("channel", "campaign", "lead").order_by("-occurred_at", "-pk")[:TOUCHES_SHOWN]
    for touch in newest:
        left_out = f" · earns no credit: {EXCLUSIONS.get(touch.exclusion, touch.exclusion)}" if touch.exclusion else ""
        through = " · ".join(str(part) for part in (touch.channel, touch.campaign, touch.lead) if part)
        yield {
            "at": touch.occurred_at,
            "title": touch.name or touch.get_kind_display(),
            "icon": "envelope" if touch.kind.startswith("email") else "megaphone",
            "body": f"{touch.get_kind_display()} · {through}{left_out}",
        }


def _lead_url(contact: OpportunityContact, user: User) -> str:
    """A rep may follow the link only to leads they own."""
    return contact.lead.get_absolute_url() if user.sees_all or contact.lead.owner_id == user.pk else ""


def _journey_url(deal: Opportunity) -> str:
    """The attribution app draws the journey, where it is installed; we only know its address."""
    try:
        return reverse("attribution:journey-fragment", args=[deal.public_id])
    except NoReverseMatch:
        return ""
