"""Members of a campaign: who was added, reached and responded, and what counts as a response."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from leads.actions.campaigns.add_members import MembersRefused, save_response
from leads.forms.members import ResponseForm
from leads.models import Campaign, TouchKind
from leads.queries.members import SORTS, STATUSES, counts, may_change_members, members, response_kinds
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
    rows: Any = members(campaign, user)
    if status in dict(STATUSES):
        rows = rows.filter(status=status)
    column = F(SORTS.get(sort.removeprefix("-"), "member_since"))
    is_down = sort.startswith("-") or sort.removeprefix("-") not in SORTS
    rows = rows.order_by(column.desc(nulls_last=True) if is_down else column.asc(nulls_last=True), "-pk")
    labels = dict(STATUSES)
    cells = (
        (lead.display_name, lead.email, lead.company, labels[lead.status], lead.member_since, lead.responded_at,
         lead.public_id)
        for lead in rows
    )  # fmt: skip
    if made := list_file(request, f"{campaign.name} members", _HEADER, lambda: cells):
        return made
    found = counts(campaign, user)
    context = {
        "campaign": campaign,
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "status": status,
        "statuses": [(key, label, found[key]) for key, label in STATUSES],
        "all": sum(found.values()),
        "responded": found["responded"],
        "kinds": [TouchKind(kind).label for kind in kinds],
        "form": form,
        "may_change": may_change_members(user),
    }
    return render(request, "leads/campaign_members.html", context, status=422 if form.errors else 200)
