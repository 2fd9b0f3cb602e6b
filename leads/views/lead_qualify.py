"""Qualifying a lead as SQL, disqualifying and recycling it; and the questions that are asked."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leads.actions.handover.disqualify_lead import disqualify_lead
from leads.actions.handover.qualify_lead import qualify_lead
from leads.actions.handover.recycle_lead import recycle_lead
from leads.actions.handover.save_questions import save_questions
from leads.forms.lead import DisqualifyForm, RecycleForm
from leads.forms.qualification import QualifyForm, QuestionFormSet, QuestionsForm, shown, written
from leads.models import Lead, QuestionSet, Role, User
from leads.pure.lifecycle import why_not
from leads.pure.qualification import AnswersRefused, QuestionsRefused, from_rows
from leads.queries.lead import may_work
from leads.views.doors import SignedInRequest, allowed
from leads.views.lead_page import changed, round_since, visible_lead

VERSIONS_SHOWN = 10


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lead_qualify(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """The company's questions; answering them makes an SAL an SQL."""
    lead, user = visible_lead(request, public_id), request.user
    if not may_work(user, lead):
        raise PermissionDenied("Only the owner, sales leaders and admins qualify a lead.")
    asked = QuestionSet.objects.order_by("-version")[0]
    form = QualifyForm(request.POST or None, questions=from_rows(asked.questions), version=asked.version)
    problem = why_not("qualify", lead.stage)
    if request.method == "POST" and not problem and form.is_valid():
        given = form.cleaned_data

        def change(lead: Lead, user: User) -> str:
            qualify_lead(
                lead_id=lead.pk,
                version=given["version"],
                answers=form.answers,
                note=given["note"],
                by=user,
                at=timezone.now(),
            )
            return f"{lead.display_name} is an SQL."

        try:
            return changed(request, public_id, change, passes=(AnswersRefused,))
        except AnswersRefused as refusal:
            form.add_error(f"answer-{refusal.field}" if refusal.field else None, refusal.reason)
    since = round_since(request)
    context = {
        "lead": lead,
        "form": form,
        "problem": problem,
        "day": str(int(since.timestamp())) if since else "",
        "version": asked.version,
    }
    status = 422 if form.errors or (problem and request.method == "POST") else 200
    return render(request, "leads/handover/lead_qualify.html", context, status=status)


@login_required
@require_POST
def lead_disqualify(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Out for good, with a reason."""
    form = DisqualifyForm(request.POST, auto_id="disqualify_%s")

    def change(lead: Lead, user: User) -> str:
        disqualify_lead(lead_id=lead.pk, by=user, at=timezone.now(), **form.cleaned_data)
        return f"{lead.display_name} is disqualified."

    return changed(request, public_id, change, disqualify_form=form)


@login_required
@require_POST
def lead_recycle(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Put off, until a day."""
    form = RecycleForm(request.POST, auto_id="recycle_%s")

    def change(lead: Lead, user: User) -> str:
        recycle_lead(lead_id=lead.pk, by=user, at=timezone.now(), **form.cleaned_data)
        until = form.cleaned_data["comes_back_on"]
        return f"{lead.display_name} is recycled{f' until {until:%-d %b %Y}' if until else ''}."

    return changed(request, public_id, change, recycle_form=form)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def qualification_settings(request: SignedInRequest) -> HttpResponse:
    """The questions as an admin keeps them; saving makes another version."""
    user = allowed(request, lambda person: person.has_role(Role.ADMIN), "Admins change settings.")
    newest = QuestionSet.objects.order_by("-version")[0]
    form = QuestionsForm(request.POST or None, initial={"seen": newest.version})
    rows = QuestionFormSet(request.POST or None, initial=shown(newest.questions), prefix="questions")
    if request.method == "POST" and form.is_valid() and rows.is_valid():
        try:
            saved = save_questions(
                questions=written([row.cleaned_data for row in rows]),
                seen=form.cleaned_data["seen"],
                change=form.cleaned_data["change"],
                by=user,
                at=timezone.now(),
            )
        except QuestionsRefused as refusal:
            where = f"Question {int(refusal.field) + 1}: " if refusal.field else ""
            form.add_error(None, f"{where}{refusal.reason}")
        else:
            is_new = saved.version > newest.version
            messages.success(
                request, f"Version {saved.version} is asked from now on." if is_new else "Nothing changed."
            )
            return redirect("leads:qualification-settings")
    versions = QuestionSet.objects.select_related("created_by").annotate(used=Count("qualifications"))
    context = {
        "form": form,
        "rows": rows,
        "version": newest.version,
        "versions": versions.order_by("-version")[:VERSIONS_SHOWN],
    }
    is_wrong = bool(form.errors) or (request.method == "POST" and not rows.is_valid())
    return render(request, "leads/handover/qualification_settings.html", context, status=422 if is_wrong else 200)
