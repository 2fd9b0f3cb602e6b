"""What drf-spectacular cannot see by itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers

from leads.api.past import as_of_field
from leads.api.problems import CONTENT_TYPE


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes the keys in the schema."""

    target_class = "leads.api.keys.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key made in the admin."}


class ProblemError(serializers.Serializer[Any]):
    """One member at fault."""

    pointer = serializers.CharField(help_text="JSON pointer into the body")
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """An error (RFC 9457)."""

    type = serializers.CharField(default="about:blank")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = ProblemError(many=True, required=False)  # type: ignore[assignment]


def problems(*statuses: int) -> dict[Any, OpenApiResponse]:
    """Problem documents for ``responses=`` of an operation."""
    return {
        (status, CONTENT_TYPE): OpenApiResponse(Problem, description=HTTPStatus(status).phrase) for status in statuses
    }


def page_of(item: type[serializers.Serializer[Any]], name: str) -> serializers.Serializer[Any]:
    """The cursor page ``{"next", "previous", "results"}`` of an item, with ``as_of`` where that was asked."""
    page: serializers.Serializer[Any] = inline_serializer(
        name,
        {
            "as_of": as_of_field(),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": item(many=True),
        },
    )
    return page
