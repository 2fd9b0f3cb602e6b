"""What marketing originated, by the company's test and by the two it did not choose; what it influenced."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from attribution.figures.deals import overlap
from attribution.figures.sourced import verdicts
from attribution.forms.campaigns import AttributionForm, presets
from attribution.views.doors import figure_url
from leads.figures.base import Number, Scope, definition, figure
from leads.models import Company
from leads.past.deemed import deemed_now
from leads.pure import words
from leads.views.doors import SignedInRequest
from leads.views.filters import refused_filters
from leads.views.past import asked_as_of, has_filters

MET = {"one": "1 campaign", "two": "2 campaigns", "three": "3 campaigns", "more": "4 or more"}


@login_required
@require_GET
@asked_as_of
@has_filters
def sourced(request: SignedInRequest) -> HttpResponse:
    """Three tests side by side with the money each would say, and how many campaigns influenced deals met."""
    user = request.user
    if not user.sees_all:
        raise Http404("What marketing sourced is for those who see the whole company.")
    company, at = Company.current(), deemed_now()
    form = AttributionForm(request.GET, company=company, at=at, only=("channel", "territory", "owner"))
    if refusal := refused_filters(request, form, title="Sourced and influenced"):
        return refusal
    scope = form.scope(user)
    context = {
        "form": form,
        "scope": scope,
        "rules": form.rules,
        "presets": [
            (
                name,
                "?" + urlencode({**request.GET.dict(), **days}),
                all(form.data.get(key) == day for key, day in days.items()),
            )
            for name, days in presets(company, at)
        ],
        "tests": _tests(scope),
        "influenced": _influenced(scope),
        "revisions": definition("pipeline.sourced").revisions,
        "query": urlencode(scope.query()),
    }
    return render(request, "attribution/sourced.html", context)


def _tests(scope: Scope) -> list[dict[str, Any]]:
    return [
        {
            "label": found.label,
            "is_agreed": found.is_agreed,
            "pipeline": _money(found.pipeline, scope),
            "pipeline_url": figure_url(found.pipeline_key, scope),
            "revenue": _money(found.revenue, scope),
            "revenue_url": figure_url(found.revenue_key, scope),
        }
        for found in verdicts(scope)
    ]


def _money(cents: Number | None, scope: Scope) -> str:
    return words.money(None if cents is None else round(cents), scope.currency)


def _influenced(scope: Scope) -> dict[str, Any]:
    met = overlap(scope)
    address = figure_url("attribution.overlap", scope)
    return {
        "met": [(name, met[key], f"{address}&part={key}") for key, name in MET.items()],
        "count": words.count(sum(met.values())),
        "count_url": figure_url("attribution.influenced", scope),
        "pipeline": _money(figure("pipeline.influenced", scope).value, scope),
        "pipeline_url": figure_url("pipeline.influenced", scope),
    }
