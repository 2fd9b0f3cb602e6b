"""Every computation: when, why, by which rules, and what it changed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from attribution.models import AttributionRun
from attribution.queries.runs import may_run, runs_known
from leads.figures.offers import usual_method
from leads.models import Company
from leads.pure import words
from leads.views.doors import SignedInRequest
from leads.views.list_file import list_file

PAGE_SIZE = 20
_HEADER = ("Started", "Finished", "Kind", "State", "Reason", "Error", "Seen", "Recomputed", "Removed", "Because of")
CAUSES = {
    "new_opportunity": "new opportunities",
    "rules": "other rules",
    "fit": "models that learned anew",
    "amount": "amounts",
    "stage": "status or dates",
    "contacts": "contacts or roles",
    "merges": "merged contacts",
    "touches": "touches",
}


@login_required
@require_GET
def runs(request: SignedInRequest) -> HttpResponse:
    """The runs that changed something or failed, newest first; ``all=1`` shows the others too."""
    if not request.user.sees_all:
        raise Http404("Runs are for those who see the whole company.")
    company = Company.current()
    found = runs_known().order_by("-started_at", "-pk")
    shows_all = request.GET.get("all") == "1"
    if not shows_all:
        found = found.exclude(
            state=AttributionRun.State.DONE, opportunities_recomputed=0, difference__opportunities_changed=0
        )
    if made := list_file(request, "attribution runs", _HEADER, lambda: (_line(_entry(run, company)) for run in found)):
        return made
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    entries = [_entry(run, company) for run in page]
    context = {"page": page, "entries": entries, "shows_all": shows_all, "may_run": may_run(request.user)}
    return render(request, "attribution/runs/runs.html", context)


def _line(entry: dict[str, Any]) -> tuple[Any, ...]:
    run = entry["run"]
    causes = ", ".join(f"{count} {cause}" for cause, count in entry["causes"])
    told = (run.started_at, run.finished_at, run.get_kind_display(), run.state, run.reason, run.error)
    return (*told, run.opportunities_seen, run.opportunities_recomputed, entry["removed"], causes)


def _entry(run: AttributionRun, company: Company) -> dict[str, Any]:
    difference = run.difference or {}
    moved = difference.get("methods", {}).get(usual_method(company.default_method), {})
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else None
    return {
        "run": run,
        "seconds": "" if seconds is None else f"{seconds:.1f} s",
        "causes": [(CAUSES.get(cause, cause), count) for cause, count in difference.get("causes", {}).items()],
        "removed": difference.get("opportunities_removed", 0),
        "gained": words.money(moved.get("gained_cents", 0), company.currency),
        "lost": words.money(moved.get("lost_cents", 0), company.currency),
        "campaigns": [
            (entry["campaign"] or "No campaign, or Unattributed", words.money_exact(entry["cents"], company.currency))
            for entry in moved.get("campaigns", ())
        ],
    }
