"""Reading accounts, campaigns, touchpoints, territories and owners."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads.api.past import AS_OF, as_of_field, asked_as_of
from leads.api.reads import FIELDS, LISTED, ListView, answer_one, list_of, members_of
from leads.api.schema import problems
from leads.filters.lists import AccountFilter, CampaignFilter, TouchpointFilter
from leads.models import Account, Campaign, Role, Scope, Territory, TouchKind, Touchpoint, User
from leads.past.news import changed_after
from leads.queries.answers import account_data, campaign_data, touchpoint_data

ERRORS = problems(400, 401, 403, 429)


class AccountAnswer(serializers.Serializer[Any]):
    """A company."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    domain = serializers.CharField(allow_null=True)
    industry = serializers.CharField()
    company_size = serializers.IntegerField(allow_null=True)
    country = serializers.CharField()
    region = serializers.CharField()
    owner = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()


class DatedAccountAnswer(AccountAnswer):
    """A company by itself, now or as it was known at a moment."""

    as_of = as_of_field()


class ListMoney(serializers.Serializer[Any]):
    """An exact amount."""

    amount = serializers.CharField()
    currency = serializers.CharField()


class CampaignRecord(serializers.Serializer[Any]):
    """A campaign."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    code = serializers.CharField()
    channel = serializers.CharField()
    program = serializers.UUIDField(allow_null=True)
    starts_on = serializers.DateField(allow_null=True)
    ends_on = serializers.DateField(allow_null=True)
    budget = ListMoney(allow_null=True)
    is_discovered = serializers.BooleanField(help_text="made from an unknown utm_campaign")
    created_at = serializers.DateTimeField()


class DatedCampaignRecord(CampaignRecord):
    """A campaign by itself, now or as it was known at a moment."""

    as_of = as_of_field()


class UtmAnswer(serializers.Serializer[Any]):
    """How a visitor came."""

    source = serializers.CharField()  # type: ignore[assignment]
    medium = serializers.CharField()
    campaign = serializers.CharField()
    term = serializers.CharField()
    content = serializers.CharField()


class TouchpointAnswer(serializers.Serializer[Any]):
    """One contact of a lead."""

    id = serializers.UUIDField()
    lead = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=TouchKind.choices)
    name = serializers.CharField()
    channel = serializers.CharField()
    campaign = serializers.UUIDField(allow_null=True)
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    utm = UtmAnswer()
    landing_page = serializers.CharField()
    referrer = serializers.CharField()
    excluded_because = serializers.CharField(allow_null=True, help_text="why it earns neither points nor credit")


class TerritoryAnswer(serializers.Serializer[Any]):
    """A set of reps."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    is_catch_all = serializers.BooleanField()
    reps = serializers.ListField(child=serializers.UUIDField())


class OwnerAnswer(serializers.Serializer[Any]):
    """A person who can own leads and deals, or owns some."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    is_active = serializers.BooleanField()


class AccountList(ListView):
    """Accounts."""

    required_scope = Scope.LEADS_READ
    queryset = Account.objects.none()
    filterset_class = AccountFilter

    @extend_schema(
        operation_id="list_accounts",
        summary="List accounts",
        tags=["leads"],
        filters=True,
        parameters=LISTED,
        responses={200: list_of(AccountAnswer, "AccountPage"), **ERRORS},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        return self.answer_list(
            request,
            Account.objects.select_related("owner"),
            tell=account_data,
            members=members_of(AccountAnswer),
            changed=lambda since: Q(pk__in=changed_after(Account, since)),
        )


class AccountDetail(APIView):
    """One account."""

    required_scope = Scope.LEADS_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="read_account",
        summary="Read an account",
        tags=["leads"],
        parameters=[FIELDS, AS_OF],
        responses={200: DatedAccountAnswer, **problems(400, 401, 403, 404, 429)},
    )
    @asked_as_of
    def get(self, request: Request, account_id: UUID) -> Response:
        rows = Account.objects.select_related("owner").filter(public_id=account_id)
        return answer_one(request, rows, tell=account_data, members=members_of(AccountAnswer))


class CampaignList(ListView):
    """Campaigns."""

    required_scope = Scope.ATTRIBUTION_READ
    queryset = Campaign.objects.none()
    filterset_class = CampaignFilter

    @extend_schema(
        operation_id="list_campaigns",
        summary="List campaigns",
        tags=["campaigns"],
        filters=True,
        parameters=LISTED,
        responses={200: list_of(CampaignRecord, "CampaignPage"), **ERRORS},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        return self.answer_list(
            request,
            Campaign.objects.select_related("channel", "parent"),
            tell=campaign_data,
            members=members_of(CampaignRecord),
            changed=lambda since: Q(pk__in=changed_after(Campaign, since)),
        )


class CampaignDetail(APIView):
    """One campaign."""

    required_scope = Scope.ATTRIBUTION_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="read_campaign",
        summary="Read a campaign",
        tags=["campaigns"],
        parameters=[FIELDS, AS_OF],
        responses={200: DatedCampaignRecord, **problems(400, 401, 403, 404, 429)},
    )
    @asked_as_of
    def get(self, request: Request, campaign_id: UUID) -> Response:
        rows = Campaign.objects.select_related("channel", "parent").filter(public_id=campaign_id)
        return answer_one(request, rows, tell=campaign_data, members=members_of(CampaignRecord))


class TouchpointList(ListView):
    """Touchpoints."""

    required_scope = Scope.LEADS_READ
    queryset = Touchpoint.objects.none()
    filterset_class = TouchpointFilter

    @extend_schema(
        operation_id="list_touchpoints",
        summary="List touchpoints",
        tags=["leads"],
        filters=True,
        parameters=LISTED,
        responses={200: list_of(TouchpointAnswer, "TouchpointPage"), **ERRORS},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        return self.answer_list(
            request,
            Touchpoint.objects.select_related("lead", "channel", "campaign"),
            tell=touchpoint_data,
            members=members_of(TouchpointAnswer),
            changed=lambda since: Q(pk__in=changed_after(Touchpoint, since)),
        )


class TerritoryList(ListView):
    """Territories."""

    required_scope = Scope.LEADS_READ

    @extend_schema(
        operation_id="list_territories",
        summary="List territories",
        tags=["leads"],
        parameters=LISTED,
        responses={200: list_of(TerritoryAnswer, "TerritoryPage"), **ERRORS},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        return self.answer_list(
            request,
            Territory.objects.prefetch_related("reps__rep"),
            tell=lambda page: [
                {
                    "id": each.pk,
                    "name": each.name,
                    "is_catch_all": each.is_catch_all,
                    "reps": [str(share.rep.public_id) for share in sorted(each.reps.all(), key=lambda share: share.pk)],
                }
                for each in page
            ],
            members=members_of(TerritoryAnswer),
            changed=lambda since: Q(pk__in=changed_after(Territory, since)),
        )


class OwnerList(ListView):
    """Owners."""

    required_scope = Scope.LEADS_READ

    @extend_schema(
        operation_id="list_owners",
        summary="List owners",
        description="People in sales, active or not, and whoever owns leads or deals besides.",
        tags=["leads"],
        parameters=LISTED,
        responses={200: list_of(OwnerAnswer, "OwnerPage"), **ERRORS},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        rows = User.objects.annotate(held=Count("leads", distinct=True)).filter(
            Q(role__in=(Role.SALES_REP, Role.SALES_LEADER)) | Q(held__gt=0)
        )
        return self.answer_list(
            request,
            rows,
            tell=lambda page: [
                {"id": str(each.public_id), "name": each.name, "role": each.role, "is_active": each.is_active}
                for each in page
            ],
            members=members_of(OwnerAnswer),
            changed=lambda since: Q(pk__in=changed_after(User, since)),
        )
