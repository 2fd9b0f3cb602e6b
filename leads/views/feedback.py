"""Sales feedback: acceptance and rejection by campaign and source, and the rules that rejections propose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leads.actions.handover.dismiss_proposal import dismiss_proposal
from leads.figures.base import Scope, figure
from leads.figures.feedback import Feedback, proposed
from leads.figures.feedback import feedback as feedback_of
from leads.figures.words import figure_url, value_text
from leads.forms.scope import ScopeForm
from leads.models import Campaign, Channel, Company, DismissedProposal, RejectionReason, Role, User
from leads.past.deemed import deemed_now
from leads.past.span import moment
from leads.pure.proposed_rules import Proposal, words
from leads.pure.words import share
from leads.views.doors import SignedInRequest, allowed, telling
from leads.views.filters import refused_filters
from leads.views.list_file import list_file
from leads.views.past import asked_as_of, has_filters

PAGE_SIZE = 25
FILTERS = ("channel", "campaign", "territory", "owner")
TILES = ("leads.acceptance_rate", "leads.rejection_rate", "leads.rejection_reasons", "leads.sent_back")
_HEADER = ("Campaign or source", "Accepted", "Rejected", "Rejection rate", "From", "To", "Reasons")


def _reader(request: SignedInRequest) -> User:
    if not request.user.sees_all:
        raise PermissionDenied("Sales feedback is about the whole company.")
    return request.user


@login_required
@require_GET
@asked_as_of
@has_filters
def feedback(request: SignedInRequest) -> HttpResponse:
    """How sales answered the MQLs of the period, and what a year of answers proposes."""
    user, company, at = _reader(request), Company.current(), deemed_now()
    form = ScopeForm(request.GET, company=company, at=at, only=FILTERS)
    if refusal := refused_filters(request, form, title="Sales feedback"):
        return refusal
    scope = form.scope(user)
    by: Any = "channel" if request.GET.get("by") == "channel" else "campaign"
    rows = feedback_of(scope, by)
    if made := list_file(request, "sales feedback", _HEADER, lambda: _lines(rows)):
        return made
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    is_past = moment() is not None
    dismissed = [] if is_past else list(DismissedProposal.objects.select_related("by").order_by("-dismissed_at"))
    keys = {each.key for each in dismissed}
    found = [] if is_past else [each for each in proposed(scope) if each.key not in keys]
    named = _names(found)
    context = {
        "form": form,
        "by": by,
        "tiles": [_tile(key, scope) for key in TILES],
        "page": page,
        "rows": [_row(each) for each in page],
        "proposals": [_told(each, named) for each in found],
        "dismissed": dismissed,
        "is_past": is_past,
        "may_decide": user.has_role(Role.MARKETING_DIRECTOR, Role.ADMIN),
    }
    return render(request, "leads/handover/feedback.html", context)


def _tile(key: str, scope: Scope) -> dict[str, str]:
    found = figure(key, scope)
    return {"name": found.definition.name, "value": value_text(found), "url": figure_url(key, scope)}


def _row(each: Feedback) -> dict[str, Any]:
    return {
        "name": each.name,
        "accepted": each.accepted,
        "decided": each.decided,
        "rejected": each.rejected,
        "rejected_url": figure_url("leads.rejection_reasons", each.scope),
        "decided_url": figure_url("leads.acceptance_rate", each.scope, part="denominator"),
        "rate": share(each.rate),
        "rate_url": figure_url("leads.rejection_rate", each.scope),
        "interval": f"{share(each.interval.low, 0)} to {share(each.interval.high, 0)}",
        "reasons": each.named_reasons,
    }


def _lines(rows: Sequence[Feedback]) -> Iterator[tuple[Any, ...]]:
    for each in rows:
        reasons = "; ".join(f"{reason} {count}" for reason, count in each.named_reasons)
        limits = each.interval
        yield each.name, each.accepted, each.rejected, each.rate, limits.low, limits.high, reasons


def _names(found: Sequence[Proposal]) -> dict[tuple[str, str], str]:
    """Names of the channels and campaigns that conditions speak of."""
    asked = {(name, value) for each in found for name, operator, value in each.conditions if operator == "is"}
    channels = [value for name, value in asked if name == "channel"]
    campaigns = [value for name, value in asked if name == "campaign"]
    named = {
        ("channel", key): name for key, name in Channel.objects.filter(key__in=channels).values_list("key", "name")
    }
    rows = Campaign.objects.filter(public_id__in=campaigns).values_list("public_id", "name")
    return named | {("campaign", str(key)): name for key, name in rows}


def _told(each: Proposal, named: dict[tuple[str, str], str]) -> dict[str, Any]:
    return {
        "key": each.key,
        "words": words(each.conditions, named),
        "decided": each.decided,
        "rejected": each.rejected,
        "rate": share(each.rate, 0),
        "interval": f"{share(each.interval.low, 0)} to {share(each.interval.high, 0)}",
        "sqls": each.sqls,
        "all_sqls": each.all_sqls,
        "reasons": [(str(RejectionReason(reason).label), count) for reason, count in each.reasons],
    }


@login_required
@require_POST
def proposal_dismiss(request: SignedInRequest) -> HttpResponse:
    """Propose a rule no more."""
    user = allowed(request, _decides, "Marketing and admins decide about rules.")
    with telling(request):
        row = dismiss_proposal(
            key=str(request.POST.get("key", "")),
            words=str(request.POST.get("words", "")),
            reason=str(request.POST.get("reason", "")),
            by=user,
            at=timezone.now(),
        )
        messages.success(request, f"“{row.words}” is not proposed any more.")
    return redirect("leads:feedback")


@login_required
@require_POST
def proposal_restore(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Propose a dismissed rule again."""
    allowed(request, _decides, "Marketing and admins decide about rules.")
    get_object_or_404(DismissedProposal, public_id=public_id).delete()
    return redirect("leads:feedback")


def _decides(user: User) -> bool:
    return user.has_role(Role.MARKETING_DIRECTOR, Role.ADMIN)
