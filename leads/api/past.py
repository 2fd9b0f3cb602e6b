"""Answers of the past: a ``GET`` that takes ``as_of`` is answered inside the span of that moment, and says which."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.core.exceptions import ValidationError as Refused
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leads.forms.as_of import NAME, settled_as_of
from leads.models import Company
from leads.past.snapshot import NotKnown
from leads.past.span import known_at, moment

P = ParamSpec("P")
Get = Callable[Concatenate[Any, Request, P], Response]
AS_OF = OpenApiParameter(
    NAME,
    OpenApiTypes.STR,
    description="What was known then: a moment with its offset, or a day, which means its end in the company's time "
    "zone. Rights are today's, data is then's; the answer names the moment.",
    examples=[
        OpenApiExample("a day", value="2026-11-16"),
        OpenApiExample("a moment", value="2026-11-16T09:30:00+01:00"),
    ],
)


def as_of_field() -> serializers.DateTimeField:
    """Where an answer says of when it is."""
    return serializers.DateTimeField(required=False, help_text="the moment asked for; absent where none was")


def asked_as_of(get: Get[P]) -> Get[P]:
    """Let a ``get`` be asked as of a past moment; a body that is an object states it as ``as_of``."""

    @wraps(get)
    def door(view: Any, request: Request, *args: P.args, **kwargs: P.kwargs) -> Response:
        given = request.query_params.getlist(NAME)
        if len(given) > 1:
            raise ValidationError({NAME: ["Give it once."]})
        if not given or not given[0]:
            return get(view, request, *args, **kwargs)
        try:
            asked = settled_as_of(given[0], at=timezone.now())
        except Refused as error:
            raise ValidationError({NAME: error.messages}) from error
        query = request.query_params.copy()
        query[NAME] = asked.text
        request._request.GET = query  # type: ignore[assignment]  # a copy can be changed, which nobody does
        try:
            with known_at(asked.at):
                response = get(view, request, *args, **kwargs)
                if response.status_code == 200 and isinstance(response.data, dict):
                    response.data = {NAME: stated(), **response.data}
        except NotKnown as error:
            raise ValidationError({NAME: [str(error)]}) from error
        return response

    door.takes_as_of = True  # type: ignore[attr-defined]
    return cast("Get[P]", door)


def stated() -> str:
    """The moment that is read, in the company's time zone, exactly; empty in the present. Belongs into every ETag."""
    at = moment()
    return at.astimezone(Company.current().tz).isoformat() if at else ""
