"""``GET /api/v1/integrations/sales/reports/{week}/restatements``: the restatements of a report."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alignment.actions.report.present_restatements import present_restatements
from alignment.api.restatements_answer import RestatementsAnswer
from alignment.models import WeeklyReport
from leads.api.parameters import check_parameters
from leads.api.schema import problems
from leads.figures.base import Number
from leads.models import ApiKey
from leads.models import Scope as KeyScope
from leads.pure.money import to_amount
from leads.pure.week import Week

PARAMETERS = ("figure", "item")


class ReportRestatements(APIView):
    """The ledger of one published report."""

    required_scope = KeyScope.PERFORMANCE_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="read_report_restatements",
        summary="Restatements of a weekly report, by cause and row",
        tags=["performance"],
        parameters=[
            OpenApiParameter("week", str, OpenApiParameter.PATH, description="such as 2026-W46"),
            OpenApiParameter("figure", str, description="one figure of the report alone"),
            OpenApiParameter("item", str, description="with figure: one campaign, one part of the split, or target"),
        ],
        responses={200: RestatementsAnswer, **problems(400, 401, 403, 404, 429)},
    )
    def get(self, request: Request, week: str) -> Response:
        check_parameters(request, PARAMETERS)
        report = _report(week)
        figure, item = (request.query_params.get(name, "") for name in PARAMETERS)
        found = present_restatements(report=report, entry=figure, item=item, is_whole=True)
        is_named = not isinstance(request.auth, ApiKey) or KeyScope.LEADS_READ in request.auth.scopes
        return Response(
            {
                "week": report.week,
                "published_at": report.published_at,
                "as_of": report.as_of,
                "currency": report.currency,
                "restatements": [_restatement(report, number, is_named) for number in found],
            }
        )


def _report(week: str) -> WeeklyReport:
    try:
        Week.parse(week)
    except ValueError:
        raise Http404 from None
    report = WeeklyReport.objects.filter(week=week).first()
    if report is None:
        raise Http404
    return report


def _restatement(report: WeeklyReport, number: dict[str, Any], is_named: bool) -> dict[str, Any]:
    def value(given: Number | None) -> Any:
        if given is None or not number["unit"].startswith("money"):
            return given
        return {"amount": to_amount(round(given), report.currency), "currency": report.currency}

    return {
        "figure": number["entry"],
        "item": number["item"] or None,
        "name": number["name"],
        "unit": number["unit"],
        "published": value(number["published"]),
        "current": value(number["current"]),
        "change": value(number["change"]),
        "interaction": value(number["interaction"]),
        "is_correction": number["is_correction"],
        "noticed_at": number["noticed_at"],
        "summary": number["cause"] or None,
        "note": number["note"] or None,
        "parts": [
            {"name": part["label"], **{name: part[f"{name}_text"] for name in ("published", "current", "change")}}
            for part in number["parts"]
        ],
        "causes": [
            {
                "key": cause["key"],
                "text": cause["words"],
                "is_correction": cause["is_correction"],
                "effect": value(cause["effect"]),
                "count": cause["count"],
                "rows": [_row(line, is_named) for line in cause["lines"]],
                "unlisted": cause["unlisted"],
            }
            for cause in number["causes"]
        ],
    }


def _row(line: dict[str, Any], is_named: bool) -> dict[str, Any]:
    """A row with what changed. Names and values of people only for keys that may read leads."""
    return {
        "part": line["label"],
        "what": line["what"],
        "name": line["row"] if is_named else None,
        "path": line["url"] or None,
        "amount": line["amount_text"],
        "changed": [
            {
                "of": column["of"],
                "column": column["label"],
                "from": column["before"] if is_named or not line["people"] else None,
                "to": column["after"] if is_named or not line["people"] else None,
            }
            for column in line["columns"]
        ],
        "at": line["at"],
        "by": line["by"] or None,
        "door": line["door"] or None,
        "because": line["because"] or None,
    }
