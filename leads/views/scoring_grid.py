"""Fit by engagement: how many leads stand in each of sixteen cells; each cell opens their list."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from leads.models import Lead, Stage
from leads.pure.grades import ENGAGEMENT_GRADES, FIT_GRADES, grade_limits, said
from leads.queries.grades import active_limits, grid
from leads.queries.scoring import may_read_scoring
from leads.views.doors import SignedInRequest, allowed
from leads.views.list_file import list_file
from leads.views.past import asked_as_of


@login_required
@require_GET
@asked_as_of
def scoring_grid(request: SignedInRequest) -> HttpResponse:
    """Counts of all leads, or of those in one stage."""
    allowed(request, may_read_scoring, "Scoring is for admins, marketing directors and sales leaders.")
    rules = active_limits()
    if rules is None:
        return render(request, "leads/scoring/scoring_grid.html", {"rows": []})
    stage = request.GET.get("stage", "")
    visible = Lead.objects.visible_to(request.user)
    leads = visible.filter(stage=stage) if stage in Stage.values else visible
    counts = grid(leads, rules)
    rows = [
        (fit, said(grade_limits(rules, f"{fit}1")[0]), [_cell(request, fit + each, counts, stage) for each in "1234"])
        for fit in FIT_GRADES
    ]
    header = ("Fit", "Engagement", "Leads")
    cells = [(fit, each["grade"][1], each["count"]) for fit, _, row in rows for each in row]
    if made := list_file(request, "fit by engagement", header, lambda: cells):
        return made
    context: dict[str, Any] = {
        "rows": rows,
        "columns": [(each, said(grade_limits(rules, f"A{each}")[1])) for each in ENGAGEMENT_GRADES],
        "total": sum(counts.values()),
        "unscored": leads.filter(shown__isnull=True).count(),
        "rules": rules,
        "stage": stage if stage in Stage.values else "",
        "stages": Stage.choices,
    }
    return render(request, "leads/scoring/scoring_grid.html", context)


def _cell(request: SignedInRequest, grade: str, counts: dict[str, int], stage: str) -> dict[str, Any]:
    asked = {"grade": grade, **({"stage": stage} if stage in Stage.values else {})}
    if moment := request.GET.get("as_of"):
        asked["as_of"] = moment
    most = max(counts.values()) or 1
    return {
        "grade": grade,
        "count": counts[grade],
        "url": f"{reverse('leads:lead-list')}?{urlencode(asked)}",
        "shade": min(4, -(-counts[grade] * 4 // most)),
        "is_qualified": grade[0] in "AB" and grade[1] in "12",
    }
