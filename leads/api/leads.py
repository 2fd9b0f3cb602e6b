"""Reading leads: ``GET /api/v1/leads`` and ``GET /api/v1/leads/{uuid}``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads.api.lead_answers import DatedLeadAnswer, LeadAnswer, lead_answers
from leads.api.pagination import CursorPagination
from leads.api.parameters import PAGED, PAGING, check_parameters
from leads.api.past import AS_OF, asked_as_of
from leads.api.schema import page_of, problems
from leads.filters.search import LeadFilter
from leads.models import Lead, Scope, User
from leads.queries.answers import queued


def readable(request: Request) -> QuerySet[Lead]:
    """Leads this caller may read: a key reads the company's, a person what they may see."""
    rows = Lead.objects.visible_to(request.user) if isinstance(request.user, User) else Lead.objects.live()
    return rows.select_related("channel", "campaign")


class LeadList(APIView):
    """Every lead, newest first."""

    required_scope = Scope.LEADS_READ
    http_method_names = ["get", "head"]
    queryset = Lead.objects.none()  # tells the schema what the filters are about
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = LeadFilter
    pagination_class = CursorPagination

    @extend_schema(
        operation_id="list_leads",
        summary="List leads",
        tags=["leads"],
        filters=True,
        parameters=[*PAGING, AS_OF],
        responses={200: page_of(LeadAnswer, "LeadPage"), **problems(400, 401, 403, 429)},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        check_parameters(request, {*LeadFilter.base_filters, *PAGED, AS_OF.name}, repeatable={"stage"})
        rows: Any = readable(request)
        rows = filters.DjangoFilterBackend().filter_queryset(request, rows, self)
        paginator = CursorPagination()
        page: list[Lead] = list(paginator.paginate_queryset(rows, request, view=self) or [])
        return paginator.get_paginated_response(lead_answers(page, request, queued=queued(page)))


class LeadDetail(APIView):
    """One lead."""

    required_scope = Scope.LEADS_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="read_lead",
        summary="Read a lead",
        tags=["leads"],
        parameters=[AS_OF],
        responses={200: DatedLeadAnswer, **problems(400, 401, 403, 404, 429)},
    )
    @asked_as_of
    def get(self, request: Request, lead_id: UUID) -> Response:
        check_parameters(request, {AS_OF.name})
        lead = readable(request).filter(public_id=lead_id).first()
        if lead is None:
            raise Http404
        return Response(lead_answers([lead], request, queued=queued([lead]))[0])
