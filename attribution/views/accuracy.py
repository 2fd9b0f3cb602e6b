"""How accurate is this? Three accuracies, measured apart, each with its date, sample and interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from attribution.actions.accuracy.check_accuracy import HEADLINE
from attribution.actions.accuracy.measure_accuracy import KIND, MeasureRefused, request_accuracy
from attribution.figures.offers import chosen_method
from attribution.models import AccuracyCheck, Simulation
from attribution.pure.methods import all_methods
from attribution.queries.agreement import may_measure
from attribution.queries.rules import methods
from attribution.tasks import nudge_measure
from attribution.views.doors import whole_company
from leads.models import Company, JobRun
from leads.pure import words
from leads.pure.charts import intervals, sparkline
from leads.views.doors import SignedInRequest, allowed
from leads.views.progress import progress_answer

HISTORY = 24
MEASURED_ON = {
    "capture": "Made-up people of known truth, sent through the capture API, imports and merges, and taken back: lost "
    "cookies, two devices, two records, forwarded email, machines, repeated deliveries, late files.",
    "agreement": "Won deals of which sales, or the customer, said what brought them.",
    "causal": "Simulated markets in which the revenue every campaign caused is known, on seeds the models were not "
    "tuned with.",
}
MEANS = {
    "capture": "of contacts arrive once, on the right person and campaign",
    "agreement": "of checked deals: the model credits most what people say brought it",
    "causal": "of credited revenue sits on the campaign that caused it",
}


@login_required
@require_GET
def accuracy(request: SignedInRequest) -> HttpResponse:
    """The three cards, and below each every method."""
    user = whole_company(request)
    company, offered = Company.current(), methods()
    own = chosen_method(offered, company)
    names = {method.key: method.name for method in (*all_methods(), *offered)}
    cards = {kind: _card(kind, names, own.key) for kind in AccuracyCheck.Kind.values}
    job = JobRun.objects.filter(kind=KIND).order_by("-pk").first()
    context: dict[str, Any] = {
        "cards": cards,
        "own": own,
        "consequence": _consequence(cards["causal"], own.key, own.name),
        "job": job,
        "is_moving": job is not None and job.is_unfinished,
        "may_measure": may_measure(user),
        "simulations": Simulation.objects.count(),
    }
    return render(request, "attribution/accuracy/accuracy.html", context)


@login_required
@require_POST
def accuracy_measure(request: SignedInRequest) -> HttpResponse:
    """Let a worker measure all three again."""
    user = allowed(request, may_measure, "Admins and marketing directors measure.")
    try:
        request_accuracy(by=user, at=timezone.now())
    except MeasureRefused as error:
        messages.warning(request, str(error))
    else:
        nudge_measure()
    return redirect("attribution:accuracy")


@login_required
@require_GET
def accuracy_progress(request: SignedInRequest) -> HttpResponse:
    """How far the measuring is: the fragment that the page asks for each second."""
    whole_company(request)
    job = JobRun.objects.filter(kind=KIND).order_by("-pk").first()
    if job is None:
        raise Http404("Nobody asked for this.")
    return progress_answer(
        request, "attribution/accuracy/_accuracy_progress.html", {"job": job}, is_moving=job.is_unfinished
    )


def _card(kind: str, names: dict[str, str], own: str) -> dict[str, Any]:
    checks = list(AccuracyCheck.objects.filter(kind=kind).order_by("-measured_at", "-pk")[:HISTORY])
    card: dict[str, Any] = {
        "kind": kind,
        "name": AccuracyCheck.Kind(kind).label,
        "means": MEANS[kind],
        "measured_on": MEASURED_ON[kind],
        "check": checks[0] if checks else None,
    }
    if not checks:
        return card
    newest = checks[0]
    rows = [
        {**row, "name": row.get("name") or names.get(row.get("method", ""), row.get("method", ""))}
        for row in newest.results
    ]
    headline = names[HEADLINE[0]] if kind == "causal" else ""
    if kind == "agreement":
        headline = next((row["name"] for key in HEADLINE for row in rows if row["method"] == key), "")
    past = [check for check in reversed(checks) if check.value is not None]
    card |= {
        "value": words.share(newest.value, 0) if newest.value is not None else "not enough data yet",
        "range": _range(newest),
        "headline": headline,
        "rows": rows,
        "own": next((row for row in rows if row.get("method") == own), None),
        "spark": sparkline(
            [check.value for check in past],
            title=f"{newest.get_kind_display()}, past checks",
            labels=[f"{check.measured_at:%d %b %Y}" for check in past],
            words=words.share,
        )
        if len(past) > 1
        else None,
        "checks": len(checks),
        "chart": _chart(kind, rows, own),
        "scenarios": _scenarios(rows, own) if kind == "causal" else [],
    }
    return card


def _range(check: AccuracyCheck) -> str:
    if check.kind == AccuracyCheck.Kind.CAUSAL:
        return f"{words.share(check.low, 0)} in the worst scenario"
    if check.low is None:
        return ""
    return f"95 % interval {words.share(check.low, 0)} to {words.share(check.high, 0)}"


def _chart(kind: str, rows: Sequence[dict[str, Any]], own: str) -> Any:
    mine = next((row["name"] for row in rows if row.get("method") == own), "")
    low, high = ("worst", "value") if kind == "causal" else ("low", "high")
    return intervals(
        [(row["name"], row["value"], row.get(low), row.get(high)) for row in rows],
        title={"capture": "Captured, by trouble", "agreement": "Agreement, by model"}.get(kind, "Causal, by model"),
        of="Trouble" if kind == "capture" else "Model",
        words=lambda value: words.share(value, 0),
        highlight=mine,
    )


def _scenarios(rows: Sequence[dict[str, Any]], own: str) -> list[dict[str, Any]]:
    """Scenario × method: the hazard, the company's own method, and the best of the rules in each."""
    shown = [row for row in rows if row["method"] in {own, *HEADLINE, "first_touch", "last_touch", "markov_1"}]
    names = list(rows[0]["scenarios"]) if rows else []
    return [
        {
            "name": name,
            "methods": [row["name"] for row in shown],
            "cells": [(row["name"], words.share(row["scenarios"].get(name), 0), row["method"] == own) for row in shown],
        }
        for name in names
    ]


def _consequence(card: dict[str, Any], own: str, name: str) -> str:
    """What the causal figure means for the company's method; empty where nothing was measured."""
    row = card.get("own")
    if not row or row["value"] is None:
        return ""
    wrong = words.share(1 - row["value"], 0)
    claimed = row.get("claimed")
    said = f"{name}, your company's model, put {wrong} of its credit on campaigns that did not cause it"
    if claimed and claimed > 1.05:
        return f"{said} in these simulations, and claimed {claimed:.1f} times the revenue that marketing caused."
    return f"{said} in these simulations."
