"""A lead's page: facts, score with reasons, the whole story on one line of time, and what the owner does next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leads.actions.follow_up.complete_follow_up import FollowUpRefused, complete_follow_up
from leads.actions.follow_up.promise_follow_up import promise_follow_up
from leads.actions.handover.accept_lead import accept_lead
from leads.actions.handover.reject_lead import reject_lead
from leads.actions.identity.unmerge_lead import why_not_unmerge
from leads.forms.lead import CompleteFollowUpForm, PromiseForm, RejectForm
from leads.models import Company, FollowUp, Lead, LeadMerge, Stage, User
from leads.past.deemed import deemed_now
from leads.past.span import moment
from leads.pure.refused import Refused
from leads.queries.identity import survivors
from leads.queries.lead import lead_stories, may_work
from leads.queries.mail import opt_outs
from leads.queries.scoring import shown_scores
from leads.views.account_link import account_link
from leads.views.doors import SignedInRequest
from leads.views.lead_story import story
from leads.views.past import asked_as_of

TOUCHES_SHOWN = 200


def _lead(request: SignedInRequest, public_id: UUID) -> Lead:
    leads = Lead.objects.visible_to(request.user)
    return get_object_or_404(
        leads.select_related("account", "owner", "territory", "channel", "campaign"), public_id=public_id
    )


@login_required
@require_GET
@asked_as_of
def lead_detail(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """One lead that the person may see; a merged one leads on to the survivor, others are not found."""
    try:
        lead = _lead(request, public_id)
    except Http404:
        return _lead_on(request, public_id)
    return _page(request, lead)


def _lead_on(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    merged = get_object_or_404(Lead, public_id=public_id, merged_into__isnull=False)
    survivor = get_object_or_404(Lead.objects.visible_to(request.user), pk=survivors([merged.pk])[merged.pk])
    messages.info(request, f"{merged} was merged into this lead; what was known of both is here.")
    return redirect(survivor)


def _page(request: SignedInRequest, lead: Lead, *, status: int = 200, **forms: Any) -> HttpResponse:
    at, is_past = deemed_now(), moment() is not None
    newest = lead_stories([lead.pk])[lead.pk]
    tz = Company.current().tz
    promises = FollowUp.objects.open().filter(lead=lead).select_related("owner").order_by("due_at")
    context = {
        "lead": lead,
        "score": shown_scores([lead.pk], at.astimezone(tz).date(), tz).get(lead.pk),
        "assignment": newest.assignment,
        "facts": _facts(lead, request.user),
        "promises": [
            (promise, promise.due_at < at, CompleteFollowUpForm(prefix=f"follow-up-{promise.pk}"))
            for promise in promises
        ],
        "entries": story(lead, TOUCHES_SHOWN),
        "may_work": not is_past and may_work(request.user, lead),
        "may_decide": lead.stage == Stage.MQL,
        "reject_form": RejectForm(),
        "promise_form": PromiseForm(),
        "opt_out": opt_outs([lead]).get(lead.pk),
        # What the CRM holds is known as of now alone.
        "crm_url": "" if is_past else _crm_url(lead),
        "merges": _merges(lead, at),
        **forms,
    }
    return render(request, "leads/lead/lead_detail.html", context, status=status)


def _facts(lead: Lead, user: User) -> list[tuple[str, Any]]:
    name_of_size = f"{lead.company_size:,} people" if lead.company_size else None
    place = " ".join(part for part in (lead.postal_code, lead.region, lead.country) if part)
    facts = [
        ("Email", lead.email),
        ("External id", lead.external_id),
        ("Phone", lead.phone),
        ("Job title", lead.job_title),
        ("Company", lead.company),
        ("Account", account_link(lead.account, user)),
        ("Industry", lead.industry),
        ("Company size", name_of_size),
        ("Place", place),
        ("First channel", lead.channel),
        ("First campaign", lead.campaign),
    ]
    return [(term, value) for term, value in facts if value]


def _merges(lead: Lead, at: datetime) -> list[tuple[LeadMerge, str]]:
    """Leads that were merged into this one, newest first, each with why that cannot be taken back, or nothing."""
    merges = LeadMerge.objects.filter(survivor=lead, undone_at__isnull=True).select_related("loser", "by")
    return [(merge, why_not_unmerge(merge=merge, survivor=lead, at=at)) for merge in merges.order_by("-pk")[:10]]


def _crm_url(lead: Lead) -> str:
    """The integrations app shows the CRM state, where it is installed; we only know its address."""
    try:
        return reverse("integrations:lead-crm", args=[lead.public_id])
    except NoReverseMatch:
        return ""


def _changed(
    request: SignedInRequest, public_id: UUID, change: Callable[[Lead, User], str], **forms: Form
) -> HttpResponse:
    """Do one thing to a lead the person may work on; refusals and invalid forms come back on the page."""
    lead, user = _lead(request, public_id), request.user
    if not may_work(user, lead):
        raise PermissionDenied
    if not all(form.is_valid() for form in forms.values()):
        return _page(request, lead, status=422, **forms)
    try:
        messages.success(request, change(lead, user))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return _page(request, lead, status=422, **forms)
    return redirect(lead)


@login_required
@require_POST
def lead_accept(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Sales takes the MQL."""

    def change(lead: Lead, user: User) -> str:
        accept_lead(lead_id=lead.pk, by=user, at=timezone.now())
        return f"{lead.display_name} is accepted."

    return _changed(request, public_id, change)


@login_required
@require_POST
def lead_reject(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Sales sends the MQL back with a reason."""
    form = RejectForm(request.POST)

    def change(lead: Lead, user: User) -> str:
        reject_lead(lead_id=lead.pk, by=user, at=timezone.now(), **form.cleaned_data)
        return f"{lead.display_name} is rejected."

    return _changed(request, public_id, change, reject_form=form)


@login_required
@require_POST
def follow_up_promise(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Plan the next contact."""
    form = PromiseForm(request.POST)

    def change(lead: Lead, user: User) -> str:
        promise = promise_follow_up(lead_id=lead.pk, by=user, at=timezone.now(), **form.cleaned_data)
        return f"{promise.get_kind_display()} planned."

    return _changed(request, public_id, change, promise_form=form)


@login_required
@require_POST
def follow_up_complete(request: SignedInRequest, public_id: UUID, follow_up_id: int) -> HttpResponse:
    """Say how a promised contact went."""
    form = CompleteFollowUpForm(request.POST, prefix=f"follow-up-{follow_up_id}")

    def change(lead: Lead, user: User) -> str:
        if not form.is_valid():
            raise FollowUpRefused("Choose how the contact went.")
        get_object_or_404(FollowUp, pk=follow_up_id, lead=lead)
        complete_follow_up(follow_up_id=follow_up_id, by=user, at=timezone.now(), **form.cleaned_data)
        return "Follow-up completed."

    return _changed(request, public_id, change)
