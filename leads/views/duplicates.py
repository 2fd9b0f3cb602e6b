"""Leads that may be one person, decided pair by pair; and why a lead's contacts are one person's."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leads.actions.identity.decide_duplicate import keep_apart, merge_duplicate, undo_decision
from leads.actions.identity.merge_leads import MergeRefused
from leads.actions.identity.preview_merge import preview_merge
from leads.actions.identity.unmerge_lead import UNDO_FOR
from leads.models import Duplicate, Lead, Role, Submission, Touchpoint
from leads.models.duplicate import DuplicateQuerySet
from leads.queries.joined import called, joined_submissions, joined_touches, known_by, merges_of
from leads.tasks import nudge_intake
from leads.views.doors import SignedInRequest, allowed
from leads.views.lead_page import visible_lead
from leads.views.list_file import list_file

PAGE_SIZE = 25
DECIDED = 5
KEYS = [
    ("m", "Merge the two"),
    ("x", "Not the same person"),
    ("n", "Next pair, decide later"),
    ("k", "Keep the other lead instead"),
]


@login_required
@require_GET
def duplicates(request: SignedInRequest) -> HttpResponse:
    """The surest pair that is still to be decided, both leads side by side."""
    rows = _pairs(request).open().order_by("-strength", "pk")
    if made := list_file(
        request,
        "duplicates",
        ("Lead", "Email", "Other lead", "Email of the other", "Why", "Found"),
        lambda: (
            (each.first, each.first.email, each.second, each.second.email, "; ".join(each.reasons), each.found_at)
            for each in rows.iterator(chunk_size=2_000)
        ),
    ):
        return made
    after = _after(request)
    left = rows.filter(Q(strength__lt=after.strength) | Q(strength=after.strength, pk__gt=after.pk)) if after else rows
    pair = left.first()
    survivor, loser = _in_order(pair, request.GET.get("keep", "")) if pair else (None, None)
    week_ago = timezone.now() - UNDO_FOR
    decided = Duplicate.objects.filter(decided_by=request.user, decided_at__gte=week_ago).order_by("-decided_at")
    context = {
        "pair": pair,
        "survivor": survivor,
        "loser": loser,
        "preview": preview_merge(survivor=survivor, loser=loser) if survivor and loser else None,
        "count": rows.count(),
        "is_round": after is not None,
        "decided": decided.select_related("first", "second")[:DECIDED],
        "keys": KEYS,
    }
    return render(request, "leads/identity/duplicates.html", context)


@login_required
@require_POST
def duplicate_decide(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Merge the pair, or remember that it is none; the next pair follows."""
    pair, user, at = get_object_or_404(_pairs(request), public_id=public_id), request.user, timezone.now()
    try:
        if "merge" in request.POST:
            survivor, loser = _in_order(pair, str(request.POST.get("keep", "")))
            merge_duplicate(duplicate=pair, survivor_id=survivor.pk, by=user, at=at)
            nudge_intake()
            messages.success(request, f"{loser} is part of {survivor} now.")
        else:
            keep_apart(duplicate=pair, by=user, at=at)
            messages.success(request, f"{pair.first} and {pair.second} stay two leads.")
    except MergeRefused as refusal:
        messages.error(request, str(refusal))
    return redirect(f"{reverse('leads:duplicates')}?after={pair.public_id}")


@login_required
@require_POST
def duplicate_undo(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take a decision back."""
    _allowed(request)
    rows = Duplicate.objects.select_related("first", "second")
    pair = get_object_or_404(rows, public_id=public_id)
    seen = Lead.objects.visible_to(request.user).filter(pk__in=(pair.first_id, pair.second_id)).count()
    expected = 1 if pair.state == Duplicate.State.MERGED else 2
    if seen < expected:
        return redirect("leads:duplicates")
    try:
        undo_decision(duplicate=pair, by=request.user, at=timezone.now())
    except MergeRefused as refusal:
        messages.error(request, str(refusal))
    else:
        nudge_intake()
        messages.success(request, f"{pair.first} and {pair.second} are to be decided again.")
    return redirect("leads:duplicates")


@login_required
@require_GET
def lead_identity(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Why the contacts of a lead are one person's: every submission and touchpoint with the rule that joined it."""
    lead = visible_lead(request, public_id)
    merges = merges_of(lead)
    touches = Touchpoint.objects.filter(lead=lead).order_by("-occurred_at", "-pk")
    if made := list_file(
        request,
        f"identity of {lead.display_name}",
        ("When", "Contact", "Rule"),
        lambda: ((each.at, each.what, each.rule) for each in joined_touches(lead, list(touches), merges)),
    ):
        return made
    page = Paginator(touches, PAGE_SIZE).get_page(request.GET.get("page"))
    submissions = Submission.objects.filter(lead=lead).order_by("-received_at", "-pk")[:PAGE_SIZE]
    context = {
        "lead": lead,
        "known_by": known_by(lead),
        "merges": [(merge, called(merge)) for merge in merges],
        "page": page,
        "rows": joined_touches(lead, list(page), merges),
        "submissions": joined_submissions(lead, list(submissions)),
    }
    return render(request, "leads/identity/lead_identity.html", context)


def _allowed(request: SignedInRequest) -> None:
    allowed(
        request,
        lambda person: person.has_role(Role.SALES_REP, Role.SALES_LEADER, Role.ADMIN),
        "Reps, sales leaders and admins decide about duplicates.",
    )


def _pairs(request: SignedInRequest) -> DuplicateQuerySet:
    """Pairs that the person may see and decide."""
    _allowed(request)
    return Duplicate.objects.visible_to(request.user).select_related(
        *(
            f"{side}__{name}"
            for side in ("first", "second")
            for name in ("account", "owner", "territory", "channel", "campaign")
        )
    )


def _after(request: SignedInRequest) -> Duplicate | None:
    """The pair after which the round goes on."""
    try:
        public_id = UUID(str(request.GET.get("after", "")))
    except ValueError:
        return None
    return Duplicate.objects.filter(public_id=public_id).first()


def _in_order(pair: Duplicate, keep: str) -> tuple[Lead, Lead]:
    """Who lives on, and the other one: the older record, unless the other is to be kept."""
    older, newer = sorted((pair.first, pair.second), key=lambda lead: (lead.captured_at, lead.pk))
    return (newer, older) if keep == str(newer.public_id) else (older, newer)
