"""One campaign: its weeks, the opportunities it earned credit in, its leads."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, F, Min, Sum
from django.forms import HiddenInput
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from attribution.figures.amounts_then import PRICED, won_and_standing_credits
from attribution.figures.campaign_series import CampaignStep, campaign_months, campaign_weeks
from attribution.figures.payback import payback
from attribution.forms.campaigns import AttributionForm, presets
from attribution.models import JourneyScope
from attribution.views.doors import figure_url, roi_words
from leads.figures.base import Figure, Scope, definition
from leads.figures.lifecycle import captured
from leads.figures.together import figures
from leads.figures.words import value_text
from leads.models import Campaign, Company
from leads.past.deemed import deemed_now
from leads.past.span import moment
from leads.pure import words
from leads.pure.charts import Chart, line
from leads.pure.week import Period, Week, midnight
from leads.queries.campaigns import may_enter_costs
from leads.views.doors import SignedInRequest
from leads.views.filters import refused_filters
from leads.views.list_file import list_file, money_cells
from leads.views.past import asked_as_of, has_filters
from leads.views.restated import restated

PAGE_SIZE = 25
_HEADER = (
    "Opportunity", "Account", "Status", "Closed", "Amount", "Amount, currency",
    "Touchpoints", "Share", "Credit", "Credit, currency",
)  # fmt: skip
LEADS_SHOWN = 10
FIGURES = (
    "attribution.revenue",
    "attribution.pipeline",
    "attribution.cost",
    "attribution.roi",
    "attribution.roas",
    "attribution.influenced",
)
NOTES = {"attribution.roi": "No cost reported", "attribution.roas": "No ad spend reported"}


@login_required
@require_GET
@asked_as_of
@has_filters
def campaign(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Weekly revenue and cost, credited opportunities, leads; a programme stands for its campaigns."""
    user = request.user
    if not user.sees_all:
        raise Http404("Campaign attribution is for those who see the whole company.")
    found = get_object_or_404(Campaign.objects.select_related("channel", "parent"), public_id=public_id)
    company, at = Company.current(), deemed_now()
    form = AttributionForm(
        {**request.GET.dict(), "campaign": str(public_id)},
        company=company,
        at=at,
        only=("method", "basis", "campaign", "owner"),
    )
    form.fields["campaign"].widget = HiddenInput()  # the address names it
    if refusal := refused_filters(request, form, title=found.name):
        return refusal
    scope = form.scope(user)
    deals = _deals(scope)
    if made := list_file(
        request, f"deals {found.name}", _HEADER, lambda: (_cells(row, company.currency) for row in deals)
    ):
        return made
    by_month = request.GET.get("step") == "month"
    steps = campaign_months(scope) if by_month else campaign_weeks(scope)
    leads = captured(scope)
    context = {
        "form": form,
        "campaign": found,
        "campaigns": found.children.order_by("name", "pk").select_related("channel"),
        "method": form.chosen,
        "scope_name": JourneyScope(scope.journey_scope).label,
        "scope": scope,
        "restated": restated(definition("attribution.cost"), scope),
        "presets": [
            (
                name,
                "?" + urlencode({**request.GET.dict(), **days}),
                all(form.data.get(key) == day for key, day in days.items()),
            )
            for name, days in presets(company, at)
        ],
        "tiles": [*map(_tile, figures([(key, scope) for key in FIGURES], for_value=True)), _payback(scope)],
        "by_month": by_month,
        "chart": _chart(steps, scope, by_month),
        "steps": [_step(step, scope) for step in reversed(steps)],
        "may_enter_costs": moment() is None and may_enter_costs(user),
        # All of them at once: to count them first takes the database as long as to read them.
        "deals": Paginator(list(deals), PAGE_SIZE).get_page(request.GET.get("page")),
        "leads": leads.select_related("owner").order_by("-captured_at", "-pk")[:LEADS_SHOWN],
        "lead_count": sum(step.leads for step in steps),
        "leads_url": figure_url("leads.captured", scope),
        "all_url": f"{reverse('attribution:campaign-attribution')}?{urlencode({**scope.query(), 'campaign': ''})}",
    }
    return render(request, "attribution/campaigns/campaign.html", context)


def _tile(found: Figure) -> dict[str, Any]:
    key, scope = found.definition.key, found.scope
    if found.definition.unit == "money":
        text = words.money_short(None if found.value is None else round(found.value), scope.currency)
    else:
        text = roi_words(found.value) if found.definition.unit == "share" else value_text(found)
    note = NOTES.get(key, "") if found.value is None else ""
    return {"name": found.definition.name, "value": text, "url": figure_url(key, scope), "note": note}


def _payback(scope: Scope) -> dict[str, Any]:
    found = payback(scope)
    text = words.MISSING if found.months is None else f"{found.months} month{'' if found.months == 1 else 's'}"
    note = found.reason or "from the first cost on"
    return {"name": "Payback", "value": text, "url": figure_url("attribution.payback", scope), "note": note}


def _step(step: CampaignStep, scope: Scope) -> dict[str, Any]:
    """A week or month of the table below the chart; each number opens to the rows of its days."""
    first, end = midnight(step.first, scope.tz), midnight(step.end, scope.tz)
    period = Period(max(first, scope.period.start), min(end, scope.period.end))
    asked = scope.during(period)
    return {
        "name": step.name,
        "revenue": words.money(step.revenue, scope.currency),
        "revenue_url": figure_url("attribution.revenue", asked),
        "cost": words.money(step.cost, scope.currency),
        "cost_url": figure_url("attribution.cost", asked) if step.cost is not None else "",
        "roi": roi_words(step.roi),
        "pipeline": words.money(step.pipeline, scope.currency),
        # By touch date a week's pipeline is that of the whole period's touches, which no figure of the week lists.
        "pipeline_url": figure_url("attribution.pipeline", asked) if scope.basis == "simple" else "",
        "leads": step.leads,
        "leads_url": figure_url("leads.captured", asked) if step.leads else "",
        "mqls": step.mqls,
        "mqls_url": figure_url("leads.mqls", asked) if step.mqls else "",
    }


def _chart(steps: list[CampaignStep], scope: Scope, by_month: bool) -> Chart:
    names = [
        f"{step.first:%b %Y}" if by_month else words.week_label(Week.of_date(step.first), "short") for step in steps
    ]
    return line(
        names,
        [("Attributed revenue", [step.revenue for step in steps]), ("Cost", [step.cost for step in steps])],
        title=f"Attributed revenue and cost by {'month' if by_month else 'week'}",
        words=lambda cents: words.money_short(round(cents), scope.currency),
        width=1080,
    )


def _cells(row: dict[str, Any], currency: str) -> tuple[Any, ...]:
    told = (row["opportunity__name"], row["opportunity__account__name"], row["opportunity__status"])
    amounts = (*money_cells(row["deal_cents"], currency), row["touches"], row["share"])
    return (*told, row["opportunity__closed_at"], *amounts, *money_cells(row["credit"], currency))


def _deals(scope: Scope) -> Any:
    """Won and open deals with what this campaign earned in them, the largest credit first."""
    credits = won_and_standing_credits(scope).order_by()
    grouped = credits.values(
        "opportunity__public_id",
        "opportunity__name",
        "opportunity__account__name",
        "opportunity__status",
        "opportunity__closed_at",
        "deal_cents",
    ).annotate(
        credit=Sum("earned_cents", filter=PRICED), share=Sum("weight"), touches=Count("pk"), first=Min("touched_at")
    )
    return grouped.order_by(F("credit").desc(nulls_last=True), "opportunity__public_id")
