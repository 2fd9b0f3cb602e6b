"""What drf-spectacular cannot see by itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
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


_RATES = {
    "RateLimit-Limit": "Requests a key may send in the present span of time.",
    "RateLimit-Remaining": "How many of them are left.",
    "RateLimit-Reset": "Seconds until the span ends.",
}
_RETRY = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait before trying again."}}
_UNCOUNTED = ("401", "403", "503")
"""Answers that are given before the request is counted."""


def describe_rates_and_trouble(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Every operation may find the database away, and tells the caller's rate (a hook of drf-spectacular)."""
    for methods in result["paths"].values():
        for operation in methods.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True  # of a choice of bodies the library does not say so
            answers = operation["responses"]
            trouble = {"schema": {"$ref": "#/components/schemas/Problem"}}
            answers["503"] = {"content": {CONTENT_TYPE: trouble}, "description": HTTPStatus(503).phrase}
            for status, answer in answers.items():
                headers = answer.setdefault("headers", {})
                if status not in _UNCOUNTED:
                    headers |= {
                        name: {"schema": {"type": "integer"}, "description": text} for name, text in _RATES.items()
                    }
                if status in ("429", "503"):
                    headers |= _RETRY
    return result


class StrictObjects(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Bodies whose unknown members are refused say so."""

    target_class = "leads.api.fields.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        found: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**found, "additionalProperties": False}


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
