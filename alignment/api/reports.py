"""Published reports: ``GET /api/v1/reports`` and ``GET /api/v1/reports/{week}``."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alignment.models import WeeklyReport
from alignment.queries.report import causes_told, is_sealed
from leads.api.pagination import CursorPagination
from leads.api.parameters import PAGED, PAGING, check_parameters
from leads.api.schema import page_of, problems
from leads.models import Scope


class ReportAnswer(serializers.Serializer[Any]):
    """A published report; it never changes."""

    week = serializers.CharField()
    starts_on = serializers.DateField()
    published_at = serializers.DateTimeField()
    data_as_of = serializers.DateTimeField(help_text="what was recorded up to this moment is inside")
    time_zone = serializers.CharField()
    currency = serializers.CharField()
    digest = serializers.CharField(help_text="SHA-256 of the content")
    url = serializers.URLField()
    page_url = serializers.URLField()
    restatements_url = serializers.URLField()


class WholeReportAnswer(ReportAnswer):
    """The same with all it says: headline, tiles, tables and figures with their definition versions."""

    is_intact = serializers.BooleanField(help_text="whether the content still has its digest")
    definitions = serializers.DictField(child=serializers.IntegerField())
    content = serializers.DictField()
    restatement_causes = serializers.ListField(
        child=serializers.CharField(),
        help_text="why each of `content.restatements` was restated; the content has their hashes, so that an erasure "
        "reaches the texts",
    )


class ReportList(APIView):
    """Reports, the newest first."""

    required_scope = Scope.PERFORMANCE_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="list_reports",
        summary="List weekly reports",
        tags=["performance"],
        parameters=[*PAGING],
        responses={200: page_of(ReportAnswer, "ReportPage"), **problems(400, 401, 403, 429)},
    )
    def get(self, request: Request) -> Response:
        check_parameters(request, PAGED)
        paginator = CursorPagination()
        rows = WeeklyReport.objects.defer("content", "definitions")
        page: list[WeeklyReport] = list(paginator.paginate_queryset(rows, request, view=self) or [])
        return paginator.get_paginated_response([_told(each, request) for each in page])


class ReportDetail(APIView):
    """One report."""

    required_scope = Scope.PERFORMANCE_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="read_report",
        summary="Read a weekly report",
        tags=["performance"],
        parameters=[OpenApiParameter("week", str, OpenApiParameter.PATH, description="such as 2026-W46")],
        responses={200: WholeReportAnswer, **problems(400, 401, 403, 404, 429)},
    )
    def get(self, request: Request, week: str) -> Response:
        check_parameters(request, set())
        report = WeeklyReport.objects.filter(week=week).first()
        if report is None:
            raise Http404
        causes = causes_told(report)
        return Response(
            {
                **_told(report, request),
                "is_intact": is_sealed(report, causes),
                "definitions": report.definitions,
                "content": report.content,
                "restatement_causes": [cause.text for cause in causes],
            }
        )


def _told(report: WeeklyReport, request: Request) -> dict[str, Any]:
    link = request.build_absolute_uri
    return {
        "week": report.week,
        "starts_on": report.starts_on.isoformat(),
        "published_at": report.published_at.isoformat(),
        "data_as_of": report.as_of.isoformat(),
        "time_zone": report.time_zone,
        "currency": report.currency,
        "digest": report.digest,
        "url": link(reverse("api-report", args=[report.week])),
        "page_url": link(report.get_absolute_url()),
        "restatements_url": link(reverse("api-report-restatements", args=[report.week])),
    }
