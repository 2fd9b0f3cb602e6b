"""From an empty installation to the first report: what is done, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from alignment.models import WeeklyReport
from integrations.models import Connection
from leads.models import ApiKey, Company, ImportRun, JobRun, Role, Submission, TerritoryRep, User
from leads.views.doors import SignedInRequest, allowed


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, with the page that does it."""

    title: str
    why: str
    action: str
    url: str
    is_done: bool


def steps() -> list[Step]:
    """The steps in order, each with whether the data say that it is done."""
    company = Company.current()
    first_name = Company._meta.get_field("name").default
    return [
        Step(
            "Company settings",
            f"Name, time zone ({company.time_zone}) and currency ({company.currency}) decide how every day and amount "
            "is read. The currency is fixed once deals or costs are recorded.",
            "Open company settings",
            reverse("leads:company-settings"),
            company.name != first_name,
        ),
        Step(
            "People",
            "Invite marketing, sales leaders, reps and other admins by email. Each sees what their role is for.",
            "Invite people",
            reverse("leads:people"),
            User.objects.exclude(is_superuser=True).exists(),
        ),
        Step(
            "Territories",
            "Rules decide which reps a lead goes to. Put at least one rep into a territory: the one for everything "
            "else is there already.",
            "Set up territories",
            reverse("leads:territories"),
            TerritoryRep.objects.exists(),
        ),
        Step(
            "Capture leads",
            "An API key lets your website and forms send leads. Without one, leads come from a CRM or a file.",
            "Make an API key",
            reverse("admin:leads_apikey_add"),
            ApiKey.objects.filter(revoked=False).exists() or Submission.objects.exists(),
        ),
        Step(
            "Bring in what you have",
            "Connect a CRM, or import leads, opportunities and campaign costs from CSV files.",
            "Import a file",
            reverse("leads:imports"),
            Connection.objects.filter(switched_on_at__isnull=False).exists()
            or ImportRun.objects.filter(is_dry_run=False, job__state=JobRun.State.DONE).exists(),
        ),
        Step(
            "First weekly report",
            "It comes out every Monday at 06:00. You can publish the last whole week now.",
            "Open the weekly report",
            reverse("alignment:weekly-report-latest"),
            WeeklyReport.objects.exists(),
        ),
    ]


def is_set_up() -> bool:
    """Whether the installation got as far as its first report; then nobody is sent to the checklist any more."""
    return WeeklyReport.objects.exists()


@login_required
@require_GET
def first_run(request: SignedInRequest) -> HttpResponse:
    """The checklist, for admins."""
    allowed(request, lambda user: user.has_role(Role.ADMIN), "Admins set up the portal.")
    todo = steps()
    following = next((step for step in todo if not step.is_done), None)
    context = {"steps": todo, "next": following, "done": sum(step.is_done for step in todo)}
    return render(request, "config/first_run.html", context)
