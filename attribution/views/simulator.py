"""The simulator: a market of known truth, and what every method makes of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from attribution.actions.accuracy.run_simulation import SimulationRefused, request_simulation
from attribution.figures.offers import chosen_method
from attribution.forms.accuracy import SimulationForm
from attribution.models import Simulation
from attribution.pure.accuracy.scenarios import described
from attribution.queries.rules import methods
from attribution.tasks import nudge_measure
from attribution.views.doors import whole_company
from leads.models import Company, JobRun
from leads.pure import words
from leads.pure.charts import Chart, bars, compact
from leads.views.doors import SignedInRequest
from leads.views.progress import progress_answer

SHOWN = 12
RECENT = 8


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def simulator(request: SignedInRequest) -> HttpResponse:
    """Choose a market; running it leads to its own page."""
    whole_company(request)
    form = SimulationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            found = request_simulation(**form.cleaned_data, by=request.user, at=timezone.now())
        except SimulationRefused as error:
            form.add_error(None, str(error))
        else:
            if found.results is None:
                nudge_measure()
            return redirect("attribution:simulation", found.public_id)
    chosen = form["scenario"].value() or next(iter(described()))
    context = {
        "form": form,
        "scenarios": [(name, text, name == chosen) for name, text in described().items()],
        "recent": list(Simulation.objects.exclude(results=None).order_by("-made_at", "-pk")[:RECENT]),
    }
    return render(request, "attribution/accuracy/simulator.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def simulation(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """What caused the revenue of a market, beside what a method says; ``method`` chooses the one that is drawn."""
    whole_company(request)
    found = get_object_or_404(Simulation.objects.select_related("job"), public_id=public_id)
    context: dict[str, Any] = {"simulation": found, "sentence": described().get(found.scenario, "")}
    if found.results is None:
        context["is_failed"] = found.job is not None and found.job.state == JobRun.State.FAILED
        return render(request, "attribution/accuracy/simulation.html", context)
    results = found.results
    own = chosen_method(methods(), Company.current()).key
    known = {row["method"]: row for row in results["methods"]}
    asked = request.GET.get("method", "")
    second = known.get(asked) or known.get(own) or known["linear"]
    rows = sorted(results["methods"], key=lambda row: -row["craa"])
    context |= {
        "chart": _chart(
            results, [known["additive_hazard"], second] if second["method"] != "additive_hazard" else [second]
        ),
        "rows": rows,
        "second": second,
        "own": own,
        "campaigns": _campaigns(results, second),
        "share_caused": words.share(results["caused"] / results["revenue"], 0) if results["revenue"] else "–",
    }
    return render(request, "attribution/accuracy/simulation.html", context)


@login_required
@require_GET
def simulation_progress(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Whether a simulation in the background is done."""
    whole_company(request)
    found = get_object_or_404(Simulation.objects.select_related("job"), public_id=public_id)
    is_moving = found.results is None and found.job is not None and found.job.is_unfinished
    return progress_answer(
        request, "attribution/accuracy/_simulation_progress.html", {"simulation": found}, is_moving=is_moving
    )


def _chart(results: dict[str, Any], shown: list[dict[str, Any]]) -> Chart:
    """Grouped bars: the truth, then each method; small campaigns together at the end."""
    order = sorted(range(len(results["campaigns"])), key=lambda place: -_size(results, shown, place))
    groups: list[tuple[str, list[float | None]]] = []
    for place in order[:SHOWN]:
        campaign = results["campaigns"][place]
        groups.append((campaign["name"], [campaign["caused"], *(row["credited"][place] for row in shown)]))
    if rest := order[SHOWN:]:
        sums = [sum(results["campaigns"][place]["caused"] for place in rest)]
        sums += [sum(row["credited"][place] for place in rest) for row in shown]
        groups.append((f"{len(rest)} others", list(sums)))
    return bars(
        groups,
        series=("Caused", *(row["name"] for row in shown)),
        title="Revenue caused and credited, by campaign",
        of="Campaign",
        words=compact,
        colors=("#1d2633", "#2457d6", "#c2741b"),
        width=1100,
    )


def _size(results: dict[str, Any], shown: list[dict[str, Any]], place: int) -> float:
    return float(max(results["campaigns"][place]["caused"], *(row["credited"][place] for row in shown)))


def _campaigns(results: dict[str, Any], method: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {**campaign, "credited": credited, "off": credited - campaign["caused"]}
        for campaign, credited in zip(results["campaigns"], method["credited"], strict=True)
    ]
