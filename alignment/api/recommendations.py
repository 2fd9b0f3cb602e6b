"""``GET /api/v1/recommendations``: what weekly reports recommend, and what became of it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alignment.actions.report.present_recommendations import kept, present_kept
from alignment.api.performance_answer import MoneyAnswer
from alignment.models import Recommendation
from leads.api.pagination import CursorPagination
from leads.api.parameters import PAGED, PAGING, check_parameters
from leads.api.past import AS_OF, asked_as_of
from leads.api.schema import page_of, problems
from leads.models import Scope
from leads.pure.money import to_amount


class EvidenceAnswer(serializers.Serializer[Any]):
    """A value that the question rests on, as it was when it was asked."""

    name = serializers.CharField()
    text = serializers.CharField()
    url = serializers.URLField(allow_null=True, help_text="its rows in the report, for people")


class RecommendationAnswer(serializers.Serializer[Any]):
    """An open question of a weekly report, with its evidence and what was decided."""

    id = serializers.UUIDField()
    week = serializers.CharField(help_text="of the report that asked first")
    kind = serializers.ChoiceField(choices=Recommendation.Kind.choices)
    subject = serializers.CharField(help_text="a campaign's id, or a figure")
    receiver = serializers.CharField(allow_null=True, help_text="the campaign that would receive the budget")
    question = serializers.CharField()
    changed = serializers.CharField(allow_null=True, help_text="why it is asked again")
    grounds = serializers.CharField()
    caution = serializers.CharField(allow_null=True, help_text="where the sample is too small to claim anything")
    capacity = serializers.CharField(allow_null=True, help_text="what the receiving campaign can take")
    most = MoneyAnswer(allow_null=True, help_text="the most that it is about, over 13 weeks")
    evidence = EvidenceAnswer(many=True)
    state = serializers.ChoiceField(choices=Recommendation.State.choices)
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    report_url = serializers.URLField()
    page_url = serializers.URLField()


class RecommendationList(APIView):
    """Recommendations, the newest first."""

    required_scope = Scope.PERFORMANCE_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="list_recommendations",
        summary="List recommendations of weekly reports",
        tags=["performance"],
        parameters=[
            OpenApiParameter("state", str, enum=Recommendation.State.values, description="those in one state"),
            AS_OF,
            *PAGING,
        ],
        responses={200: page_of(RecommendationAnswer, "RecommendationPage"), **problems(400, 401, 403, 429)},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        check_parameters(request, {*PAGED, AS_OF.name, "state"})
        rows = Recommendation.objects.all()
        state = request.query_params.get("state")
        if state is not None:
            if state not in Recommendation.State.values:
                raise ValidationError({"state": [f"Known are {', '.join(Recommendation.State.values)}."]})
            rows = rows.filter(state=state)
        paginator = CursorPagination()
        page: list[Recommendation] = list(paginator.paginate_queryset(rows, request, view=self) or [])
        return paginator.get_paginated_response([_told(row, request) for row in page])


def _told(row: Recommendation, request: Request) -> dict[str, Any]:
    link, told = request.build_absolute_uri, present_kept(kept=kept(row=row))
    amount = row.amount_cents
    return {
        "id": str(row.public_id),
        "week": row.week,
        "kind": row.kind,
        "subject": row.subject,
        "receiver": row.receiver or None,
        "question": row.question,
        "changed": row.changed or None,
        "grounds": row.grounds,
        "caution": row.caution or None,
        "capacity": row.capacity or None,
        "most": None if amount is None else {"amount": to_amount(amount, row.currency), "currency": row.currency},
        "evidence": [
            {"name": each["label"], "text": each["text"], "url": link(each["url"]) if each["url"] else None}
            for each in told["evidence"]
        ],
        "state": row.state,
        "closed_at": row.closed_at.isoformat() if row.closed_at else None,
        "closed_by": row.closed_by_name or None,
        "reason": row.reason or None,
        "report_url": link(reverse("api-report", args=[row.week])),
        "page_url": link(row.get_absolute_url()),
    }
