"""``GET /api/v1/integrations/sales/attribution`` and below: campaigns, one campaign, one opportunity's credits."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.db.models import Aggregate, QuerySet, Sum
from django.http import Http404
from django.urls import reverse
from django.utils.http import parse_etags, urlencode
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attribution.api.answers import EXAMPLE, AttributionAnswer, AttributionRow, OpportunityCredits
from attribution.api.asked import MODEL, PARAMETERS, SCOPE, Asked, AskedOfDeal, asked, asked_of_deal
from attribution.figures import amounts_then, rows
from attribution.figures.campaign_series import CampaignStep, campaign_weeks_and_months
from attribution.figures.campaign_table import SUMS, Sums
from attribution.figures.headlines import headlines
from attribution.figures.payback import payback
from attribution.models import AttributionRun, Credit
from attribution.pure.credits import rollup
from attribution.pure.methods import Method
from leads.api.figures import rows_path
from leads.api.pagination import CursorPagination
from leads.api.parameters import PAGED, PAGING, check_parameters
from leads.api.past import AS_OF, asked_as_of, stated
from leads.api.schema import page_of, problems
from leads.figures import spend
from leads.figures.base import Number, Scope, definition, figure
from leads.figures.words import figure_path, figure_url
from leads.models import Campaign, Opportunity, User
from leads.models import Scope as KeyScope
from leads.past.span import moment
from leads.pure.money import to_amount
from leads.pure.week import local_date

FIGURES = ("revenue", "pipeline", "influenced", "cost", "roi", "roas", "payback", "coverage")
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of an earlier answer: unchanged, it is not sent again. It changes with the run, the costs "
    "and whatever else the answer says.",
)
NOT_MODIFIED = OpenApiResponse(description="Not modified: the answer still has the ETag of If-None-Match.")


class CampaignAttribution(APIView):
    """One campaign."""

    required_scope = KeyScope.ATTRIBUTION_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="read_campaign_attribution",
        summary="What a campaign earned, cost and brought in, week by week and under every model",
        tags=["attribution"],
        parameters=[*PARAMETERS, IF_NONE_MATCH],
        responses={200: AttributionAnswer, 304: NOT_MODIFIED, **problems(400, 401, 403, 404, 429)},
        examples=[EXAMPLE],
    )
    @asked_as_of
    def get(self, request: Request, campaign_id: UUID) -> Response:
        check_parameters(request, {parameter.name for parameter in PARAMETERS})
        campaign = Campaign.objects.select_related("channel", "parent").filter(public_id=campaign_id).first()
        if campaign is None:
            raise Http404
        return tagged(request, _campaign_answer(request, campaign, asked(request, campaign=str(campaign_id))))


class CampaignAttributionList(APIView):
    """Every campaign, newest first."""

    required_scope = KeyScope.ATTRIBUTION_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="list_campaign_attribution",
        summary="What every campaign earned and cost",
        tags=["attribution"],
        parameters=[*PARAMETERS, *PAGING, IF_NONE_MATCH],
        responses={200: page_of(AttributionRow, "AttributionPage"), 304: NOT_MODIFIED, **problems(400, 401, 403, 429)},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        question = asked(request, more=PAGED)
        paginator = CursorPagination()
        campaigns = Campaign.objects.select_related("channel", "parent")
        page: list[Campaign] = list(paginator.paginate_queryset(campaigns, request, view=self) or [])
        answer = paginator.get_paginated_response(_list_rows(request, page, question.scope))
        return tagged(request, dict(answer.data))


class OpportunityAttribution(APIView):
    """One opportunity."""

    required_scope = KeyScope.ATTRIBUTION_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="read_opportunity_attribution",
        summary="The credits of one opportunity, touchpoint by touchpoint",
        tags=["attribution"],
        parameters=[MODEL, SCOPE, AS_OF, IF_NONE_MATCH],
        responses={200: OpportunityCredits, 304: NOT_MODIFIED, **problems(400, 401, 403, 404, 429)},
    )
    @asked_as_of
    def get(self, request: Request, opportunity_id: UUID) -> Response:
        question = asked_of_deal(request)
        deals = Opportunity.objects.all()
        if isinstance(request.user, User):
            deals = deals.visible_to(request.user)
        deal = deals.filter(public_id=opportunity_id).first()
        if deal is None:
            raise Http404
        return tagged(request, _opportunity_answer(request, deal, question))


def tagged(request: Request, body: dict[str, Any]) -> Response:
    """The body with an ETag of its content, or 304 when the caller has just that."""
    text = json.dumps(body, sort_keys=True, default=str)
    etag = f'"{blake2b((stated() + text).encode(), digest_size=16).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in known or etag in [tag.removeprefix("W/") for tag in known]:
        return Response(status=304, headers=headers)
    return Response(body, headers=headers)


# --- one campaign ----------------------------------------------------------------------------------------------------


def _campaign_answer(request: Request, campaign: Campaign, question: Asked) -> dict[str, Any]:
    scope = question.scope
    weeks, months = campaign_weeks_and_months(scope)
    values, back = headlines(scope), payback(scope)
    cost = None if scope.owner else _cents(values["cost"])
    sums = Sums()
    methods = [method.key for method in question.methods]
    earned = rows.won_credits_of_all(scope, methods).filter(method__in=methods).order_by()
    for method, *found in earned.values_list("method").annotate(**SUMS):
        sums.add(method, *found)
    first = local_date(scope.period.start, scope.tz)
    last = local_date(scope.period.end - timedelta(microseconds=1), scope.tz)
    return {
        "campaign": _campaign(campaign),
        "model": _model(question.method),
        "run": _run(question.run),
        "period": {"from": first.isoformat(), "to": last.isoformat(), "time_zone": str(scope.tz)},
        "basis": scope.basis,
        "scope": scope.journey_scope,
        "look_back_days": question.company.look_back_days,
        "totals": {
            "attributed_revenue": _money(_cents(values["revenue"]), scope),
            "attributed_pipeline": _money(_cents(figure("attribution.pipeline", scope).value), scope),
            "influenced_opportunities": values["influenced"],
            "cost": _money(cost, scope),
            "roi": None if scope.owner else values["roi"],
            "roi_unknown_because": "costs have no owner" if scope.owner else _unknown(cost),
            "roas": None if scope.owner else values["roas"],
            "payback_months": back.months,
            "payback_unknown_because": back.reason or None,
            "leads": sum(entry.leads for entry in weeks),
            "mqls": sum(entry.mqls for entry in weeks),
        },
        "models": [
            {
                **_model(method),
                "attributed_revenue": _money(revenue := sums.value(method.key), scope),
                "roi": None if revenue is None else rollup.roi(revenue, cost),
            }
            for method in question.methods
        ],
        "weeks": [{"week": entry.name, **_step(entry, scope)} for entry in weeks],
        "months": [{"month": entry.name, **_step(entry, scope)} for entry in months],
        "coverage": values["coverage"],
        "definitions": {f"attribution.{name}": definition(f"attribution.{name}").version for name in FIGURES},
        "links": _links(request, campaign, scope),
    }


def _step(entry: CampaignStep, scope: Scope) -> dict[str, Any]:
    return {
        "revenue": _money(entry.revenue, scope),
        "pipeline": _money(entry.pipeline, scope),
        "cost": _money(entry.cost, scope),
        "roi": entry.roi,
        "leads": entry.leads,
        "mqls": entry.mqls,
    }


def _unknown(cost: int | None) -> str | None:
    if cost is None:
        return "no cost is reported in this period"
    return None if cost else "nothing was spent in this period"


def _links(request: Request, campaign: Campaign, scope: Scope) -> dict[str, str]:
    query = urlencode(scope.query())
    links = {
        "self": request.get_full_path(),
        "page": f"{reverse('attribution:campaign', args=[campaign.public_id])}?{query}",
    }
    for name in ("revenue", "pipeline", "influenced", "cost", "roas", "payback"):
        key = f"attribution.{name}"
        links[f"{name}_rows"] = rows_path(key, scope.query())
        links[f"{name}_page"] = f"{figure_path(key)}?{query}"
    return {name: request.build_absolute_uri(path) for name, path in links.items()}


# --- the list --------------------------------------------------------------------------------------------------------


def _list_rows(request: Request, page: list[Campaign], scope: Scope) -> list[dict[str, Any]]:
    parents = dict(Campaign.objects.filter(parent__isnull=False).values_list("pk", "parent_id"))
    revenue = _earned(rows.won_credits(scope), SUMS, parents)
    pipeline = _earned(amounts_then.standing_credits(scope), amounts_then.SUMS, parents)
    spent = spend.costs(scope).filter(reporting_cents__isnull=False).order_by()
    by_campaign = {} if scope.owner else dict(spent.values_list("campaign").annotate(Sum("reporting_cents")))
    cost = _rolled_up(by_campaign, parents)
    places = {campaign.pk: replace(scope, campaign=str(campaign.public_id)) for campaign in page}
    return [
        {
            "campaign": _campaign(campaign),
            "attributed_revenue": _money(earned := revenue[campaign.pk].value(""), scope),
            "attributed_pipeline": _money(pipeline[campaign.pk].value(""), scope),
            "cost": _money(cost.get(campaign.pk), scope),
            "roi": None if earned is None else rollup.roi(earned, cost.get(campaign.pk)),
            "url": request.build_absolute_uri(reverse("api-attribution", args=[campaign.public_id])),
            "rows_url": request.build_absolute_uri(rows_path("attribution.revenue", places[campaign.pk].query())),
            "page_url": request.build_absolute_uri(figure_url("attribution.revenue", places[campaign.pk])),
        }
        for campaign in page
    ]


def _earned(
    credits: QuerySet[Credit], sums: Mapping[str, Aggregate], parents: Mapping[int, int | None]
) -> Mapping[int, Sums]:
    """What credits come to by campaign, a programme's campaigns in the programme, too."""
    total: defaultdict[int, Sums] = defaultdict(Sums)
    for campaign, *found in credits.order_by().values_list("campaign").annotate(**sums):
        for each in (campaign, parents.get(campaign)):
            if each is not None:
                total[each].add("", *found)
    return total


def _rolled_up(sums: dict[int | None, int], parents: Mapping[int, int | None]) -> dict[int, int]:
    """Sums with those of a programme's campaigns added to the programme."""
    total: Counter[int] = Counter()
    for campaign, cents in sums.items():
        if campaign is not None:
            total[campaign] += cents
            if parent := parents.get(campaign):
                total[parent] += cents
    return dict(total)


# --- one opportunity -------------------------------------------------------------------------------------------------


def _opportunity_answer(request: Request, deal: Opportunity, question: AskedOfDeal) -> dict[str, Any]:
    currency, methods = question.company.currency, question.methods
    found: dict[str, list[dict[str, Any]]] = {method.key: [] for method in methods}
    left = dict.fromkeys(found, 0)
    credits = rows.deal_credits(deal, question.scope, list(found))
    credits = credits.select_related("touchpoint", "channel", "campaign")
    for credit in credits.order_by("touched_at", "touchpoint_id"):
        if credit.touchpoint is None or credit.channel is None:
            left[credit.method] = credit.cents
            continue
        found[credit.method].append(
            {
                "touchpoint": str(credit.touchpoint.public_id),
                "occurred_at": credit.touchpoint.occurred_at.isoformat(),
                "kind": credit.touchpoint.kind,
                "channel": {"key": credit.channel.key, "name": credit.channel.name},
                "campaign": _named(credit.campaign),
                "weight": credit.weight,
                "credit": {"amount": to_amount(credit.cents, currency), "currency": currency},
            }
        )
    return {
        "opportunity": {
            "id": str(deal.public_id),
            "name": deal.name,
            "status": deal.status,
            "closed_at": deal.closed_at.isoformat() if deal.closed_at else None,
            "amount": None
            if deal.reporting_cents is None
            else {"amount": to_amount(deal.reporting_cents, currency), "currency": currency},
        },
        "run": _run(question.run),
        "scope": question.scope,
        "journey_url": request.build_absolute_uri(
            f"{reverse('attribution:journey', args=[deal.public_id])}?{urlencode({'scope': question.scope})}"
        ),
        "models": [
            {
                **_model(method),
                "credits": found[method.key],
                "unattributed": {"amount": to_amount(left[method.key], currency), "currency": currency},
            }
            for method in methods
        ],
    }


# --- members ---------------------------------------------------------------------------------------------------------


def _cents(value: Number | None) -> int | None:
    return None if value is None else int(value)


def _money(cents: int | None, scope: Scope) -> dict[str, str] | None:
    return None if cents is None else {"amount": to_amount(cents, scope.currency), "currency": scope.currency}


def _named(campaign: Campaign | None) -> dict[str, str] | None:
    return {"id": str(campaign.public_id), "name": campaign.name} if campaign else None


def _campaign(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": str(campaign.public_id),
        "name": campaign.name,
        "code": campaign.code,
        "channel": {"key": campaign.channel.key, "name": campaign.channel.name},
        "programme": _named(campaign.parent),
        "starts_on": campaign.starts_on.isoformat() if campaign.starts_on else None,
        "ends_on": campaign.ends_on.isoformat() if campaign.ends_on else None,
    }


def _model(method: Method) -> dict[str, Any]:
    return {"key": method.key, "name": method.name, "version": method.version, "sentence": method.sentence}


def _run(run: AttributionRun | None) -> dict[str, Any] | None:
    # Credits of a past moment are no run's: they were computed for whoever asked first.
    if run is None or run.finished_at is None or moment():
        return None
    return {"id": str(run.public_id), "finished_at": run.finished_at.isoformat()}
