"""A lead's page, and how everything that people do with a lead ends: on the page, or at the next lead of the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.http import urlencode

from leads.actions.identity.unmerge_lead import why_not_unmerge
from leads.actions.routing.undo_transfer import why_not_undo
from leads.forms.lead import (
    CompleteFollowUpForm,
    DisqualifyForm,
    LogForm,
    PromiseForm,
    ReassignForm,
    RecycleForm,
    RejectForm,
)
from leads.models import (
    Company,
    FollowUp,
    Lead,
    LeadMerge,
    Qualification,
    Recycling,
    RejectionReason,
    Stage,
    TransferItem,
    User,
)
from leads.past.deemed import deemed_now
from leads.past.span import moment
from leads.pure.lifecycle import STEPS
from leads.pure.refused import FieldRefused, Refused
from leads.queries.lead import lead_stories, may_edit, may_work
from leads.queries.mail import opt_outs
from leads.queries.my_day import following, round_of
from leads.queries.scoring import shown_scores
from leads.queries.transfers import may_transfer
from leads.queries.workflows.log import enrollments_of
from leads.views.account_link import account_link
from leads.views.doors import SignedInRequest
from leads.views.lead_story import story

TOUCHES_SHOWN = 200
# A round through the day ends with the day.
LONGEST_ROUND = timedelta(hours=24)
KEYS = (
    ("a", "Accept"),
    ("q", "Qualify as SQL"),
    ("r", "Reject, or send back"),
    ("d", "Open a deal"),
    ("c", "Call"),
    ("e", "Write an email"),
    ("l", "Log a contact or a note"),
    ("n", "Next lead"),
    ("?", "These keys"),
)


def visible_lead(request: SignedInRequest, public_id: UUID) -> Lead:
    """The lead, where the person may see it; else Http404."""
    leads = Lead.objects.visible_to(request.user)
    return get_object_or_404(
        leads.select_related("account", "owner", "territory", "channel", "campaign"), public_id=public_id
    )


def lead_page(request: SignedInRequest, lead: Lead, *, status: int = 200, **forms: Any) -> HttpResponse:
    """The whole page; ``forms`` replace the empty ones."""
    at, is_past = deemed_now(), moment() is not None
    newest, tz = lead_stories([lead.pk])[lead.pk], Company.current().tz
    promises = FollowUp.objects.open().filter(lead=lead).select_related("owner").order_by("due_at")
    works = not is_past and may_work(request.user, lead)
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
        "may_work": works,
        "may_edit": not is_past and may_edit(request.user, lead),
        "may_decide": lead.stage == Stage.MQL,
        "qualified": Qualification.objects.filter(lead=lead).select_related("by", "question_set").order_by("-pk"),
        "recycling": Recycling.objects.waiting().filter(lead=lead).select_related("by").first(),
        "reject_form": RejectForm(),
        "disqualify_form": DisqualifyForm(auto_id="disqualify_%s"),
        "recycle_form": RecycleForm(auto_id="recycle_%s"),
        "promise_form": PromiseForm(auto_id="promise_%s"),
        "log_form": LogForm(auto_id="log_%s"),
        "opt_out": opt_outs([lead]).get(lead.pk),
        # What the CRM holds is known as of now alone.
        "crm_url": "" if is_past else _crm_url(lead),
        "merges": _merges(lead, at),
        "enrollments": [] if is_past else enrollments_of(lead),
        **(_work(request, lead) if works else {}),
        **forms,
    }
    return render(request, "leads/lead/lead_detail.html", context, status=status)


def _work(request: SignedInRequest, lead: Lead) -> dict[str, Any]:
    """What only those see who work on the lead: to whom it can go, and what is left of their round."""
    found: dict[str, Any] = {
        "reassign_form": ReassignForm(lead=lead, auto_id="reassign_%s"),
        "reassigned": last_reassigned(lead, request.user),
        "reasons": RejectionReason.choices,
        "keys": KEYS,
        "steps": {name for name, stages in STEPS.items() if lead.stage in stages},
    }
    since = round_since(request)
    if since is not None:
        left = round_of(request.user, timezone.now(), Company.current(), since)
        others = [pk for pk, _ in left if pk != lead.pk]
        query = urlencode({"after": str(lead.public_id), "day": _token(since)})
        found |= {"day": _token(since), "left": len(others), "next_url": f"{reverse('leads:my-day-next')}?{query}"}
    return found


def last_reassigned(lead: Lead, user: User) -> TransferItem | None:
    """How the lead alone came to its owner, where the person may give it back and nothing has happened to it since."""
    item = (
        TransferItem.objects.filter(kind=TransferItem.Kind.LEAD, row=lead.pk)
        .select_related("transfer__job", "transfer__undo_job", "transfer__from_rep", "from_owner")
        .order_by("-pk")
        .first()
    )
    if item is None or item.transfer.lead_ids != [lead.pk] or item.to_owner_id != lead.owner_id:
        return None
    if why_not_undo(transfer=item.transfer) or not (may_transfer(user) or item.transfer.by_id == user.pk):
        return None
    return item


def changed(
    request: SignedInRequest,
    public_id: UUID,
    change: Callable[[Lead, User], str],
    *,
    passes: tuple[type[Refused], ...] = (),
    **forms: Form,
) -> HttpResponse:
    """Do one thing to a lead the person may work on; refusals and invalid forms come back on the page.

    In a round through the day the next lead follows. Refusals that ``passes`` names are the caller's.
    """
    lead, user = visible_lead(request, public_id), request.user
    if not may_work(user, lead):
        raise PermissionDenied("Only the owner, sales leaders and admins work on a lead.")
    if not all(form.is_valid() for form in forms.values()):
        return lead_page(request, lead, status=422, **forms)
    since = round_since(request)
    left = round_of(user, timezone.now(), Company.current(), since) if since else []
    try:
        text = change(lead, user)
    except passes:
        raise
    except Refused as refusal:
        field = refusal.field if isinstance(refusal, FieldRefused) else ""
        at_fault = next((form for form in forms.values() if field in form.fields), None)
        if at_fault is None:
            messages.error(request, str(refusal))
        else:
            at_fault.add_error(field, str(refusal))
        return lead_page(request, lead, status=422, **forms)
    if since is None:
        messages.success(request, text)
        return _home(request, lead)
    others = sum(1 for pk, _ in left if pk != lead.pk)
    messages.success(request, f"{text} {others} left." if others else f"{text} That was the last one.")
    return to_next(left, lead, since)


def _home(request: SignedInRequest, lead: Lead) -> HttpResponse:
    """The lead's page, or the list where the person has given it away."""
    is_seen = Lead.objects.visible_to(request.user).filter(pk=lead.pk).exists()
    return redirect(lead) if is_seen else redirect("leads:lead-list")


def to_next(left: list[tuple[int, UUID]], lead: Lead, since: datetime) -> HttpResponse:
    """The next lead of the round, or the day where none is left."""
    following_id = following(left, lead.pk)
    return redirect(in_round(following_id, since)) if following_id else redirect("leads:my-day")


def in_round(public_id: UUID, since: datetime) -> str:
    """The address of a lead in a round that began at a moment."""
    return f"{reverse('leads:lead-detail', args=[public_id])}?day={_token(since)}"


def round_since(request: SignedInRequest) -> datetime | None:
    """When the round began in which a lead is looked at; None outside one."""
    text = str(request.POST.get("day") or request.GET.get("day") or "")
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        return None
    since, now = datetime.fromtimestamp(int(text), UTC), timezone.now()
    return since if now - LONGEST_ROUND <= since <= now else None


def _token(since: datetime) -> str:
    return str(int(since.timestamp()))


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
