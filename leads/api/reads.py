"""What lists of the API share: the pages' filters, paging, ``fields``, ``changed_since`` and ``as_of``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads.api.fields import Moment
from leads.api.pagination import CursorPagination
from leads.api.parameters import PAGED, PAGING, check_parameters
from leads.api.past import AS_OF, as_of_field
from leads.past.settled import settled_at_once
from leads.past.span import moment

FIELDS = OpenApiParameter(
    "fields", str, description="Members of each result to answer with, separated by commas; all without it."
)
CHANGED_SINCE = OpenApiParameter(
    "changed_since",
    OpenApiTypes.DATETIME,
    description="Only what was recorded or changed after this moment, by when the portal knew it. Take the next one "
    "from `changed_until` of the first page.",
)
LISTED = [*PAGING, FIELDS, CHANGED_SINCE, AS_OF]
NAMES = frozenset({*PAGED, FIELDS.name, CHANGED_SINCE.name, AS_OF.name})


class ListView(APIView):
    """A list, newest first. A subclass says which rows, how they are told, and what a change of one is."""

    http_method_names = ["get", "head"]
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class: Any = None
    pagination_class = CursorPagination
    repeatable: Sequence[str] = ()

    def answer_list(
        self,
        request: Request,
        rows: QuerySet[Any],
        *,
        tell: Callable[[list[Any]], list[dict[str, Any]]],
        members: Sequence[str],
        changed: Callable[[datetime], Q],
    ) -> Response:
        """The page of rows that is asked for."""
        known = set(self.filterset_class.base_filters) if self.filterset_class else set()
        check_parameters(request, known | NAMES, repeatable=self.repeatable)
        wanted, since = asked_fields(request, members), asked_since(request)
        # First of all: what is written while the rows are read belongs to the next question.
        until = moment() or settled_at_once()
        if self.filterset_class:
            rows = filters.DjangoFilterBackend().filter_queryset(request, rows, self)
        if since is not None:
            rows = rows.filter(changed(since))
        paginator = CursorPagination()
        page: list[Any] = list(paginator.paginate_queryset(rows, request, view=self) or [])
        answer = paginator.get_paginated_response([only(each, wanted) for each in tell(page)])
        answer.data = {"changed_until": until.isoformat(), **answer.data}
        return answer


def answer_one(
    request: Request,
    rows: QuerySet[Any],
    *,
    tell: Callable[[list[Any]], list[dict[str, Any]]],
    members: Sequence[str],
) -> Response:
    """The one row there is, with the members that are asked for; 404 where there is none."""
    check_parameters(request, {FIELDS.name, AS_OF.name})
    wanted = asked_fields(request, members)
    row = rows.first()
    if row is None:
        raise Http404
    return Response(only(tell([row])[0], wanted))


def asked_fields(request: Request, members: Sequence[str]) -> list[str]:
    """The members that are asked for; all without a word. Unknown ones are refused by name."""
    text = request.query_params.get(FIELDS.name)
    if text is None:
        return list(members)
    wanted = [each.strip() for each in text.split(",") if each.strip()]
    if unknown := [each for each in wanted if each not in members]:
        known = ", ".join(members)
        raise ValidationError({FIELDS.name: [f"There is no member {unknown[0][:40]}; there are {known}."]})
    if not wanted:
        raise ValidationError({FIELDS.name: ["Name at least one member."]})
    return wanted


def asked_since(request: Request) -> datetime | None:
    """The moment after which changes are asked for."""
    text = request.query_params.get(CHANGED_SINCE.name)
    if text is None:
        return None
    # A plus that was not escaped arrives as a space.
    asked = _Since(data={CHANGED_SINCE.name: text.replace(" ", "+")}, context={"at": timezone.now()})
    asked.is_valid(raise_exception=True)
    since: datetime = asked.validated_data[CHANGED_SINCE.name]
    return since


class _Since(serializers.Serializer[Any]):
    changed_since = Moment()


def only(told: dict[str, Any], members: Sequence[str]) -> dict[str, Any]:
    """The members that are asked for, in their order."""
    return {name: told[name] for name in members if name in told}


def members_of(answer: type[serializers.Serializer[Any]]) -> list[str]:
    """The members of an answer that may be asked for."""
    return [str(name) for name in answer().get_fields() if name != AS_OF.name]


def list_of(item: type[serializers.Serializer[Any]], name: str) -> serializers.Serializer[Any]:
    """The page of a list for the schema."""
    page: serializers.Serializer[Any] = inline_serializer(
        name,
        {
            "as_of": as_of_field(),
            "changed_until": serializers.DateTimeField(help_text="the changed_since of the next question"),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": item(many=True),
        },
    )
    return page
