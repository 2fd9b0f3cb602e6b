"""Merging a lead with another: find it, look at both side by side, confirm; and taking it back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads.actions.identity.merge_leads import MergeRefused, NotYours, merge_leads
from leads.actions.identity.preview_merge import preview_merge
from leads.actions.identity.unmerge_lead import unmerge_lead
from leads.filters.search import LeadFilter
from leads.forms.merge import FindLeadForm, MergeForm
from leads.models import Lead
from leads.queries.identity import likely_duplicates, may_merge
from leads.tasks import nudge_intake
from leads.views.doors import SignedInRequest

MOST_FOUND = 20


@login_required
@require_GET
def lead_merge(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Likely duplicates of a lead, and a search for any other."""
    lead = _lead(request, public_id)
    words = str(request.GET.get("q", "")).strip()
    others = _mergeable(request).exclude(pk=lead.pk)
    found: list[Lead] = []
    if words:
        rows = LeadFilter({"q": words}, queryset=others, request=request).qs
        found = list(rows.select_related("owner", "account").order_by("-captured_at", "pk")[: MOST_FOUND + 1])
    context = {
        "lead": lead,
        "likely": likely_duplicates(lead, others),
        "form": FindLeadForm(request.GET if words else None),
        "words": words,
        "found": found[:MOST_FOUND],
        "is_more": len(found) > MOST_FOUND,
    }
    return render(request, "leads/identity/lead_merge.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lead_merge_with(request: SignedInRequest, public_id: UUID, other_id: UUID) -> HttpResponse:
    """Both leads side by side, the first one living on; a POST merges them."""
    survivor, loser = _lead(request, public_id), _lead(request, other_id)
    user = request.user
    if survivor == loser:
        messages.error(request, "A lead cannot be merged with itself.")
        return redirect("leads:lead-merge", survivor.public_id)
    form = MergeForm(request.POST if request.method == "POST" else None)
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"].strip()
        try:
            merge_leads(survivor_id=survivor.pk, loser_id=loser.pk, by=user, at=timezone.now(), reason=reason)
        except MergeRefused as refusal:
            messages.error(request, str(refusal))
            status = 422
        else:
            nudge_intake()
            messages.success(request, f"{loser} is part of this lead now. The score follows in a moment.")
            return redirect(survivor)
    preview = preview_merge(survivor=survivor, loser=loser)
    context = {"lead": survivor, "other": loser, "preview": preview, "form": form}
    return render(request, "leads/identity/lead_merge_with.html", context, status=status)


@login_required
@require_POST
def lead_unmerge(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take back the merge of this lead into another."""
    user = request.user
    rows = Lead.objects.select_related("merged_into")
    lead = get_object_or_404(rows, public_id=public_id)
    survivor = lead.merged_into or lead
    is_seen = Lead.objects.visible_to(user).filter(pk=survivor.pk).exists()
    if not (is_seen and may_merge(user=user, leads=(survivor, lead))):
        raise PermissionDenied("Only admins, sales leaders and the owner of both leads may take a merge back.")
    try:
        unmerge_lead(loser_id=lead.pk, by=user, at=timezone.now())
    except NotYours as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    except MergeRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(survivor)
    nudge_intake()
    messages.success(request, f"{lead} and {survivor} are two leads again, as they were before.")
    return redirect(lead)


def _mergeable(request: SignedInRequest) -> QuerySet[Lead]:
    """Leads the person may merge: a rep sees only what they own."""
    return Lead.objects.visible_to(request.user)


def _lead(request: SignedInRequest, public_id: UUID) -> Lead:
    rows = _mergeable(request).select_related("account", "owner", "territory", "channel", "campaign")
    lead = get_object_or_404(rows, public_id=public_id)
    if not may_merge(user=request.user, leads=(lead,)):
        raise PermissionDenied("Only admins, sales leaders and the owner of both leads may merge them.")
    return lead
