"""Reps: who works when, how much each has in hand, who is away, and what people who left have left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads.actions.routing.set_schedule import ScheduleRefused, add_absence, remove_absence, set_schedule
from leads.forms.calendar import AbsenceForm, ScheduleForm
from leads.models import Company, RepAbsence, RepHours, User
from leads.queries.calendar import schedules_of
from leads.queries.reps import RepRow, coming_holidays, reps_of, stranded_follow_ups
from leads.queries.routing import capacity_of
from leads.views.doors import SignedInRequest, sales_desk
from leads.views.list_file import list_file

PAGE_SIZE = 25
_SORTS: dict[str, Callable[[RepRow], Any]] = {
    "name": lambda row: row.rep.name.casefold(),
    "leads": lambda row: row.open_leads,
    "promises": lambda row: row.open_follow_ups,
}
_HEADER = ("Rep", "Territories", "Now", "Open leads", "Most open leads", "Open follow-ups", "Away from", "Away to")
_LEFT_HEADER = ("Lead", "Company", "Follow-up", "Due", "Owner", "Why", "Lead's owner", "Lead ID")


@login_required
@require_GET
def reps(request: SignedInRequest) -> HttpResponse:
    """Everybody who sells: at work or not, load, capacity, territories."""
    sales_desk(request)
    at = timezone.now()
    rows = reps_of(Company.current(), at)
    sort = request.GET.get("sort", "")
    if key := _SORTS.get(sort.removeprefix("-")):
        rows.sort(key=key, reverse=sort.startswith("-"))
    if made := list_file(request, "reps", _HEADER, lambda: map(_cells, rows)):
        return made
    gone = [row for row in rows if row.state in ("inactive", "left_crm") and (row.open_leads or row.open_follow_ups)]
    return render(request, "leads/routing/reps.html", {"rows": rows, "gone": gone})


def _cells(row: RepRow) -> tuple[Any, ...]:
    territories = ", ".join(f"{name} ({weight})" for name, weight in row.territories)
    away = row.next_away or (None, row.away_until)
    return (row.rep, territories, row.words, row.open_leads, row.capacity, row.open_follow_ups, *away)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def rep_schedule(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """A rep's hours, holidays, capacity and days away."""
    sales_desk(request)
    rep = get_object_or_404(User.objects.select_related("capacity"), public_id=public_id)
    own = RepHours.objects.filter(rep=rep).first() or RepHours(rep=rep)
    posted = request.POST if request.method == "POST" else None
    form = ScheduleForm(posted, instance=own, initial={"capacity": capacity_of(rep)})
    if posted is not None and form.is_valid():
        hours = {name: form.cleaned_data[name] for name in ScheduleForm.Meta.fields}
        set_schedule(rep=rep, hours=hours, capacity=form.cleaned_data["capacity"])
        messages.success(request, f"Working hours of {rep} saved.")
        return redirect("leads:rep-schedule", rep.public_id)
    return _schedule(request, rep, form, AbsenceForm())


def _schedule(request: SignedInRequest, rep: User, form: ScheduleForm, absence: AbsenceForm) -> HttpResponse:
    at, company = timezone.now(), Company.current()
    schedule = schedules_of([rep.pk], company, at)[rep.pk]
    hours, starts = schedule.hours, schedule.starts_at(at)
    context = {
        "rep": rep,
        "form": form,
        "absence_form": absence,
        "absences": RepAbsence.objects.filter(rep=rep).order_by("-starts_on", "-pk")[:20],
        "today": schedule.today(at),
        "hours": hours,
        "starts_at": starts,
        "is_at_work": starts is not None and starts <= at,
        "holidays": coming_holidays(hours, schedule.today(at)),
    }
    status = 422 if form.errors or absence.errors else 200
    return render(request, "leads/routing/rep_schedule.html", context, status=status)


@login_required
@require_POST
def rep_absence_add(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Note days away."""
    sales_desk(request)
    rep = get_object_or_404(User.objects.select_related("capacity"), public_id=public_id)
    absence = AbsenceForm(request.POST)
    if absence.is_valid():
        try:
            add_absence(rep=rep, **absence.cleaned_data)
        except ScheduleRefused as refusal:
            absence.add_error(None, str(refusal))
        else:
            messages.success(request, "Days away added: no leads are assigned on them.")
            return redirect("leads:rep-schedule", rep.public_id)
    own = RepHours.objects.filter(rep=rep).first() or RepHours(rep=rep)
    return _schedule(request, rep, ScheduleForm(instance=own, initial={"capacity": capacity_of(rep)}), absence)


@login_required
@require_POST
def rep_absence_remove(request: SignedInRequest, public_id: UUID, absence_id: int) -> HttpResponse:
    """Take days away back."""
    sales_desk(request)
    rep = get_object_or_404(User, public_id=public_id)
    if remove_absence(rep=rep, absence_id=absence_id):
        messages.success(request, "Days away removed.")
    return redirect("leads:rep-schedule", rep.public_id)


@login_required
@require_GET
def stranded(request: SignedInRequest) -> HttpResponse:
    """Open follow-ups of deactivated people."""
    sales_desk(request)
    rows = stranded_follow_ups()
    if owner := request.GET.get("owner"):
        rows = rows.filter(owner__public_id=owner) if _is_uuid(owner) else rows.none()
    if made := list_file(request, "follow-ups of deactivated people", _LEFT_HEADER, lambda: map(_left, rows)):
        return made
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    owners = User.objects.filter(pk__in=stranded_follow_ups().order_by().values("owner")).order_by("name", "pk")
    context = {"page": page, "at": timezone.now(), "owners": owners, "chosen": owner or ""}
    return render(request, "leads/routing/stranded.html", context)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _left(row: Any) -> tuple[Any, ...]:
    why = "Deactivated" if not row.owner.is_active else "Deactivated in the CRM"
    lead = row.lead
    kind = row.get_kind_display()
    return (lead.display_name, lead.company, kind, row.due_at, row.owner, why, lead.owned_by, str(lead.public_id))
