"""The touches before one opportunity: positions, weights, credits, and what was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from attribution.figures.journey_view import JourneyView, Step, journey_view
from attribution.figures.offers import chosen_method, scope_choices
from attribution.models import AttributionRules
from attribution.pure.methods import Method
from attribution.queries.rules import methods
from leads.models import Company, Opportunity
from leads.pure import words
from leads.pure.charts import Chart, Touch
from leads.pure.charts import journey as journey_chart
from leads.views.doors import SignedInRequest
from leads.views.list_file import list_file, money_cells
from leads.views.past import asked_as_of

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class Share:
    """What one method gave a touch."""

    weight: str
    credit: str


@login_required
@require_GET
@asked_as_of
def journey(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """The journey as a page or, asked by htmx, in the side panel."""
    context = _context(request, public_id)
    view, known = context["view"], context["methods"]
    shares = [f"{each.name}, {what}" for each in known for what in ("weight", "credit")]
    header = ("Touchpoint", "Kind", "Channel", "Campaign", "When", "Person", "Marks", "Left out because", *shares)
    lines = (*view.counted, *view.left_out)
    if made := list_file(
        request, f"journey {context['deal']}", header, lambda: (_cells(step, known) for step in lines)
    ):
        return made
    return render(request, "attribution/credits/journey.html", context)


@login_required
@require_GET
@asked_as_of
def journey_fragment(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """The drawing without a page around it, for the opportunity's own page."""
    return render(request, "attribution/credits/_journey_fragment.html", _context(request, public_id))


def _context(request: SignedInRequest, public_id: UUID) -> dict[str, Any]:
    deals = Opportunity.objects.visible_to(request.user).select_related("account", "stage").all()
    deal = get_object_or_404(deals, public_id=public_id)
    company = Company.current()
    known, rules = methods(), AttributionRules.objects.get(pk=1)
    method = chosen_method(known, company, request.GET.get("method", ""))
    asked = request.GET.get("scope", "")
    scope = asked if asked in rules.scopes else rules.scope
    view = journey_view(deal, scope)
    page = Paginator(view.counted, PAGE_SIZE).get_page(request.GET.get("page"))
    return {
        "deal": deal,
        "amount": words.money_exact(deal.reporting_cents, company.currency),
        "view": view,
        "method": method,
        "methods": known,
        "scope": scope,
        "scopes": scope_choices(rules),
        "chart": _chart(view, method, company),
        "is_page": not request.htmx,
        "page": page,
        "steps": [
            (step, _share(step, method, company), [(each, _share(step, each, company)) for each in known])
            for step in page
        ],
        "unattributed": [
            (
                each,
                words.money_exact(view.unattributed[each.key], company.currency)
                if each.key in view.unattributed
                else "",
            )
            for each in known
        ],
        "left_out_why": Counter(step.rejected for step in view.left_out).most_common(),
        "left_over": "Baseline and unattributed" if any(each.has_baseline for each in known) else "Unattributed",
        "has_unattributed": any(each.key in view.unattributed for each in known),
    }


def _cells(step: Step, known: Sequence[Method]) -> tuple[Any, ...]:
    told = (step.name or step.channel, step.kind, step.channel, step.campaign, step.at, step.person)
    currency = Company.current().currency
    given = [
        cell
        for each in known
        for cell in (step.weights.get(each.key), money_cells(step.cents.get(each.key), currency)[0])
    ]
    return (*told, " ".join(step.badges), step.rejected, *given)


def _share(step: Step, method: Method, company: Company) -> Share:
    weight = step.weights.get(method.key)
    if weight is None:
        return Share(words.MISSING, "")
    return Share(words.share(weight), words.money_exact(step.cents[method.key], company.currency))


def _chart(view: JourneyView, method: Method, company: Company) -> Chart:
    touches = [
        Touch(
            at=step.at.astimezone(company.tz),
            name=f"{step.kind}: {step.campaign or step.name or step.channel}",
            channel=step.channel,
            weight=None if step.rejected else step.weights.get(method.key, 0.0),
            credit=None if step.rejected else step.cents.get(method.key, 0),
            badges=step.badges,
            rejected=step.rejected,
        )
        for step in (*view.counted, *view.left_out)
    ]
    return journey_chart(
        touches,
        title=f"Journey, {method.name}",
        words=lambda cents: words.money_exact(round(cents), company.currency),
        width=1080,
    )
