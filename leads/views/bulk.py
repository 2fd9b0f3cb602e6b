"""Doing something with many rows of a list at once: choose, look at what would happen, confirm, watch, take back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Model
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leads.actions.bulk.run_bulk import MOST, request_bulk, request_undo, why_not_undo
from leads.actions.bulk.verb import MODELS, Verb
from leads.actions.bulk.verbs import VERBS
from leads.forms.bulk import FORMS
from leads.models import BulkRow, BulkRun, Company, Lead, Role, User
from leads.pure.calendar import opening_in
from leads.tasks import nudge_bulk
from leads.views.doors import SignedInRequest, allowed, telling
from leads.views.lead_rows import lead_rows
from leads.views.list_file import list_file
from leads.views.list_views import LISTS
from leads.views.listings import LISTINGS, MOST_ONLY, listed_rows, public_ids
from leads.views.progress import progress_answer

PAGE_SIZE = 50
_LISTED = 5


@login_required
@require_POST
def bulk(request: SignedInRequest, listing: str = "leads") -> HttpResponse:
    """What would happen to the chosen rows; with ``confirm`` it does. With ``export`` they become a file."""
    user, asked = request.user, QueryDict(str(request.POST.get("asked", "")))
    if listing not in MODELS:
        raise Http404
    if kind := str(request.POST.get("export", "")):
        return _file(request, listing, asked, kind)
    verb = VERBS.get(str(request.POST.get("verb", "")))
    if not any(each.may(user) for each in VERBS.values() if each.listing == listing):
        raise PermissionDenied("Your role changes nothing in this list.")
    ids = _chosen(request, listing, asked)
    if verb is None or verb.listing != listing or not ids or len(ids) > MOST:
        what = MODELS[listing]._meta.verbose_name_plural
        if len(ids) > MOST:
            messages.error(request, f"These are {len(ids):,} {what}; at most {MOST:,} at a time. Narrow the filters.")
        else:
            messages.error(request, "Mark at least one row, and choose what to do.")
        return redirect(_back(listing, asked))
    allowed(request, verb.may, "Your role does not do this.")
    is_confirmed = "confirm" in request.POST
    if is_confirmed and request.POST.get("count") != str(len(ids)):
        messages.warning(request, f"The {verb.plural} that match have changed since; look at them again.")
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
        "asked": asked.urlencode(),
        "count": len(ids),
        "title": _title(listing),
        "back": _back(listing, asked),
        **_preview(verb, ids, user),
    }
    return render(request, "leads/bulk/bulk.html", context, status=422 if form.errors else 200)


def _file(request: SignedInRequest, listing: str, asked: QueryDict, kind: str) -> HttpResponse:
    """The list's own file, of the marked rows or of all that match."""
    query = asked.copy()
    query["export"] = kind
    if not request.POST.get("all"):
        marked = _marked(request)
        if not marked:
            messages.error(request, "Mark at least one row to export.")
            return redirect(_back(listing, asked))
        query["only"] = ",".join(str(each) for each in marked[:MOST_ONLY])
    return redirect(f"{_address(listing)}?{query.urlencode()}")


def _marked(request: SignedInRequest) -> list[UUID]:
    return public_ids(request.POST.getlist("row"))


def _chosen(request: SignedInRequest, listing: str, asked: QueryDict) -> list[int]:
    """The marked rows, or all that the list's address asks for; only those that the person sees."""
    if request.POST.get("all"):
        if listing == "leads":
            _, rows = lead_rows(request, asked, timezone.now())
        else:
            rows = listed_rows(request, listing, asked)
        return list(rows.values_list("pk", flat=True)[: MOST + 1])
    rows = Lead.objects.visible_to(request.user) if listing == "leads" else LISTINGS[listing].rows(request.user)
    return sorted(set(rows.filter(public_id__in=_marked(request)).values_list("pk", flat=True)))


def _address(listing: str) -> str:
    return reverse(LISTS[listing])


def _back(listing: str, asked: QueryDict) -> str:
    return f"{_address(listing)}?{asked.urlencode() or 'view=all'}"


def _title(listing: str) -> str:
    return "Leads" if listing == "leads" else LISTINGS[listing].title


def _params(form: forms.Form) -> dict[str, Any]:
    """The form's values as a run keeps them."""
    given = dict(form.cleaned_data)
    if days := given.pop("next_in", None):
        given["due_at"] = opening_in(timezone.now(), int(days), Company.current().hours).isoformat()
    return {
        name: value.pk if isinstance(value, Model) else value.isoformat() if isinstance(value, date) else value
        for name, value in given.items()
    }


def _preview(verb: Verb, ids: Sequence[int], user: User) -> dict[str, Any]:
    refused: Counter[str] = Counter()
    tokens: list[str] = []
    model = MODELS[verb.listing]
    # Not all ids in one question: a database takes so many parameters only.
    for start in range(0, len(ids), 500):
        chunk = list(model.objects.filter(pk__in=ids[start : start + 500]))
        tokens += [str(each.public_id) for each in chunk]
        refused.update(why for why in verb.check(chunk, user) if why)
    return {
        "refused": refused.most_common(),
        "ready": len(ids) - sum(refused.values()),
        "first": [_name(each) for each in model.objects.filter(pk__in=ids[:_LISTED]).order_by("pk")],
        "tokens": tokens,
    }


def _name(row: Any) -> str:
    return row.display_name if isinstance(row, Lead) else str(row)


def _named(rows: Sequence[BulkRow], listing: str) -> list[tuple[BulkRow, str, str, str]]:
    """Rows of a run, each with the name, the page and the public id of what it is of; a removed one has no page."""
    found: dict[int, Any] = {}
    for start in range(0, len(rows), 500):
        found |= MODELS[listing].objects.in_bulk([row.key for row in rows[start : start + 500]])
    named = []
    for row in rows:
        thing = found.get(row.key)
        url = _page(thing, listing) if thing is not None else ""
        named.append((row, _name(thing) if thing else "Removed", url, str(thing.public_id) if thing else ""))
    return named


def _page(thing: Any, listing: str) -> str:
    if listing == "leads":
        return str(thing.get_absolute_url())
    link = LISTINGS[listing].columns[0].link
    return link(thing) if link else ""


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
    verb, rows = VERBS[run.verb], run.rows.order_by("state", "pk")
    if made := list_file(
        request,
        "bulk action",
        (verb.noun.capitalize(), "Result", "Why", "ID"),
        lambda: (
            (name, row.get_state_display(), row.why, token) for row, name, _, token in _named(list(rows), verb.listing)
        ),
    ):
        return made
    state = str(request.GET.get("state", ""))
    shown = rows.filter(state=state) if state in BulkRow.State.values else rows
    labels = dict(BulkRow.State.choices)
    page = Paginator(shown, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "run": run,
        "verb": verb,
        "job": _job(run),
        "page": page,
        "named": _named(list(page), verb.listing),
        "title": _title(verb.listing),
        "back": _address(verb.listing),
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
