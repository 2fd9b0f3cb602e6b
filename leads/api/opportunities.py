"""Deals: ``GET`` and ``POST /api/v1/opportunities``, ``GET`` and ``PATCH /api/v1/opportunities/{id}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads.actions.deals.edit_opportunity import Contact, DealEdit, DealRefused, edit_opportunity, open_opportunity
from leads.api.fields import Day, MoneyInput, StrictChar, StrictChoice, StrictSerializer, Words
from leads.api.idempotency import PARAMETERS as ONCE
from leads.api.idempotency import once
from leads.api.parameters import check_parameters
from leads.api.parsers import require_length
from leads.api.past import AS_OF, as_of_field, asked_as_of
from leads.api.reads import FIELDS, LISTED, ListView, answer_one, list_of, members_of
from leads.api.schema import problems
from leads.filters.lists import DealFilter
from leads.models import (
    ApiKey,
    ForecastCategory,
    Lead,
    Opportunity,
    OpportunityContact,
    PipelineStage,
    Scope,
    User,
)
from leads.past.news import changed_after
from leads.queries.answers import deal_data, told_deals

MOST_CONTACTS = 100


class DealMoneyInput(MoneyInput):
    """An exact amount; a negative one is a refund."""


class DealContactInput(StrictSerializer):
    """A lead's part in the deal."""

    lead = serializers.UUIDField()
    role = StrictChoice(choices=OpportunityContact.ContactRole.choices, required=False)
    is_primary = serializers.BooleanField(required=False)


class DealFieldsInput(StrictSerializer):
    """What may be said of a deal. Members that are left out stay as they are."""

    name = Words(max_length=200, required=False)
    stage = StrictChar(max_length=60, required=False, help_text="the key of a pipeline stage")
    amount = DealMoneyInput(required=False, allow_null=True)
    expected_close_on = Day(required=False)
    closed_on = Day(required=False, help_text="of a won or lost deal; without it the day it was first said")
    forecast_category = StrictChoice(choices=ForecastCategory.choices, required=False)
    won_reason = Words(max_length=120, required=False)
    lost_reason = Words(max_length=120, required=False, help_text="needed for a lost deal")
    owner = serializers.UUIDField(required=False, help_text="the id of a user")
    contacts = DealContactInput(many=True, required=False, max_length=MOST_CONTACTS)  # type: ignore[call-arg]


class DealInput(DealFieldsInput):
    """A new deal of a lead that is an SQL, an opportunity or a customer."""

    lead = serializers.UUIDField()


class DealMoney(serializers.Serializer[Any]):
    """An exact amount."""

    amount = serializers.CharField()
    currency = serializers.CharField()


class DealContactAnswer(serializers.Serializer[Any]):
    """A lead's part in the deal."""

    lead = serializers.UUIDField()
    role = serializers.CharField()
    is_primary = serializers.BooleanField()


class DealAnswer(serializers.Serializer[Any]):
    """A deal as it stands."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    name = serializers.CharField()
    stage = serializers.CharField()
    status = serializers.CharField()
    amount = DealMoney(allow_null=True)
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    expected_close_on = serializers.DateField(allow_null=True)
    forecast_category = serializers.CharField()
    won_reason = serializers.CharField()
    lost_reason = serializers.CharField()
    account = serializers.UUIDField(allow_null=True)
    owner = serializers.UUIDField(allow_null=True)
    contacts = DealContactAnswer(many=True)
    deleted_at = serializers.DateTimeField(allow_null=True, help_text="when the CRM that keeps it deleted it")
    changed_at = serializers.DateTimeField()


class DatedDealAnswer(DealAnswer):
    """A deal by itself, now or as it was known at a moment."""

    as_of = as_of_field()


class OpportunityList(ListView):
    """Deals, newest first; and new ones."""

    http_method_names = ["get", "head", "post"]
    queryset = Opportunity.objects.none()  # tells the schema what the filters are about
    filterset_class = DealFilter

    @property
    def required_scope(self) -> Scope:
        """Reading and writing are allowed apart."""
        return Scope.OPPORTUNITIES_READ if self.request.method in SAFE_METHODS else Scope.OPPORTUNITIES_WRITE

    @extend_schema(
        operation_id="list_opportunities",
        summary="List opportunities",
        description="Deleted ones are among them, with `deleted_at`.",
        tags=["opportunities"],
        filters=True,
        parameters=LISTED,
        responses={200: list_of(DealAnswer, "OpportunityPage"), **problems(400, 401, 403, 429)},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        return self.answer_list(
            request,
            told_deals(),
            tell=lambda page: deal_data(page, link=request.build_absolute_uri),
            members=members_of(DealAnswer),
            changed=lambda since: Q(pk__in=changed_after(Opportunity, since)),
        )

    @extend_schema(
        operation_id="open_opportunity",
        summary="Open a deal",
        description="Of a lead that is an SQL, an opportunity or a customer. The lead is its primary contact unless "
        "another one is named, and becomes an opportunity.",
        tags=["opportunities"],
        filters=False,
        parameters=ONCE,
        request=DealInput,
        responses={201: DealAnswer, **problems(400, 401, 403, 411, 413, 415, 422, 429)},
        examples=[
            OpenApiExample(
                "A deal in its first stage",
                request_only=True,
                value={
                    "lead": "7f0c2f6e-5b0e-4a44-9a46-2c8f1d1f3c11",
                    "name": "Analytical Engines: platform",
                    "amount": {"amount": "18000.00", "currency": "EUR"},
                    "expected_close_on": "2027-02-26",
                    "forecast_category": "best_case",
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        check_parameters(request, set())
        require_length(request)
        return once(request, make=lambda: self._opened(request))

    def _opened(self, request: Request) -> Response:
        asked = DealInput(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        lead = Lead.objects.live().filter(public_id=given.pop("lead")).first()
        if lead is None:
            raise ValidationError({"lead": ["There is no such lead."]})
        try:
            deal = open_opportunity(
                lead_id=lead.pk, edit=_edit(given), by=None, source=_source(request), at=timezone.now()
            )
        except DealRefused as refusal:
            raise _at_fault(refusal) from refusal
        return Response(_answer(deal.pk, request), status=201, headers={"Location": _url(deal, request)})


class OpportunityDetail(APIView):
    """One deal."""

    http_method_names = ["get", "head", "patch"]

    @property
    def required_scope(self) -> Scope:
        """Reading and writing are allowed apart."""
        return Scope.OPPORTUNITIES_READ if self.request.method in SAFE_METHODS else Scope.OPPORTUNITIES_WRITE

    @extend_schema(
        operation_id="read_opportunity",
        summary="Read an opportunity",
        tags=["opportunities"],
        parameters=[FIELDS, AS_OF],
        responses={200: DatedDealAnswer, **problems(400, 401, 403, 404, 429)},
    )
    @asked_as_of
    def get(self, request: Request, opportunity_id: UUID) -> Response:
        return answer_one(
            request,
            told_deals().filter(public_id=opportunity_id),
            tell=lambda rows: deal_data(rows, link=request.build_absolute_uri),
            members=members_of(DealAnswer),
        )

    @extend_schema(
        operation_id="edit_opportunity",
        summary="Edit a deal",
        description="Of a deal that no connected CRM keeps. Stages and amounts that it had stay in its history; "
        "`contacts` replaces all of them. `amount` null says that it is not known yet.",
        tags=["opportunities"],
        parameters=ONCE,
        request=DealFieldsInput,
        responses={200: DealAnswer, **problems(400, 401, 403, 404, 411, 413, 415, 422, 429)},
    )
    def patch(self, request: Request, opportunity_id: UUID) -> Response:
        check_parameters(request, set())
        require_length(request)
        return once(request, make=lambda: self._edited(request, opportunity_id))

    def _edited(self, request: Request, opportunity_id: UUID) -> Response:
        deal = Opportunity.objects.filter(public_id=opportunity_id).first()
        if deal is None:
            raise Http404
        asked = DealFieldsInput(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        if isinstance(request.data, Mapping) and "amount" in request.data and request.data["amount"] is None:
            given["amount"] = None
        try:
            edit_opportunity(
                opportunity_id=deal.pk, edit=_edit(given), by=None, source=_source(request), at=timezone.now()
            )
        except DealRefused as refusal:
            raise _at_fault(refusal) from refusal
        return Response(_answer(deal.pk, request))


def _source(request: Request) -> str:
    return request.auth.name if isinstance(request.auth, ApiKey) else "API"


def _edit(given: dict[str, Any]) -> DealEdit:
    """What was asked, with public ids looked up; raises ValidationError naming what is unknown."""
    values = {name: value for name, value in given.items() if name not in ("stage", "amount", "owner", "contacts")}
    if key := given.get("stage"):
        stage = PipelineStage.objects.filter(key=key).first()
        if stage is None:
            keys = ", ".join(PipelineStage.objects.order_by("position", "pk").values_list("key", flat=True))
            raise ValidationError({"stage": [f"There is no such stage; there are {keys}."]})
        values["stage"] = stage
    if "amount" in given:
        money = given["amount"]
        values["amount_cents"] = money["cents"] if money else None
        if money:
            values["currency"] = money["currency"]
    if owner := given.get("owner"):
        user = User.objects.active().filter(public_id=owner).first()
        if user is None:
            raise ValidationError({"owner": ["There is no such active user."]})
        values["owner_id"] = user.pk
    return DealEdit(values, _contacts(given["contacts"]) if "contacts" in given else None)


def _contacts(given: Sequence[Mapping[str, Any]]) -> list[Contact]:
    rows = Lead.objects.live().filter(public_id__in=[each["lead"] for each in given])
    known = dict(rows.values_list("public_id", "pk"))
    for place, each in enumerate(given):
        if each["lead"] not in known:
            raise ValidationError({"contacts": {str(place): {"lead": ["There is no such lead."]}}})
    other = OpportunityContact.ContactRole.OTHER
    return [Contact(known[each["lead"]], each.get("role") or other, each.get("is_primary", False)) for each in given]


def _at_fault(refusal: DealRefused) -> ValidationError:
    return ValidationError(
        {refusal.field: [refusal.reason]} if refusal.field else {"non_field_errors": [refusal.reason]}
    )


def _url(deal: Opportunity, request: Request) -> str:
    return request.build_absolute_uri(reverse("leads:opportunity-detail", args=[deal.public_id]))


def _answer(deal_id: int, request: Request) -> dict[str, Any]:
    return deal_data([told_deals().get(pk=deal_id)], link=request.build_absolute_uri)[0]
