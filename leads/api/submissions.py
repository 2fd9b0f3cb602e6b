"""``GET /api/v1/submissions/{uuid}``: what became of something that was promised."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads.api.parameters import check_parameters
from leads.api.schema import ProblemError, problems
from leads.models import Scope, Submission


class SubmissionAnswer(serializers.Serializer[Any]):
    """A submission: ``lead`` is the address of its lead once it was taken, ``errors`` say why it was not."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=Submission.State.choices)
    received_at = serializers.DateTimeField()
    lead = serializers.URLField(allow_null=True)
    errors = ProblemError(many=True)  # type: ignore[assignment]


class SubmissionDetail(APIView):
    """One submission."""

    required_scope = Scope.LEADS_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="read_submission",
        summary="Read what became of a submission",
        tags=["leads"],
        responses={200: SubmissionAnswer, **problems(400, 401, 403, 404, 429)},
    )
    def get(self, request: Request, submission_id: UUID) -> Response:
        check_parameters(request, set())
        row = Submission.objects.select_related("lead").filter(public_id=submission_id).first()
        if row is None:
            raise Http404
        lead = row.lead
        url = request.build_absolute_uri(reverse("api-lead", args=[lead.public_id])) if lead else None
        return Response(
            {
                "id": str(row.public_id),
                "state": row.state,
                "received_at": row.received_at.isoformat(),
                "lead": url,
                "errors": row.errors,
            }
        )
