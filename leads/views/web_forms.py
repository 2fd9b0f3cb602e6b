"""Forms on the web, for those who build them: the list, one form with what it brought, the builder, tracked sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads.actions.imports.file import receive_file
from leads.actions.web_forms.confirm_sign_up import ConfirmRefused, send_again
from leads.actions.web_forms.release_submission import ReleaseRefused, release_submission
from leads.actions.web_forms.save_form import FormRefused, save_form, save_site, switch_form
from leads.forms.imports import AttendanceFile
from leads.forms.web_forms import SiteForm, WebFormForm, field_forms
from leads.models import FormKind, ImportKind, Submission, TrackedSite, User, WebForm
from leads.pure.table_file import UnreadableFile
from leads.queries.web_forms import asked_by, attendance_of, forms_with_counts, may_change_forms, may_read_forms
from leads.tasks import nudge_intake
from leads.views.doors import SignedInRequest, allowed
from leads.views.form_page import page_context
from leads.views.list_file import list_file

PAGE_SIZE = 25
_HEADER = (
    "Form", "Counts as", "State", "Shown", "Sent", "Leads", "Not confirmed", "Spam", "Last sent", "Address",
)  # fmt: skip
_SENT = ("Received", "State", "Email", "First name", "Last name", "Lead", "Attendance", "Confirmed", "Why", "ID")
_SORTS = {"name": "name", "shown": "shown", "sent": "sent", "leads": "people", "spam": "spam", "newest": "newest"}


def _reader(request: SignedInRequest) -> User:
    return allowed(request, may_read_forms, "Forms are for admins and marketing directors.")


def _writer(request: SignedInRequest) -> User:
    return allowed(request, may_change_forms, "Admins build forms.")


@login_required
@require_GET
def web_forms(request: SignedInRequest) -> HttpResponse:
    """Every form with what it brought."""
    user = _reader(request)
    sort = request.GET.get("sort", "")
    column = F(_SORTS.get(sort.removeprefix("-"), "name"))
    ordered = column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)
    rows = forms_with_counts().order_by("-is_open", ordered, "pk")
    if (show := request.GET.get("show", "")) in ("open", "closed"):
        rows = rows.filter(is_open=show == "open")
    if made := list_file(request, "forms", _HEADER, lambda: map(_line, rows)):
        return made
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "may_change": may_change_forms(user), "show": show}
    return render(request, "leads/web_forms/web_forms.html", context)


def _line(form: Any) -> tuple[Any, ...]:
    state = "open" if form.is_open else "closed"
    counts = (form.shown, form.sent, form.people, form.waiting, form.spam)
    return (form.name, form.get_kind_display(), state, *counts, form.newest, public_url(form))


@login_required
@require_GET
def web_form(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """One form: its figures, where it stands, how to embed it, and everything that was sent."""
    user, form = _reader(request), get_object_or_404(forms_with_counts(), public_id=public_id)
    rows = _submissions(form, request.GET.get("state", ""), request.GET.get("sort", ""))
    if made := list_file(request, form.name, _SENT, lambda: _sent_lines(rows)):
        return made
    consents = form.consent_texts.select_related("saved_by").order_by("-number")
    context = {
        "form": form,
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "states": Submission.State.choices,
        "state": request.GET.get("state", ""),
        "may_change": may_change_forms(user),
        "url": public_url(form),
        "snippet": (
            f'<div data-revops-form="{form.key}"></div>\n'
            f'<script src="{settings.PORTAL_URL}/static/js/embed.js" defer></script>'
        ),
        "consents": consents,
        "attendance": attendance_of(form) if form.is_webinar else None,
        "upload": AttendanceFile() if form.is_webinar else None,
    }
    return render(request, "leads/web_forms/web_form.html", context)


def _submissions(form: WebForm, state: str, sort: str) -> QuerySet[Submission]:
    rows = Submission.objects.filter(form=form).select_related("lead", "confirmation").defer("item")
    if state in Submission.State.values:
        rows = rows.filter(state=state)
    if sort.removeprefix("-") == "state":
        return rows.order_by(sort, "-received_at", "-pk")
    return rows.order_by(*(("received_at", "pk") if sort == "received" else ("-received_at", "-pk")))


def _sent_lines(rows: QuerySet[Submission]) -> Iterator[tuple[Any, ...]]:
    for row in rows.iterator(chunk_size=2_000):
        values = row.payload.get("values", {})
        person = tuple(values.get(name, "") for name in ("email", "first_name", "last_name"))
        why = row.errors[0]["detail"] if row.errors else ""
        lead = str(row.lead.public_id) if row.lead else ""
        end = (row.get_attendance_display(), row.confirmed_at, why, str(row.public_id))
        yield (row.received_at, row.get_state_display(), *person, lead, *end)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def web_form_add(request: SignedInRequest) -> HttpResponse:
    """Build a new form."""
    return _build(request, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def web_form_edit(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Change a form."""
    _writer(request)
    return _build(request, get_object_or_404(WebForm, public_id=public_id))


def _build(request: SignedInRequest, present: WebForm | None) -> HttpResponse:
    user = _writer(request)
    consent = present.consent_texts.order_by("-number").first() if present else None
    initial = {"consent": consent.text, "consent_required": consent.is_required} if consent else {}
    data = request.POST.copy() if request.method == "POST" else None
    is_adding = data is not None and data.get("do") == "add"
    if data is not None and is_adding:
        count = data.get("fields-TOTAL_FORMS", "0")
        data["fields-TOTAL_FORMS"] = str(int(count) + 1 if count.isdecimal() else 1)
    form = WebFormForm(data, instance=present, initial=initial)
    fields = field_forms(present, data)
    is_refused = False
    if data is not None and not is_adding:
        is_refused = True
        # Both are asked, so that all that is wrong is shown at once.
        if all([form.is_valid(), fields.is_valid()]):
            try:
                saved = save_form(
                    # What the form on the page has read into its row is not what is stored.
                    form=WebForm.objects.get(pk=present.pk) if present else None,
                    values=form.values,
                    fields=fields.chosen(),
                    consent=form.cleaned_data["consent"],
                    consent_required=form.cleaned_data["consent_required"],
                    by=user,
                    at=timezone.now(),
                )
            except FormRefused as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, f"“{saved.name}” is saved.")
                return redirect("leads:web-form", saved.public_id)
    context = {"form": form, "fields": fields, "present": present, "is_adding": is_adding}
    return render(request, "leads/web_forms/web_form_edit.html", context, status=422 if is_refused else 200)


@login_required
@require_GET
def web_form_preview(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """The form as visitors see it; it cannot be sent."""
    _reader(request)
    form = get_object_or_404(WebForm.objects.select_related("campaign"), public_id=public_id)
    context = {**page_context(form, asked_by(form), ""), "is_preview": True}
    return render(request, "leads/web_forms/public_form.html", context)


@login_required
@require_POST
def web_form_switch(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Open a form or close it."""
    user, form = _writer(request), get_object_or_404(WebForm, public_id=public_id)
    is_open = request.POST.get("to") == "open"
    switch_form(form=form, is_open=is_open, by=user)
    messages.success(request, f"“{form.name}” is {'open' if is_open else 'closed'}.")
    return redirect("leads:web-form", form.public_id)


@login_required
@require_POST
def web_form_attendance(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take a webinar's file of who came; its columns are chosen on the pages of imports."""
    user = _reader(request)
    form = get_object_or_404(WebForm, public_id=public_id, kind=FormKind.WEBINAR_REGISTRATION)
    upload = AttendanceFile(request.POST, request.FILES)
    if upload.is_valid():
        file = upload.cleaned_data["file"]
        try:
            run = receive_file(
                kind=ImportKind.ATTENDANCE,
                file_name=file.name,
                content=file.read(),
                by=user,
                at=timezone.now(),
                web_form=str(form.public_id),
            )
        except UnreadableFile as error:
            messages.error(request, str(error))
        else:
            return redirect("leads:import-columns", run.public_id)
    else:
        messages.error(request, " ".join(str(error) for errors in upload.errors.values() for error in errors))
    return redirect("leads:web-form", form.public_id)


@login_required
@require_POST
def submission_release(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take what was kept as spam, or send a confirmation again."""
    user = _reader(request)
    rows = Submission.objects.select_related("form").filter(form__isnull=False)
    submission = get_object_or_404(rows, public_id=public_id)
    try:
        if request.POST.get("do") == "mail":
            send_again(submission=submission, by=user, at=timezone.now())
            messages.success(request, "Another confirmation email is on its way.")
        else:
            release_submission(submission=submission, by=user, at=timezone.now())
            messages.success(request, "It is no spam any more and is taken in.")
    except (ReleaseRefused, ConfirmRefused) as error:
        messages.warning(request, str(error))
    nudge_intake()
    form = submission.form
    return redirect("leads:web-form", form.public_id) if form else redirect("leads:web-forms")


@login_required
@require_GET
def tracked_sites(request: SignedInRequest) -> HttpResponse:
    """Websites that tell of visits, each with the script to put there."""
    user = _reader(request)
    sites = TrackedSite.objects.order_by("name")
    header = ("Site", "Where", "Waits for consent", "Takes visits", "Script")
    lines = lambda: ((s.name, ", ".join(s.origins), s.asks_consent, s.is_open, script_of(s)) for s in sites)  # noqa: E731
    if made := list_file(request, "tracked sites", header, lines):
        return made
    context = {"sites": [(site, script_of(site)) for site in sites], "may_change": may_change_forms(user)}
    return render(request, "leads/web_forms/tracked_sites.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tracked_site_add(request: SignedInRequest) -> HttpResponse:
    """Let another website tell of visits."""
    return _site(request, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tracked_site(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Change a tracked site."""
    _writer(request)
    return _site(request, get_object_or_404(TrackedSite, public_id=public_id))


def _site(request: SignedInRequest, present: TrackedSite | None) -> HttpResponse:
    user = _writer(request)
    form = SiteForm(request.POST or None, instance=present)
    if request.method == "POST" and form.is_valid():
        stored = TrackedSite.objects.get(pk=present.pk) if present else None
        save_site(site=stored, values=form.cleaned_data, by=user, at=timezone.now())
        messages.success(request, f"“{form.cleaned_data['name']}” is saved.")
        return redirect("leads:tracked-sites")
    context = {"form": form, "present": present}
    return render(request, "leads/web_forms/tracked_site.html", context, status=422 if form.errors else 200)


def public_url(form: WebForm) -> str:
    """Where anybody finds the form."""
    return f"{settings.PORTAL_URL}/f/{form.key}"


def script_of(site: TrackedSite) -> str:
    """What to put on each page of the site."""
    return f'<script src="{settings.PORTAL_URL}/t/{site.key}.js" async></script>'
