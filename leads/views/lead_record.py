"""Adding and editing a lead, and giving it to somebody else."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leads.actions.capture.add_lead import AddRefused, add_lead
from leads.actions.identity.edit_lead import LeadEditRefused, edit_lead
from leads.actions.routing.reassign_lead import reassign_lead
from leads.actions.routing.undo_transfer import request_undo, undo_at_once
from leads.forms.lead import LeadForm, NewLeadForm, ReassignForm
from leads.models import Lead, Role, User
from leads.queries.lead import may_edit
from leads.tasks import nudge_intake
from leads.views.doors import SignedInRequest, telling
from leads.views.lead_page import changed, last_reassigned, visible_lead


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lead_add(request: SignedInRequest) -> HttpResponse:
    """A new lead; score, territory and owner follow as for every captured one."""
    user = request.user
    form = NewLeadForm(request.POST or None, by=user)
    if request.method == "POST" and form.is_valid():
        owner = form.cleaned_data.get("owner") or (user if user.role == Role.SALES_REP else None)
        try:
            lead = add_lead(details=form.values, owner=owner, by=user, at=timezone.now())
        except AddRefused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.reason)
        else:
            nudge_intake()
            messages.success(request, f"{lead.display_name} is added. The score follows in a moment.")
            return redirect(lead)
    return render(request, "leads/lead/lead_form.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lead_edit(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """The fields of a lead that people may edit; every change is kept with who made it."""
    lead, user = visible_lead(request, public_id), request.user
    if not may_edit(user, lead):
        raise PermissionDenied("Only the owner, sales leaders, marketing and admins edit a lead.")
    form = LeadForm(request.POST or None, lead=lead)
    if request.method == "POST" and form.is_valid():
        try:
            written = edit_lead(
                lead_id=lead.pk, values=form.values, source=f"Portal: {user}", at=timezone.now(), by=user
            )
        except LeadEditRefused as refusal:
            for name, why in refusal.fields.items():
                form.add_error(name, why)
        else:
            if written:
                nudge_intake()
                messages.success(request, f"Saved: {_fields(written)}.")
            return redirect(lead)
    context = {"form": form, "lead": lead}
    return render(request, "leads/lead/lead_form.html", context, status=422 if form.errors else 200)


def _fields(names: Iterable[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


@login_required
@require_POST
def lead_reassign(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Give a lead to somebody else, with a reason."""
    form = ReassignForm(request.POST, lead=visible_lead(request, public_id), auto_id="reassign_%s")

    def change(lead: Lead, user: User) -> str:
        to = form.cleaned_data["to"]
        reassign_lead(lead=lead, to=to, reason=form.cleaned_data["reason"], by=user, at=timezone.now())
        return f"{lead.display_name} now belongs to {to}, open follow-ups included."

    return changed(request, public_id, change, reassign_form=form)


@login_required
@require_POST
def lead_give_back(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Give a lead back to whom it was taken from."""
    lead, user, at = visible_lead(request, public_id), request.user, timezone.now()
    item = last_reassigned(lead, user)
    if item is None:
        raise PermissionDenied("Nothing can be given back, or not by you.")
    with telling(request):
        transfer = request_undo(transfer=item.transfer, reason="Given back on the lead's page", by=user, at=at)
        undo_at_once(transfer=transfer, at=at)
        messages.success(request, f"{lead.display_name} is with {item.from_owner or 'nobody'} again.")
    is_seen = Lead.objects.visible_to(user).filter(pk=lead.pk).exists()
    return redirect(lead) if is_seen else redirect("leads:lead-list")
