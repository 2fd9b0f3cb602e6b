"""What workflows did: the log, one enrollment, both arms of a hold-out, emails that wait for a person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads.actions.workflows.end_enrollment import end_enrollment
from leads.actions.workflows.opt_out import OptOutRefused, mail_of_link, opt_out
from leads.actions.workflows.send_mails import message_id, settle_mail
from leads.models import Company, Enrollment, HoldOutArm, Lead, WorkflowMail
from leads.past.acting import Door, act_on
from leads.pure.refused import Refused
from leads.pure.workflows.hold_out import Arm
from leads.queries.conditions import lead_catalog
from leads.queries.workflows.access import may_change_workflows
from leads.queries.workflows.log import counts_by_state, enrollments, mails_to_decide
from leads.queries.workflows.names import names
from leads.queries.workflows.outline import outline
from leads.views.doors import SignedInRequest
from leads.views.list_file import list_file
from leads.views.workflows.access import workflow_of, writer

PAGE_SIZE = 25
_HEADER = ("Lead", "Email", "Company", "State", "Version", "Enrolled", "Why", "Ended", "Why it ended", "Lead ID", "ID")
_ARMS = ("Unit", "Name", "Arm", "Assigned", "Version", "ID")
_MAILS = ("Workflow", "Lead", "Email", "Subject", "State", "Tried", "Why", "Message ID")


@login_required
@require_GET
def workflow_log(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Every enrollment, and who was not enrolled, with the reasons."""
    user, row = request.user, workflow_of(public_id)
    state, words = request.GET.get("state", "entered"), request.GET.get("q", "").strip()[:200]
    rows = enrollments(row, user, state=state, words=words, sort=request.GET.get("sort", ""))
    cells = (
        (each.lead.display_name, each.lead.email, each.lead.company, each.get_state_display(), each.version.number,
         each.enrolled_at, each.because, each.ended_at, each.ended_because, each.lead.public_id, each.public_id)
        for each in rows.iterator(chunk_size=2_000)
    )  # fmt: skip
    if made := list_file(request, f"{row.name} log", _HEADER, lambda: cells):
        return made
    counts = counts_by_state(row, user)
    context = {
        "row": row,
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "state": state,
        "q": words,
        "states": [(value, label, counts[value]) for value, label in Enrollment.State.choices],
        "entered": sum(counts.values()) - counts[Enrollment.State.REFUSED],
        "all": sum(counts.values()),
    }
    return render(request, "leads/workflows/workflow_log.html", context)


@login_required
@require_GET
def enrollment(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """One enrollment: why, each step with what it did, and what comes next."""
    rows = Enrollment.objects.visible_to(request.user).select_related("lead", "version__workflow", "workflow", "step")
    row = get_object_or_404(rows, public_id=public_id)
    lines = outline(row.version, lead_catalog(), names()).flat
    mails = {mail.step_id: mail for mail in row.mails.order_by("pk")}
    runs = row.step_runs.select_related("step").order_by("ran_at", "pk")
    context = {
        "row": row,
        "runs": [(run, lines.get(run.step_id), mails.get(run.step_id)) for run in runs],
        "next": lines.get(row.step_id) if row.step_id else None,
        "may_change": may_change_workflows(request.user),
    }
    return render(request, "leads/workflows/enrollment.html", context)


@login_required
@require_POST
def enrollment_end(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take a lead out of a workflow."""
    user = writer(request)
    row = get_object_or_404(Enrollment, public_id=public_id)
    try:
        end_enrollment(enrollment=row, by=user, at=timezone.now())
    except Refused as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, "The enrollment has ended: no further step is taken.")
    return redirect(row)


@login_required
@require_GET
def workflow_arms(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """On whom the workflow acts and whom it leaves alone, each with moment and version."""
    row, arm = workflow_of(public_id), request.GET.get("arm", "")
    rows = HoldOutArm.objects.filter(workflow=row).select_related("lead", "account", "version")
    if not request.user.sees_all:
        rows = rows.filter(lead__in=Lead.objects.visible_to(request.user))
    if arm in set(Arm):
        rows = rows.filter(arm=arm)
    up = request.GET.get("sort", "") == "assigned"
    rows = rows.order_by(*(("assigned_at", "pk") if up else ("-assigned_at", "-pk")))
    if made := list_file(request, f"{row.name} hold-out", _ARMS, lambda: map(_arm_cells, rows.iterator(2_000))):
        return made
    context = {"row": row, "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")), "arm": arm}
    return render(request, "leads/workflows/workflow_arms.html", context)


def _arm_cells(row: HoldOutArm) -> tuple[Any, ...]:
    unit = row.lead or row.account
    name = row.lead.display_name if row.lead else str(row.account)
    kind = "person" if row.lead else "account"
    return kind, name, row.get_arm_display(), row.assigned_at, row.version.number, unit.public_id if unit else ""


@login_required
@require_GET
def workflow_mails(request: SignedInRequest) -> HttpResponse:
    """Emails of which nobody can tell whether they left, and those that could not be sent."""
    user = request.user
    rows = mails_to_decide(user)
    cells = (
        (mail.enrollment.workflow.name, mail.enrollment.lead.display_name, mail.email, mail.subject,
         mail.get_state_display(), mail.claimed_at, mail.said, message_id(mail=mail))
        for mail in rows
    )  # fmt: skip
    if made := list_file(request, "emails to decide", _MAILS, lambda: cells):
        return made
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "mails": [(mail, message_id(mail=mail)) for mail in page],
        "may_change": may_change_workflows(user),
    }
    return render(request, "leads/workflows/workflow_mails.html", context)


@login_required
@require_POST
def workflow_mail_settle(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Say of an email that it was sent, send it again, or give it up."""
    user = writer(request)
    mail, to = get_object_or_404(WorkflowMail, public_id=public_id), request.POST.get("to", "")
    try:
        settle_mail(mail=mail, was_sent=to == "sent", again=to == "again", by=user, at=timezone.now())
    except Refused as refused:
        messages.warning(request, str(refused))
    else:
        said = {"sent": "The email counts as sent.", "again": "The email is sent again."}
        messages.success(request, said.get(to, "The email is given up."))
    return redirect("leads:workflow-mails")


@csrf_exempt  # no session, no cookie: nobody is signed in whose name could be misused; mail programs post here
@require_http_methods(["GET", "HEAD", "POST"])
def mail_opt_out(request: HttpRequest, token: str) -> HttpResponse:
    """Leave the emails of workflows. Opening the link only asks: scanners open links, too."""
    context: dict[str, Any] = {"company_name": Company.current().name}
    try:
        if request.method == "POST":
            act_on(Door.PAGE, source="unsubscribe link", because="Unsubscribed")
            context |= {"mail": opt_out(token=token, at=timezone.now()), "is_done": True}
        else:
            context["mail"] = mail_of_link(token=token)
    except OptOutRefused as refused:
        return render(request, "leads/workflows/opt_out.html", {**context, "why": str(refused)}, status=404)
    return render(request, "leads/workflows/opt_out.html", context)
