"""Opening a deal from a qualified lead, and editing one that no CRM keeps."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from leads.actions.deals.edit_opportunity import (
    Contact,
    DealEdit,
    DealRefused,
    edit_opportunity,
    open_opportunity,
)
from leads.forms.opportunity import OpportunityForm
from leads.models import Lead, Opportunity, User
from leads.pure.lifecycle import why_not
from leads.queries.deals import may_edit_deal, why_read_only
from leads.queries.lead import may_work
from leads.views.doors import SignedInRequest
from leads.views.lead_page import visible_lead

MOST_PEOPLE = 25


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def opportunity_add(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """A deal of an SQL."""
    lead, user = visible_lead(request, public_id), request.user
    if not may_work(user, lead):
        raise PermissionDenied("Only the owner, sales leaders and admins open a deal for a lead.")
    problem = why_not("open a deal for", lead.stage)
    form = OpportunityForm(request.POST or None, people=_people_of(user, lead), lead=lead)
    if request.method == "POST" and not problem and form.is_valid():
        try:
            deal = open_opportunity(lead_id=lead.pk, edit=_edit(form), by=user, source=str(user), at=timezone.now())
        except DealRefused as refusal:
            _refuse(form, refusal)
        else:
            messages.success(request, f"{deal.name} is open.")
            return redirect(deal)
    context = {"form": form, "lead": lead, "problem": problem}
    status = 422 if form.errors or (problem and request.method == "POST") else 200
    return render(request, "leads/deals/opportunity_form.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def opportunity_edit(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """The fields and people of a deal; a deal that a CRM keeps says so instead."""
    user = request.user
    rows = Opportunity.objects.visible_to(user).select_related("stage", "account").prefetch_related("contacts__lead")
    deal = get_object_or_404(rows, public_id=public_id)
    if not may_edit_deal(user, deal):
        raise PermissionDenied("Only the owner, sales leaders and admins edit a deal.")
    problem = why_read_only(deal)
    form = OpportunityForm(request.POST or None, people=_people_in(user, deal), deal=deal)
    if request.method == "POST" and not problem and form.is_valid():
        try:
            seen = datetime.fromisoformat(form.cleaned_data["seen"])
        except ValueError:
            seen = None
        try:
            edit_opportunity(
                opportunity_id=deal.pk, edit=_edit(form), by=user, source=str(user), at=timezone.now(), seen=seen
            )
        except DealRefused as refusal:
            _refuse(form, refusal)
        else:
            messages.success(request, "Saved.")
            return redirect(deal)
    context = {"form": form, "deal": deal, "problem": problem}
    status = 422 if form.errors or (problem and request.method == "POST") else 200
    return render(request, "leads/deals/opportunity_form.html", context, status=status)


def _edit(form: OpportunityForm) -> DealEdit:
    return DealEdit(form.values, [Contact(*part) for part in form.parts])


def _refuse(form: OpportunityForm, refusal: DealRefused) -> None:
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal.reason)


def _people_of(user: User, lead: Lead) -> list[Lead]:
    """The lead, and others of its account whom the person may see."""
    others = Lead.objects.visible_to(user).filter(account=lead.account_id, account__isnull=False).exclude(pk=lead.pk)
    return [lead, *others.order_by("-score", "pk")[: MOST_PEOPLE - 1]]


def _people_in(user: User, deal: Opportunity) -> list[Lead]:
    """Everybody in the deal, and others of its account whom the person may see."""
    present = [contact.lead for contact in deal.contacts.all()]
    others = Lead.objects.visible_to(user).filter(Q(account=deal.account_id), account__isnull=False)
    others = others.exclude(pk__in=[lead.pk for lead in present]).order_by("-score", "pk")
    return [*present, *others[: max(0, MOST_PEOPLE - len(present))]]
