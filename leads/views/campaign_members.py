"""Members of a campaign: who was added, reached and responded, and what counts as a response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from leads.actions.campaigns.add_members import MembersRefused, save_response
from leads.forms.members import ResponseForm
from leads.models import Campaign, TouchKind
from leads.queries.members import STATUSES, Members, may_change_members, response_kinds, with_leads
from leads.views.doors import SignedInRequest, allowed
from leads.views.list_file import list_file

PAGE_SIZE = 25
_HEADER = ("Lead", "Email", "Company", "Status", "Member since", "Responded", "Lead ID")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def campaign_members(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """The members, as filtered; POST says what counts as a response."""
    user = request.user
    campaign = get_object_or_404(Campaign.objects.select_related("channel"), public_id=public_id)
    kinds = response_kinds(campaign)
    form = ResponseForm(request.POST if request.method == "POST" else None, initial={"kinds": kinds})
    if request.method == "POST":
        allowed(request, may_change_members, "Admins and marketing directors say what counts as a response.")
        if form.is_valid():
            try:
                save_response(campaign=campaign, kinds=form.cleaned_data["kinds"], by=user, at=timezone.now())
            except MembersRefused as refused:
                form.add_error("kinds", str(refused))
            else:
                messages.success(request, "Saved. Statuses follow from it at once.")
                return redirect("leads:campaign-members", public_id)
    status, sort = request.GET.get("status", ""), request.GET.get("sort", "")
    members, labels = Members(campaign, user, kinds), dict(STATUSES)

    def cells() -> Iterator[tuple[Any, ...]]:
        for each, lead in with_leads(members.ordered(sort, status)):
            yield (lead.display_name, lead.email, lead.company, labels[each.status], each.since, each.responded_at,
                   lead.public_id)  # fmt: skip

    if made := list_file(request, f"{campaign.name} members", _HEADER, cells):
        return made
    found = members.counts()
    page = Paginator(range(found.get(status, sum(found.values()))), PAGE_SIZE).get_page(request.GET.get("page"))
    listed = members.ordered(sort, status, page.start_index() - 1, page.end_index()) if page.object_list else []
    context = {
        "campaign": campaign,
        "page": page,
        "members": with_leads(listed),
        "status": status,
        "statuses": [(key, label, found[key]) for key, label in STATUSES],
        "all": sum(found.values()),
        "responded": found["responded"],
        "kinds": [TouchKind(kind).label for kind in kinds],
        "form": form,
        "may_change": may_change_members(user),
    }
    return render(request, "leads/campaign_members.html", context, status=422 if form.errors else 200)
