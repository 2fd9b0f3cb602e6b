"""``GET /api/v1/integration-points``: the six promises with their criteria."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alignment.models import AcceptanceCriterion, IntegrationPoint, SignOff
from leads.api.parameters import check_parameters
from leads.api.past import AS_OF, as_of_field, asked_as_of
from leads.api.schema import problems
from leads.models import Scope


class SignOffAnswer(serializers.Serializer[Any]):
    """The sign-off that stands."""

    by = serializers.CharField()
    at = serializers.DateTimeField()
    version = serializers.IntegerField()


class CriterionAnswer(serializers.Serializer[Any]):
    """A sentence that must hold."""

    position = serializers.IntegerField()
    text = serializers.CharField()
    version = serializers.IntegerField()
    state = serializers.ChoiceField(choices=AcceptanceCriterion.State.choices)
    state_note = serializers.CharField()
    owner = serializers.UUIDField(allow_null=True)
    due_on = serializers.DateField(allow_null=True)
    sign_off = SignOffAnswer(allow_null=True)


class IntegrationPointAnswer(serializers.Serializer[Any]):
    """A promise between two sides."""

    code = serializers.CharField()
    title = serializers.CharField()
    group = serializers.CharField()
    flow_from = serializers.CharField()
    flow_to = serializers.CharField()
    protocol = serializers.CharField()
    owner = serializers.UUIDField(allow_null=True)
    due_on = serializers.DateField(allow_null=True)
    page_url = serializers.URLField()
    criteria = CriterionAnswer(many=True)


class IntegrationPointsAnswer(serializers.Serializer[Any]):
    """All of them, in order."""

    as_of = as_of_field()
    results = IntegrationPointAnswer(many=True)


class IntegrationPointList(APIView):
    """Integration points."""

    required_scope = Scope.PERFORMANCE_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="list_integration_points",
        summary="List integration points",
        tags=["performance"],
        parameters=[AS_OF],
        responses={200: IntegrationPointsAnswer, **problems(400, 401, 403, 429)},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        check_parameters(request, {AS_OF.name})
        standing = SignOff.objects.filter(withdrawn_at__isnull=True)
        criteria = AcceptanceCriterion.objects.select_related("owner").order_by("position")
        points = IntegrationPoint.objects.select_related("owner").order_by("position")
        points = points.prefetch_related(
            Prefetch("criteria", criteria.prefetch_related(Prefetch("sign_offs", standing, to_attr="standing")))
        )
        return Response({"results": [_told(each, request) for each in points]})


def _told(point: IntegrationPoint, request: Request) -> dict[str, Any]:
    return {
        "code": point.code,
        "title": point.title,
        "group": point.group,
        "flow_from": point.flow_from,
        "flow_to": point.flow_to,
        "protocol": point.protocol,
        "owner": str(point.owner.public_id) if point.owner else None,
        "due_on": point.due_on.isoformat() if point.due_on else None,
        "page_url": request.build_absolute_uri(point.get_absolute_url()),
        "criteria": [_criterion(each) for each in point.criteria.all()],
    }


def _criterion(row: AcceptanceCriterion) -> dict[str, Any]:
    standing: list[SignOff] = getattr(row, "standing", [])
    sign_off = standing[0] if standing else None
    return {
        "position": row.position,
        "text": row.text,
        "version": row.version,
        "state": row.state,
        "state_note": row.state_note,
        "owner": str(row.owner.public_id) if row.owner else None,
        "due_on": row.due_on.isoformat() if row.due_on else None,
        "sign_off": {
            "by": sign_off.signed_by_name,
            "at": sign_off.signed_at.isoformat(),
            "version": sign_off.criterion_version,
        }
        if sign_off
        else None,
    }
