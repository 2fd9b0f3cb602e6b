"""The agreement check: what brought a won deal, asked of people before they see what methods say."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from attribution.actions.accuracy.check_accuracy import agrees_with, credited_most
from attribution.actions.accuracy.record_source_check import CheckRefused, record_source_check
from attribution.forms.accuracy import NOBODY, AnswerForm
from attribution.models import SourceCheck
from attribution.queries.agreement import deals_to_check, may_answer, unanswered
from attribution.queries.rules import methods
from leads.models import Campaign, Channel, Opportunity, User
from leads.views.doors import SignedInRequest, allowed
from leads.views.list_file import list_file

PAGE_SIZE = 20


@login_required
@require_GET
def agreement(request: SignedInRequest) -> HttpResponse:
    """The sample: what is answered, and what waits for the reader."""
    user = request.user
    seen = deals_to_check(timezone.now()).visible_to(user)
    total = seen.count()
    waiting = list(unanswered(seen).select_related("owner", "account"))
    lines = [(deal.name, deal.account, deal.owner, deal.closed_at) for deal in waiting]
    if made := list_file(request, "deals to answer", ("Deal", "Account", "Owner", "Won"), lambda: lines):
        return made
    context = {
        "total": total,
        "answered": total - len(waiting),
        "page": Paginator(waiting, PAGE_SIZE).get_page(request.GET.get("page")),
        "may_answer": may_answer(user),
        "self_reported": SourceCheck.objects.filter(origin=SourceCheck.Origin.SELF_REPORTED).count(),
        "next": waiting[0] if waiting else None,
    }
    return render(request, "attribution/accuracy/agreement.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def agreement_check(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """One deal: first the question, and only after the answer what the methods say."""
    user = allowed(request, may_answer, "Sales leaders and owners of the deal answer.")
    deals = Opportunity.objects.visible_to(user).won().select_related("account", "owner")
    deal = get_object_or_404(deals, public_id=public_id)
    checks = deal.source_checks.filter(origin=SourceCheck.Origin.SALES)
    check = checks.select_related("campaign", "channel", "answered_by").first()
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            record_source_check(
                opportunity=deal,
                origin=SourceCheck.Origin.SALES,
                campaign=None if given["channel"] == NOBODY else given["campaign"],
                channel=form.channels.get(given["channel"]),
                note=given["note"],
                by=user,
                at=timezone.now(),
            )
        except CheckRefused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Thank you. This is what the models say.")
            return redirect("attribution:agreement-check", deal.public_id)
    context = {"deal": deal, "check": check, "form": form, "said": _said(deal, check) if check else []}
    context["next"] = _next(user) if check else None
    return render(request, "attribution/accuracy/agreement_check.html", context, status=422 if form.errors else 200)


def _next(user: User) -> Opportunity | None:
    return unanswered(deals_to_check(timezone.now()).visible_to(user)).first()


def _said(deal: Opportunity, check: SourceCheck) -> list[dict[str, Any]]:
    """What every method credits most, and whether that is what was answered."""
    found = credited_most(deals=[deal.pk])
    offered = methods()
    places = {method.key: found[method.key].get(deal.pk) for method in offered}
    campaigns = Campaign.objects.in_bulk({place[0] for place in places.values() if place and place[0]})
    channels = Channel.objects.in_bulk({place[1] for place in places.values() if place and place[1]})
    is_known = check.channel_id is not None
    rows = []
    for method in offered:
        place = places[method.key]
        campaign, channel = (campaigns.get(place[0] or 0), channels.get(place[1] or 0)) if place else (None, None)
        rows.append(
            {
                "name": method.name,
                "campaign": campaign or channel or "nothing",
                "channel": channel if campaign else "",
                "is_known": is_known,
                "agrees": is_known and agrees_with(said=(check.campaign_id, check.channel_id), credited=place),
            }
        )
    return rows
