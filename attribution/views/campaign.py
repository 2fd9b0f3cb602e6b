"""One campaign: its weeks, the opportunities it earned credit in, its leads."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Min, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from attribution.figures import rows
from attribution.figures.campaign_weeks import CampaignWeek, campaign_weeks
from attribution.forms import AttributionForm, presets
from attribution.pure.methods import get_method
from attribution.views.campaign_attribution import figure_url, roi_words
from leads.figures.base import Scope, figure
from leads.figures.lifecycle import captured
from leads.models import Campaign, Company, User
from leads.pure import words
from leads.pure.charts import Chart, line

PAGE_SIZE = 25
LEADS_SHOWN = 10
FIGURES = (
    "attribution.revenue",
    "attribution.pipeline",
    "attribution.cost",
    "attribution.roi",
    "attribution.influenced",
)


@login_required
@require_GET
def campaign(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Weekly revenue and cost, credited opportunities, leads; a programme stands for its campaigns."""
    user = cast(User, request.user)
    if not user.sees_all:
        raise Http404("Campaign attribution is for those who see the whole company.")
    found = get_object_or_404(Campaign.objects.select_related("channel", "parent"), public_id=public_id)
    company, at = Company.current(), timezone.now()
    form = AttributionForm(
        {**request.GET.dict(), "campaign": str(public_id)},
        company=company,
        at=at,
        only=("method", "basis", "campaign"),
    )
    if not form.is_valid():
        return render(request, "attribution/refused.html", {"form": form}, status=400)
    scope = form.scope(user)
    del form.fields["campaign"]
    weeks = campaign_weeks(scope)
    leads = captured(scope)
    context = {
        "form": form,
        "campaign": found,
        "campaigns": found.children.order_by("name", "pk").select_related("channel"),
        "method": get_method(scope.method),
        "scope": scope,
        "presets": [
            (
                name,
                "?" + urlencode({**request.GET.dict(), **days}),
                all(form.data.get(key) == day for key, day in days.items()),
            )
            for name, days in presets(company, at)
        ],
        "tiles": [_tile(key, scope) for key in FIGURES],
        "chart": _chart(weeks, scope),
        "deals": _deals(request, scope),
        "leads": leads.select_related("owner").order_by("-captured_at", "-pk")[:LEADS_SHOWN],
        "lead_count": leads.count(),
        "leads_url": figure_url("leads.captured", scope),
        "all_url": f"{reverse('attribution:campaign-attribution')}?{urlencode({**scope.query(), 'campaign': ''})}",
    }
    return render(request, "attribution/campaign.html", context)


def _tile(key: str, scope: Scope) -> dict[str, Any]:
    found = figure(key, scope)
    if found.definition.unit == "money":
        text = words.money_short(None if found.value is None else round(found.value), scope.currency)
    else:
        text = roi_words(found.value) if found.definition.unit == "share" else words.count(found.value)
    note = "No cost reported" if key == "attribution.roi" and found.value is None else ""
    return {"name": found.definition.name, "value": text, "url": figure_url(key, scope), "note": note}


def _chart(weeks: list[CampaignWeek], scope: Scope) -> Chart:
    return line(
        [words.week_label(entry.week, "short") for entry in weeks],
        [("Attributed revenue", [entry.revenue for entry in weeks]), ("Cost", [entry.cost for entry in weeks])],
        title="Attributed revenue and cost by week",
        words=lambda cents: words.money_short(round(cents), scope.currency),
        width=1080,
    )


def _deals(request: HttpRequest, scope: Scope) -> Any:
    """Won and open deals with what this campaign earned in them, the largest credit first."""
    credits = (rows.won_credits(scope) | rows.open_credits(scope)).order_by()
    grouped = credits.values(
        "opportunity__public_id",
        "opportunity__name",
        "opportunity__account__name",
        "opportunity__status",
        "opportunity__closed_at",
        "opportunity__reporting_cents",
    ).annotate(credit=Sum("cents"), share=Sum("weight"), touches=Count("pk"), first=Min("touched_at"))
    return Paginator(grouped.order_by("-credit", "opportunity__public_id"), PAGE_SIZE).get_page(request.GET.get("page"))
