"""What a campaign cost, day by day, who said so and when it changed, and the forms to say so."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leads.actions.campaigns.forget_costs import forget_costs
from leads.actions.campaigns.keep_cost_history import Said
from leads.actions.campaigns.record_costs import MANUAL, CostRefused, record_costs, spread
from leads.figures.cost_causes import cost_entries, told_entry
from leads.forms.costs import CostForm, DaysForm
from leads.models import Campaign, CampaignCost, Company, CostDoor, User
from leads.past.span import moment
from leads.pure import words
from leads.pure.week import local_date
from leads.queries.campaigns import may_enter_costs
from leads.views.doors import SignedInRequest, allowed
from leads.views.list_file import list_file, money_cells
from leads.views.past import asked_as_of

PAGE_SIZE = 25
ENTRIES = 10
_HEADER = ("Day", "Source", "Amount", "Currency", "In the company's currency", "Company's currency")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@asked_as_of
def campaign_costs(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """The costs of a campaign with their history, and the form to add or replace those of a day or a period."""
    campaign, company = _campaign(request, public_id), Company.current()
    if request.method == "POST":
        _writer(request)
    form = CostForm(request.POST or None, company=company)
    if request.method == "POST" and form.is_valid():
        given, at = form.cleaned_data, timezone.now()
        try:
            costs = spread(
                campaign=campaign.pk,
                first=given["first"],
                last=given["last"],
                amount_cents=given["amount"],
                currency=given["currency"],
                today=local_date(at, company.tz),
            )
        except CostRefused as error:
            form.add_error(error.field, error.reason)
        else:
            said = Said(door=CostDoor.PAGE, by=request.user, reason=given["reason"])
            counted = Counter(record_costs(costs=costs, source=MANUAL, said=said, at=at))
            outcomes = ", ".join(f"{count} {_days(count)} {outcome}" for outcome, count in counted.items())
            messages.success(request, f"Cost recorded: {outcomes}.")
            return redirect("leads:campaign-costs", campaign.public_id)
    return _page(request, campaign, company, form)


@login_required
@require_POST
def campaign_costs_forget(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take back what was entered by hand of a day or a period."""
    campaign, user = _campaign(request, public_id), _writer(request)
    form = DaysForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        count = forget_costs(
            campaign=campaign.pk,
            first=given["first"],
            last=given["last"],
            source=MANUAL,
            said=Said(door=CostDoor.PAGE, by=user, reason=given["reason"]),
            at=timezone.now(),
        )
        messages.success(request, f"The cost of {count} {_days(count)} is unknown again.")
    else:
        why = " ".join(str(text) for texts in form.errors.values() for text in texts)
        messages.error(request, f"Nothing was taken back: {why}")
    return redirect("leads:campaign-costs", campaign.public_id)


def _campaign(request: SignedInRequest, public_id: UUID) -> Campaign:
    if not request.user.sees_all:
        raise PermissionDenied("Costs are about the whole company.")
    return get_object_or_404(Campaign.objects.select_related("channel", "parent"), public_id=public_id)


def _writer(request: SignedInRequest) -> User:
    return allowed(request, may_enter_costs, "Admins and marketing directors enter costs.")


def _line(cost: CampaignCost) -> tuple[Any, ...]:
    billed = money_cells(cost.amount_cents, cost.currency)
    return (cost.spent_on, cost.source, *billed, *money_cells(cost.reporting_cents, Company.current().currency))


def _days(count: int) -> str:
    return "day" if count == 1 else "days"


def _page(request: SignedInRequest, campaign: Campaign, company: Company, form: CostForm) -> HttpResponse:
    costs = campaign.costs.order_by("-spent_on", "source")
    if made := list_file(request, f"costs {campaign.name}", _HEADER, lambda: map(_line, costs)):
        return made
    total = costs.order_by().aggregate(total=Sum("reporting_cents"))["total"]
    page = Paginator(costs, PAGE_SIZE).get_page(request.GET.get("page"))
    history = cost_entries(Q(changes__isnull=False)).filter(campaign=campaign).order_by("-said_at", "-pk")
    entries = Paginator(history, ENTRIES).get_page(request.GET.get("entry"))
    context: dict[str, Any] = {
        "campaign": campaign,
        "form": form,
        "page": page,
        "rows": [(cost, words.money_exact(cost.amount_cents, cost.currency)) for cost in page],
        "manual": MANUAL,
        "total": words.money_exact(total, company.currency),
        "has_costs": total is not None,
        "unpriced": costs.filter(reporting_cents__isnull=True).count(),
        "has_parts": campaign.children.exists(),
        "may_enter": moment() is None and may_enter_costs(request.user),
        "entries": entries,
        "told": [told_entry(row, company.currency) for row in entries],
    }
    return render(request, "leads/campaign_costs.html", context, status=422 if form.errors else 200)
