"""Cost reports of advertising services as they are exported: ``POST /api/v1/costs/reports``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import IO, Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads.actions.campaigns.keep_cost_history import Said
from leads.actions.imports.record_ad_report import record_ad_report
from leads.api.parameters import check_parameters
from leads.api.parsers import PayloadTooLarge, require_length
from leads.api.schema import problems
from leads.models import ApiKey, CostDoor, Scope
from leads.pure.imports.ad_presets import PRESETS
from leads.pure.imports.ad_reports import AdReport, ReportRefused, read_ad_report
from leads.pure.imports.dates import DATE_ORDERS
from leads.pure.imports.numbers import DECIMAL_SIGNS
from leads.pure.table_file import UnreadableFile
from leads.queries.imports import campaign_codes

BINARY = "application/octet-stream"


class FileParser(BaseParser):
    """The bytes of a file of at most ``API_MAX_BODY_BYTES``."""

    media_type = BINARY

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit: int = settings.API_MAX_BODY_BYTES
        body: bytes = stream.read(limit + 1)
        if len(body) > limit:
            raise PayloadTooLarge(f"The body is larger than {limit // 1024 // 1024} MiB. Split the report by month.")
        return body


class CsvParser(FileParser):
    """The same, called what it is."""

    media_type = "text/csv"


class RecordedReport(serializers.Serializer[Any]):
    """What became of a report's days."""

    service = serializers.CharField(help_text="whose export it is")
    source = serializers.ChoiceField([preset.source for preset in PRESETS], help_text="what its costs stand under")  # type: ignore[assignment]
    time_zone = serializers.CharField(help_text="whose midnight ends its days; they are kept as the service told them")
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    totals_left_out = serializers.IntegerField(help_text="rows of totals")
    unknown_campaigns = serializers.ListField(child=serializers.CharField(), help_text="of these nothing was recorded")


class CostReports(APIView):
    """Takes reports."""

    required_scope = Scope.COSTS_WRITE
    http_method_names = ["post"]
    parser_classes = [FileParser, CsvParser]

    @extend_schema(
        operation_id="record_cost_report",
        summary="Record the campaign report of Google Ads, Microsoft Advertising, LinkedIn or Meta",
        description=(
            "The file as it is exported by day, also as text/csv: with lines above the header and totals below "
            "the rows, in UTF-8 or UTF-16, amounts or micros. Campaigns are found by code or name. A day that is sent "
            "again replaces itself. A report is taken whole or refused with the line at fault; so is one whose days or "
            "amounts could mean two things, until a parameter says which."
        ),
        tags=["costs"],
        parameters=[
            OpenApiParameter("currency", str, description="of the account, where the report names none"),
            OpenApiParameter(
                "dates", str, enum=list(DATE_ORDERS), description="where its days, such as 3/4/2026, leave it open"
            ),
            OpenApiParameter(
                "decimal", str, enum=list(DECIMAL_SIGNS), description="where its amounts, such as 1.234, leave it open"
            ),
        ],
        request={BINARY: OpenApiTypes.BINARY},
        responses={200: RecordedReport, **problems(400, 401, 403, 411, 413, 415, 422, 429)},
    )
    def post(self, request: Request) -> Response:
        check_parameters(request, {"currency", "dates", "decimal"})
        require_length(request)
        content: Any = request.data  # a dictionary where nothing was sent
        at = timezone.now()
        report = _read(content if isinstance(content, bytes) else b"", request, at)
        name = request.auth.name if isinstance(request.auth, ApiKey) else ""
        found = record_ad_report(report=report, said=Said(door=CostDoor.API, name=name), at=at)
        return Response(
            {
                "service": report.preset.name,
                "source": report.preset.source,
                "time_zone": report.zone,
                "created": found.created,
                "updated": found.updated,
                "unchanged": found.unchanged,
                "totals_left_out": report.totals,
                "unknown_campaigns": list(found.unknown),
            }
        )


class Unreadable(ValidationError):
    status_code = 422


def _read(content: bytes, request: Request, at: datetime) -> AdReport:
    given = request.query_params
    dates, decimal = given.get("dates", ""), given.get("decimal", "")
    for name, value, known in (("dates", dates, DATE_ORDERS), ("decimal", decimal, DECIMAL_SIGNS)):
        if value and value not in known:
            raise ValidationError({name: [f"Must be one of {', '.join(known)}."]})
    currency = given.get("currency", "").strip().upper()
    try:
        return read_ad_report(
            content, currency=currency, dates=dates, decimal=decimal, campaigns=campaign_codes(), at=at
        )
    except (ReportRefused, UnreadableFile) as error:
        raise Unreadable([str(error)]) from error
