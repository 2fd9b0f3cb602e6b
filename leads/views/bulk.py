"""Doing something with many leads at once: choose, look at what would happen, confirm, watch, take back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leads.actions.bulk.run_bulk import MOST, request_bulk, request_undo, why_not_undo
from leads.actions.bulk.verbs import VERBS, Verb
from leads.forms.bulk import FORMS
from leads.models import BulkRow, BulkRun, Company, Lead, Role, User
from leads.pure.calendar import opening_in
from leads.tasks import nudge_bulk
from leads.views.doors import SignedInRequest, allowed, telling
from leads.views.lead_rows import lead_rows
from leads.views.list_file import list_file
from leads.views.progress import progress_answer

PAGE_SIZE = 50
_LISTED = 5


@login_required
@require_POST
def bulk(request: SignedInRequest) -> HttpResponse:
    """What would happen to the chosen leads; with ``confirm`` it does."""
    user = allowed(
        request,
        lambda person: person.has_role(Role.SALES_REP, Role.SALES_LEADER, Role.ADMIN),
        "Reps, sales leaders and admins work on leads.",
    )
    verb = VERBS.get(str(request.POST.get("verb", "")))
    ids = _chosen(request)
    if verb is None or not ids or len(ids) > MOST:
        if len(ids) > MOST:
            messages.error(request, f"These are {len(ids):,} leads; at most {MOST:,} at a time. Narrow the filters.")
        else:
            messages.error(request, "Choose at least one lead, and what to do.")
        return redirect(_back(request))
    is_confirmed = "confirm" in request.POST
    if is_confirmed and request.POST.get("count") != str(len(ids)):
        messages.warning(request, "The leads that match have changed since; look at them again.")
        is_confirmed = False
    form = FORMS[verb.key](request.POST if is_confirmed else None)
    if is_confirmed and form.is_valid():
        with telling(request):
            run = request_bulk(verb=verb.key, ids=ids, params=_params(form), by=user, at=timezone.now())
            nudge_bulk()
            return redirect(run)
    context = {
        "verb": verb,
        "form": form,
        "is_all": bool(request.POST.get("all")),
        "asked": str(request.POST.get("asked", "")),
        "count": len(ids),
        "back": _back(request),
        **_preview(verb, ids, user),
    }
    return render(request, "leads/bulk/bulk.html", context, status=422 if form.errors else 200)


def _chosen(request: SignedInRequest) -> list[int]:
    """The marked leads, or all that the list's address asks for; only those that the person sees."""
    if request.POST.get("all"):
        _, rows = lead_rows(request, QueryDict(str(request.POST.get("asked", ""))), timezone.now())
        return list(rows.values_list("pk", flat=True)[: MOST + 1])
    marked = []
    for text in request.POST.getlist("lead"):
        try:
            marked.append(UUID(text))
        except ValueError:
            continue
    rows = Lead.objects.visible_to(request.user).filter(public_id__in=marked)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _back(request: SignedInRequest) -> str:
    asked = QueryDict(str(request.POST.get("asked", ""))).urlencode()
    return f"{reverse('leads:lead-list')}?{asked or 'view=all'}"


def _params(form: forms.Form) -> dict[str, Any]:
    """The form's values as a run keeps them."""
    given = dict(form.cleaned_data)
    if days := given.pop("next_in", None):
        given["due_at"] = opening_in(timezone.now(), int(days), Company.current().hours).isoformat()
    return {
        name: value.pk if isinstance(value, User) else value.isoformat() if isinstance(value, date) else value
        for name, value in given.items()
    }


def _preview(verb: Verb, ids: Sequence[int], user: User) -> dict[str, Any]:
    refused: Counter[str] = Counter()
    tokens: list[str] = []
    # Not all ids in one question: a database takes so many parameters only.
    for start in range(0, len(ids), 500):
        for lead in Lead.objects.filter(pk__in=ids[start : start + 500]).only("public_id", "owner_id", "stage"):
            tokens.append(str(lead.public_id))
            if why := verb.check(lead, user, {}):
                refused[why] += 1
    return {
        "refused": refused.most_common(),
        "ready": len(ids) - sum(refused.values()),
        "first": Lead.objects.filter(pk__in=ids[:_LISTED]).order_by("pk"),
        "tokens": tokens,
    }


def _run(request: SignedInRequest, public_id: UUID) -> BulkRun:
    """A run that the person may look at: their own, or any for sales leaders and admins."""
    rows = BulkRun.objects.select_related("by", "job", "undo_job")
    if not request.user.has_role(Role.SALES_LEADER, Role.ADMIN):
        rows = rows.filter(by=request.user)
    return get_object_or_404(rows, public_id=public_id)


@login_required
@require_GET
def bulk_run(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """A run under way or done, with what became of each lead."""
    run = _run(request, public_id)
    rows = run.rows.select_related("lead").order_by("state", "pk")
    if made := list_file(
        request,
        "bulk action",
        ("Lead", "Email", "Result", "Why", "ID"),
        lambda: (
            (row.lead.display_name, row.lead.email, row.get_state_display(), row.why, str(row.lead.public_id))
            for row in rows.iterator(chunk_size=2_000)
        ),
    ):
        return made
    state = str(request.GET.get("state", ""))
    shown = rows.filter(state=state) if state in BulkRow.State.values else rows
    labels = dict(BulkRow.State.choices)
    context = {
        "run": run,
        "verb": VERBS[run.verb],
        "job": _job(run),
        "page": Paginator(shown, PAGE_SIZE).get_page(request.GET.get("page")),
        "counts": [
            (labels[each["state"]], each["state"], each["n"])
            for each in run.rows.order_by().values("state").annotate(n=Count("pk"))
        ],
        "may_undo": not why_not_undo(run=run, by=request.user),
    }
    return render(request, "leads/bulk/bulk_run.html", context)


def _job(run: BulkRun) -> Any:
    return run.undo_job or run.job


@login_required
@require_GET
def bulk_progress(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """How far a run is."""
    run = _run(request, public_id)
    job = _job(run)
    return progress_answer(
        request, "leads/bulk/_bulk_progress.html", {"run": run, "job": job}, is_moving=job.is_unfinished
    )


@login_required
@require_POST
def bulk_undo(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take a run back."""
    run = _run(request, public_id)
    with telling(request):
        request_undo(run=run, by=request.user, at=timezone.now())
        nudge_bulk()
    return redirect(run)
