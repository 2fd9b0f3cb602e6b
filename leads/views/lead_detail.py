"""A lead's page: facts, score with reasons, the whole story on one line of time, and what the owner does next."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leads.actions.follow_up.complete_follow_up import FollowUpRefused, complete_follow_up
from leads.actions.follow_up.log_activity import log_activity
from leads.actions.follow_up.promise_follow_up import promise_follow_up
from leads.actions.handover.accept_lead import accept_lead
from leads.actions.handover.reject_lead import reject_lead
from leads.forms.lead import CompleteFollowUpForm, LogForm, PromiseForm, RejectForm
from leads.models import Activity, Company, FollowUp, Lead, User
from leads.pure.calendar import opening_in
from leads.queries.identity import survivors
from leads.views.doors import SignedInRequest
from leads.views.lead_page import changed, lead_page, visible_lead
from leads.views.past import asked_as_of


@login_required
@require_GET
@asked_as_of
def lead_detail(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """One lead that the person may see; a merged one leads on to the survivor, others are not found."""
    try:
        lead = visible_lead(request, public_id)
    except Http404:
        return _lead_on(request, public_id)
    return lead_page(request, lead)


def _lead_on(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    merged = get_object_or_404(Lead, public_id=public_id, merged_into__isnull=False)
    survivor = get_object_or_404(Lead.objects.visible_to(request.user), pk=survivors([merged.pk])[merged.pk])
    messages.info(request, f"{merged} was merged into this lead; what was known of both is here.")
    return redirect(survivor)


@login_required
@require_POST
def lead_accept(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Sales takes the MQL."""

    def change(lead: Lead, user: User) -> str:
        accept_lead(lead_id=lead.pk, by=user, at=timezone.now())
        return f"{lead.display_name} is accepted."

    return changed(request, public_id, change)


@login_required
@require_POST
def lead_reject(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Sales sends the MQL back with a reason."""
    form = RejectForm(request.POST)

    def change(lead: Lead, user: User) -> str:
        reject_lead(lead_id=lead.pk, by=user, at=timezone.now(), **form.cleaned_data)
        return f"{lead.display_name} is rejected."

    return changed(request, public_id, change, reject_form=form)


@login_required
@require_POST
def lead_log(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Keep a call, an email, a meeting or a note, and plan the next contact with it."""
    form = LogForm(request.POST, auto_id="log_%s")

    def change(lead: Lead, user: User) -> str:
        at, given = timezone.now(), dict(form.cleaned_data)
        days, exact, kind = given.pop("next_in"), given.pop("next_due_at"), given.pop("next_kind")
        due_at = exact or (opening_in(at, int(days), Company.current().hours) if days else None)
        happened_at = given.pop("occurred_at") or at
        activity = log_activity(
            lead_id=lead.pk,
            by=user,
            at=at,
            occurred_at=happened_at,
            next_kind=kind if due_at else "",
            next_due_at=due_at,
            **given,
        )
        planned = ", next contact planned" if due_at else ""
        return f"{Activity.Kind(activity.kind).label} logged{planned}."

    return changed(request, public_id, change, log_form=form)


@login_required
@require_POST
def follow_up_promise(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Plan the next contact."""
    form = PromiseForm(request.POST, auto_id="promise_%s")

    def change(lead: Lead, user: User) -> str:
        promise = promise_follow_up(lead_id=lead.pk, by=user, at=timezone.now(), **form.cleaned_data)
        return f"{promise.get_kind_display()} planned."

    return changed(request, public_id, change, promise_form=form)


@login_required
@require_POST
def follow_up_complete(request: SignedInRequest, public_id: UUID, follow_up_id: int) -> HttpResponse:
    """Say how a promised contact went."""
    form = CompleteFollowUpForm(request.POST, prefix=f"follow-up-{follow_up_id}")

    def change(lead: Lead, user: User) -> str:
        if not form.is_valid():
            raise FollowUpRefused("outcome", "Choose how the contact went.")
        get_object_or_404(FollowUp, pk=follow_up_id, lead=lead)
        complete_follow_up(follow_up_id=follow_up_id, by=user, at=timezone.now(), **form.cleaned_data)
        return "Follow-up completed."

    return changed(request, public_id, change)
