"""Campaign costs: ``GET`` and ``POST /api/v1/campaigns/{id}/costs``, and how they came to be: ``…/costs/history``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads.actions.campaigns.keep_cost_history import Said
from leads.actions.campaigns.record_costs import IMPORTED, MANUAL, MAX_DAYS, CostRefused, DayCost, record_costs, spread
from leads.api.fields import Day, MoneyInput, StrictChar, StrictSerializer, Words
from leads.api.pagination import CursorPagination
from leads.api.parameters import PAGED, PAGING, check_parameters
from leads.api.parsers import require_length
from leads.api.past import AS_OF, asked_as_of
from leads.api.schema import page_of, problems
from leads.models import ApiKey, Campaign, CampaignCost, Company, CostChange, CostDoor, Scope
from leads.pure.money import to_amount
from leads.pure.week import local_date

MAX_ITEMS = 1_000
_SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
# What either list may be narrowed and turned over by.
_LISTED = [
    OpenApiParameter("from", OpenApiTypes.DATE),
    OpenApiParameter("to", OpenApiTypes.DATE, description="Included."),
    OpenApiParameter("source", str),
    *PAGING,
    AS_OF,
]


class CostMoneyInput(MoneyInput):
    """An exact amount; 0 means that nothing was spent."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        found = super().validate(attrs)
        if found["cents"] < 0:
            raise serializers.ValidationError({"amount": ["A cost must not be negative."]}, code="negative")
        return found


class CostInput(StrictSerializer):
    """The cost of one ``day``, or of the days ``from`` … ``to`` (both included), spread evenly, exact to the cent."""

    day = Day(required=False)
    to = Day(required=False)
    cost = CostMoneyInput()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """All fields; ``from`` is a word of the language, so that it cannot be declared above."""
        fields = super().get_fields()
        return {"day": fields.pop("day"), "from": Day(required=False), **fields}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("day" in attrs) == ("from" in attrs or "to" in attrs):
            raise serializers.ValidationError({"day": ["Give either day, or from and to."]}, code="invalid")
        if "day" in attrs:
            return {**attrs, "from": attrs["day"], "to": attrs["day"]}
        for name in ("from", "to"):
            if name not in attrs:
                raise serializers.ValidationError({name: ["Give either day, or from and to."]}, code="required")
        return attrs


class CostsInput(StrictSerializer):
    """Costs of one campaign from one source. A day said again replaces what the same source said before."""

    source = StrictChar(  # type: ignore[assignment]
        required=False,
        max_length=40,
        help_text="who says so, such as google-ads; without it api. Sources add up: a day counts all of them.",
    )
    reason = Words(required=False, max_length=300, help_text="why it is said or changed; kept in the history")
    costs = CostInput(many=True, allow_empty=False, max_length=MAX_ITEMS)  # type: ignore[call-arg]

    def validate_source(self, value: str) -> str:
        if value and not _SOURCE.fullmatch(value):
            raise serializers.ValidationError("Use lower-case letters, digits, - and _, at most 40.", code="invalid")
        if value in (MANUAL, IMPORTED):
            raise serializers.ValidationError(f"{value!r} is kept for what people enter.", code="reserved")
        return value or "api"


class CostMoney(serializers.Serializer[Any]):
    """An exact amount."""

    amount = serializers.CharField()
    currency = serializers.CharField()


class RecordedCosts(serializers.Serializer[Any]):
    """What became of the days that were sent."""

    source = serializers.CharField()  # type: ignore[assignment]
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()


class CostAnswer(serializers.Serializer[Any]):
    """A day's cost from one source. ``reporting`` is null without an exchange rate of that day."""

    day = serializers.DateField()
    source = serializers.CharField()  # type: ignore[assignment]
    cost = CostMoney()
    reporting = CostMoney(allow_null=True)
    recorded_at = serializers.DateTimeField()


class CostChangeAnswer(serializers.Serializer[Any]):
    """A day's cost from one source before and after somebody said something; null is unknown."""

    day = serializers.DateField()
    source = serializers.CharField()  # type: ignore[assignment]
    before = CostMoney(allow_null=True)
    after = CostMoney(allow_null=True)
    door = serializers.ChoiceField(CostDoor.choices)
    by = serializers.CharField(help_text="a person, a key or a connection; empty in an opening entry")
    reason = serializers.CharField()
    recorded_at = serializers.DateTimeField()


class CampaignCosts(APIView):
    """Costs of one campaign."""

    required_scope = Scope.COSTS_WRITE
    http_method_names = ["get", "head", "post"]

    @extend_schema(
        operation_id="list_campaign_costs",
        summary="What a campaign cost, day by day and by source",
        description="Days without an entry are unknown; an entry of 0 says that nothing was spent.",
        tags=["costs"],
        parameters=_LISTED,
        responses={200: page_of(CostAnswer, "CostPage"), **problems(400, 401, 403, 404, 429)},
    )
    @asked_as_of
    def get(self, request: Request, campaign_id: UUID) -> Response:
        wanted = _filters(request)
        rows = CampaignCost.objects.filter(campaign=_campaign(campaign_id), **wanted)
        paginator = CursorPagination()
        page: list[CampaignCost] = list(paginator.paginate_queryset(rows, request, view=self) or [])
        currency = Company.current().currency
        return paginator.get_paginated_response([_answer(row, currency) for row in page])

    @extend_schema(
        operation_id="record_campaign_costs",
        summary="Write down what a campaign cost",
        description="Idempotent per campaign, day and source: the same request again changes nothing, another amount "
        "replaces the former. Amounts are taken whole or not at all; days to come are refused.",
        tags=["costs"],
        request=CostsInput,
        responses={200: RecordedCosts, **problems(400, 401, 403, 404, 411, 413, 415, 422, 429)},
        examples=[
            OpenApiExample(
                "A day, and a month",
                request_only=True,
                value={
                    "source": "google-ads",
                    "costs": [
                        {"day": "2026-11-16", "cost": {"amount": "118.20", "currency": "EUR"}},
                        {"from": "2026-10-01", "to": "2026-10-31", "cost": {"amount": "3100.00", "currency": "EUR"}},
                    ],
                },
            )
        ],
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        require_length(request)
        campaign = _campaign(campaign_id)
        asked = CostsInput(data=request.data)
        asked.is_valid(raise_exception=True)
        source = asked.validated_data.get("source") or "api"
        at = timezone.now()
        costs = _days(campaign, asked.validated_data["costs"], local_date(at, Company.current().tz))
        said = Said(
            door=CostDoor.API,
            name=request.auth.name if isinstance(request.auth, ApiKey) else "",
            reason=asked.validated_data.get("reason") or "",
        )
        counted = Counter(record_costs(costs=costs, source=source, said=said, at=at))
        return Response({"source": source, **{name: counted[name] for name in ("created", "updated", "unchanged")}})


class CampaignCostHistory(APIView):
    """How the costs of one campaign came to be."""

    required_scope = Scope.COSTS_WRITE
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="list_campaign_cost_changes",
        summary="Change history of a campaign's costs",
        description="Day by day, the newest first; nothing is ever removed. The newest change of a day and source is "
        "what stands.",
        tags=["costs"],
        parameters=_LISTED,
        responses={200: page_of(CostChangeAnswer, "CostChangePage"), **problems(400, 401, 403, 404, 429)},
    )
    @asked_as_of
    def get(self, request: Request, campaign_id: UUID) -> Response:
        wanted = _filters(request)
        rows = CostChange.objects.filter(entry__campaign=_campaign(campaign_id)).select_related("entry")
        rows = rows.filter(**{"entry__source" if name == "source" else name: value for name, value in wanted.items()})
        paginator = CursorPagination()
        page: list[CostChange] = list(paginator.paginate_queryset(rows, request, view=self) or [])
        return paginator.get_paginated_response([_change_answer(row) for row in page])


def _campaign(public_id: UUID) -> int:
    found: int | None = Campaign.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
    if found is None:
        raise Http404
    return found


def _days(campaign: int, items: list[Mapping[str, Any]], today: date) -> list[DayCost]:
    """Every day of every item; raises ValidationError naming the item at fault."""
    costs: dict[date, DayCost] = {}
    for index, item in enumerate(items):
        money = item["cost"]
        try:
            found = spread(
                campaign=campaign,
                first=item["from"],
                last=item["to"],
                amount_cents=money["cents"],
                currency=money["currency"],
                today=today,
            )
        except CostRefused as error:
            raise _at_fault(index, "day" if "day" in item else "to", str(error)) from error
        twice = next((cost.spent_on for cost in found if cost.spent_on in costs), None)
        if twice is not None:
            raise _at_fault(index, "day" if "day" in item else "from", f"{twice} is in the request twice.")
        costs |= {cost.spent_on: cost for cost in found}
        if len(costs) > MAX_DAYS:
            raise _at_fault(index, "to", f"At most {MAX_DAYS:,} days at a time.")
    return list(costs.values())


def _at_fault(index: int, name: str, text: str) -> ValidationError:
    return ValidationError({"costs": {str(index): {name: [text]}}})


def _filters(request: Request) -> dict[str, Any]:
    known = {"from": "spent_on__gte", "to": "spent_on__lte", "source": "source"}
    check_parameters(request, {*known, *PAGED, AS_OF.name})
    query = request.query_params
    found: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name in query:
        if name not in known:
            continue
        try:
            found[known[name]] = query[name] if name == "source" else Day().to_internal_value(query[name])
        except serializers.ValidationError as error:
            errors[name] = [str(text) for text in error.detail]
    if errors:
        raise ValidationError(errors)
    return found


def _answer(row: CampaignCost, currency: str) -> dict[str, Any]:
    reporting = row.reporting_cents
    return {
        "day": row.spent_on.isoformat(),
        "source": row.source,
        "cost": {"amount": to_amount(row.amount_cents, row.currency), "currency": row.currency},
        "reporting": None if reporting is None else {"amount": to_amount(reporting, currency), "currency": currency},
        "recorded_at": row.recorded_at.isoformat(),
    }


def _change_answer(row: CostChange) -> dict[str, Any]:
    return {
        "day": row.spent_on.isoformat(),
        "source": row.entry.source,
        "before": _money(row.before_cents, row.before_currency),
        "after": _money(row.after_cents, row.after_currency),
        "door": row.entry.door,
        "by": row.entry.by_name,
        "reason": row.entry.reason,
        "recorded_at": row.entry.said_at.isoformat(),
    }


def _money(cents: int | None, currency: str) -> dict[str, str] | None:
    return None if cents is None else {"amount": to_amount(cents, currency), "currency": currency}
