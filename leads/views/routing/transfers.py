"""Transfers: give leads or a rep's whole book to others, look at what was moved, take it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads.actions.routing.carry_out_transfer import carry_out_at_once
from leads.actions.routing.deactivate_person import KEEP, deactivate_person, why_not_deactivate
from leads.actions.routing.request_transfer import TransferRefused, may_carry_out_at_once, request_transfer
from leads.actions.routing.undo_transfer import request_undo, undo_at_once, why_not_undo
from leads.forms.routing import TransferForm, UndoTransferForm
from leads.models import Account, FollowUp, Lead, Opportunity, Role, Transfer, TransferItem, User
from leads.pure.refused import Refused
from leads.queries.transfers import Plan, book_of, leads_of, plan_transfer
from leads.tasks import nudge_transfers
from leads.views.doors import SignedInRequest, allowed, sales_desk, telling
from leads.views.list_file import list_file
from leads.views.progress import progress_answer

PAGE_SIZE = 25
MOST_LEADS = 5_000
_HEADER = ("When", "What", "To", "Reason", "Leads", "Follow-ups", "Deals", "Accounts", "By", "State")
_ITEM_HEADER = ("What", "Name", "From", "To", "Territory before", "Territory after", "Undone")


@login_required
@require_GET
def transfers(request: SignedInRequest) -> HttpResponse:
    """Past transfers, newest first."""
    sales_desk(request)
    rows = _transfers().order_by("-pk")
    if made := list_file(request, "transfers", _HEADER, lambda: map(_line, rows)):
        return made
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "leads/routing/transfers.html", {"page": page})


def _line(row: Transfer) -> tuple[Any, ...]:
    counts = (row.leads, row.follow_ups, row.opportunities, row.accounts)
    return (row.created_at, row, row.to_words, row.reason, *counts, row.by, row.state_words)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_new(request: SignedInRequest) -> HttpResponse:
    """Choose who gets a rep's book (``rep``) or chosen leads (``lead``, repeated); look at it, then do it."""
    user = sales_desk(request)
    given = request.POST if request.method == "POST" else request.GET
    rep = get_object_or_404(User, public_id=_uuid(given["rep"])) if given.get("rep") else None
    leads = [] if rep else list(_chosen(given.getlist("lead")))
    if rep is None and not leads:
        raise Http404("Choose a rep or leads.")
    form = TransferForm(request.POST or None, giver=rep, has_closed=rep is not None)
    if request.method == "POST" and form.is_valid() and request.POST.get("do") == "transfer":
        try:
            transfer = request_transfer(
                way=form.cleaned_data["way"],
                to=form.to,
                reason=form.cleaned_data["reason"],
                by=user,
                at=timezone.now(),
                from_rep=rep,
                lead_ids=[lead.pk for lead in leads],
                takes_closed=form.cleaned_data.get("takes_closed", False),
            )
        except TransferRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            return _started(request, transfer)
    return _form(request, form, rep, leads, "leads/routing/transfer_new.html")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def person_deactivate(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """End a person's access; what they have in hand is given to whom the admin chooses."""
    user = allowed(request, lambda user: user.has_role(Role.ADMIN), "Admins deactivate people.")
    person = get_object_or_404(User, public_id=public_id)
    book = book_of(person, timezone.now())
    form = TransferForm(request.POST or None, giver=person, may_keep=True)
    why_not = why_not_deactivate(person=person, by=user)
    is_asked = request.method == "POST" and request.POST.get("do") == "deactivate"
    if is_asked and not why_not and (book.is_empty or form.is_valid()):
        given = {} if book.is_empty else form.cleaned_data
        try:
            transfer = deactivate_person(
                person=person,
                by=user,
                at=timezone.now(),
                way=given.get("way", ""),
                to=form.to if given else (),
                reason=given.get("reason", ""),
                takes_closed=given.get("takes_closed", False),
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"{person} is deactivated and cannot sign in any more.")
            return _started(request, transfer) if transfer else redirect("leads:people")
    context = {"why_not": why_not, "person": person}
    return _form(request, form, person, [], "leads/routing/person_deactivate.html", **context)


def _form(
    request: SignedInRequest, form: TransferForm, rep: User | None, leads: list[Lead], template: str, **more: Any
) -> HttpResponse:
    at = timezone.now()
    book = book_of(rep, at) if rep else None
    is_moving = form.is_bound and form.is_valid() and form.cleaned_data["way"] != KEEP
    plan = _plan(form, rep, leads) if is_moving else None
    context = {"form": form, "rep": rep, "leads": leads, "book": book, "plan": plan, **more}
    return render(request, template, context, status=422 if form.is_bound and form.errors else 200)


def _plan(form: TransferForm, rep: User | None, leads: list[Lead]) -> Plan:
    if rep is not None:
        wanted = Transfer(scope="book", from_rep=rep, takes_closed=form.cleaned_data.get("takes_closed", False))
        leads = list(leads_of(wanted).select_related("account", "owner", "territory"))
    leaving = [rep.pk] if rep else []
    return plan_transfer(way=form.cleaned_data["way"], leads=leads, to=form.to, leaving=leaving, at=timezone.now())


def _started(request: SignedInRequest, transfer: Transfer) -> HttpResponse:
    if may_carry_out_at_once(transfer=transfer):
        transfer = carry_out_at_once(transfer=transfer, at=timezone.now())
        messages.success(request, f"{transfer.leads:,} lead{'' if transfer.leads == 1 else 's'} transferred.")
    else:
        nudge_transfers()
    return redirect("leads:transfer", transfer.public_id)


@login_required
@require_http_methods(["GET", "HEAD"])
def transfer(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """What a transfer moved, its reason, and the way back."""
    sales_desk(request)
    row = _transfer(public_id)
    items = row.items.select_related("from_owner", "to_owner", "from_territory", "to_territory").order_by("pk")
    if made := list_file(request, "transfer", _ITEM_HEADER, lambda: _item_lines(list(items))):
        return made
    page = Paginator(items, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "transfer": row,
        "is_moving": _is_moving(row),
        "page": page,
        "named": _named(list(page)),
        "why_not": why_not_undo(transfer=row),
        "undo_form": UndoTransferForm(),
    }
    return render(request, "leads/routing/transfer.html", context)


@login_required
@require_GET
def transfer_progress(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """How far a transfer or its undoing is: the fragment that the page asks for each second."""
    sales_desk(request)
    row = _transfer(public_id)
    context = {"transfer": row, "job": row.undo_job or row.job}
    return progress_answer(request, "leads/routing/_transfer_progress.html", context, is_moving=_is_moving(row))


@login_required
@require_POST
def transfer_undo(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Give back what nobody changed since."""
    user, row = sales_desk(request), _transfer(public_id)
    with telling(request):
        row = request_undo(transfer=row, reason=request.POST.get("reason", ""), by=user, at=timezone.now())
        if may_carry_out_at_once(transfer=row):
            undo_at_once(transfer=row, at=timezone.now())
            messages.success(request, "The transfer is undone.")
        else:
            nudge_transfers()
    return redirect("leads:transfer", row.public_id)


def _is_moving(row: Transfer) -> bool:
    return row.job.is_unfinished or (row.undo_job is not None and row.undo_job.is_unfinished)


def _named(items: list[TransferItem]) -> list[tuple[TransferItem, str, str]]:
    """Each item with the name and address of what it moved."""
    found = _rows_of(items)
    named = []
    for item in items:
        row = found.get((item.kind, item.row))
        about = row.lead if isinstance(row, FollowUp) else row
        url = about.get_absolute_url() if isinstance(about, Lead | Opportunity) else ""
        named.append((item, _name(row), url))
    return named


def _rows_of(items: list[TransferItem]) -> dict[tuple[str, int], Any]:
    kinds: dict[str, Any] = {
        TransferItem.Kind.LEAD: Lead.objects.all(),
        TransferItem.Kind.FOLLOW_UP: FollowUp.objects.select_related("lead"),
        TransferItem.Kind.OPPORTUNITY: Opportunity.objects.all(),
        TransferItem.Kind.ACCOUNT: Account.objects.all(),
    }
    found: dict[tuple[str, int], Any] = {}
    for kind, rows in kinds.items():
        ids = [item.row for item in items if item.kind == kind]
        for start in range(0, len(ids), 500):
            found |= {(kind, row.pk): row for row in rows.filter(pk__in=ids[start : start + 500])}
    return found


def _name(row: Any) -> str:
    if row is None:
        return "not there any more"
    return f"{row.get_kind_display()}, {row.lead.display_name}" if isinstance(row, FollowUp) else str(row)


def _item_lines(items: list[TransferItem]) -> list[tuple[Any, ...]]:
    return [
        (
            item.get_kind_display(),
            name,
            item.from_owner,
            item.to_owner,
            item.from_territory,
            item.to_territory,
            item.is_undone,
        )
        for item, name, _ in _named(items)
    ]


def _transfers() -> QuerySet[Transfer]:
    rows = Transfer.objects.select_related("from_rep", "by", "job", "undo_job", "undone_by")
    return rows.prefetch_related("recipients")


def _transfer(public_id: UUID) -> Transfer:
    return get_object_or_404(_transfers(), public_id=public_id)


def _chosen(public_ids: list[str]) -> QuerySet[Lead]:
    ids = [_uuid(text) for text in public_ids[:MOST_LEADS]]
    return Lead.objects.live().filter(public_id__in=ids).select_related("account", "owner", "territory").order_by("pk")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404("No such record.") from None
