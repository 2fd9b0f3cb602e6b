"""Who gets the weekly report by email, and what it is measured against."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from alignment.models import Target
from leads.actions.notifications.choose import choose
from leads.figures.base import UnknownFigure, definition
from leads.figures.words import number_text
from leads.models import Company, Role
from leads.models.notification import MessageChannel
from leads.queries.notifications import readers, wanting
from leads.views.doors import SignedInRequest, allowed

KIND = "weekly_report"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report_settings(request: SignedInRequest) -> HttpResponse:
    """Recipients by person, each of whom can still unsubscribe; targets in words."""
    allowed(request, lambda user: user.has_role(Role.ADMIN), "Admins change settings.")
    people = readers()
    if request.method == "POST":
        wanted = set(request.POST.getlist("recipients"))
        for person in people:
            is_on = str(person.public_id) in wanted
            choose(user=person, choices={(KIND, MessageChannel.EMAIL): is_on}, at=timezone.now())
        messages.success(request, "Recipients of the weekly report saved.")
        return redirect("alignment:report-settings")
    getting = {person.pk for person in wanting(people, kind=KIND, channel=MessageChannel.EMAIL)}
    context = {"people": [(person, person.pk in getting) for person in people], "targets": _targets()}
    return render(request, "alignment/report/report_settings.html", context)


def _targets() -> list[tuple[Target, str, str]]:
    """Every target with the name of its figure and its weekly value in words."""
    currency, told = Company.current().currency, []
    for target in Target.objects.order_by("figure", "-starts_on"):
        try:
            about = definition(target.figure)
        except UnknownFigure:
            continue
        told.append((target, about.name, number_text(target.weekly_value, about.unit, currency)))
    return told
