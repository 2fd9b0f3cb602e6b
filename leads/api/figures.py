"""Figures by their key: the definition, the value in a scope, and the rows behind it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads.api.pagination import CursorPagination
from leads.api.parameters import PAGING, check_parameters
from leads.api.past import AS_OF, as_of_field, asked_as_of
from leads.api.schema import problems
from leads.figures.base import Definition, Figure, UnknownFigure, definition, definitions, figure
from leads.figures.rowset import Column, Row
from leads.figures.words import figure_url
from leads.forms.scope import ScopeForm
from leads.models import ApiKey, Company, Scope
from leads.past.deemed import deemed_now
from leads.pure.money import to_amount

SCOPED = ("from", "to", "week", "channel", "campaign", "territory", "owner", "method", "basis", "scope")
PARAMETERS = [
    OpenApiParameter("from", str, description="First day (2026-11-16) or week (2026-W47); the fiscal quarter's first."),
    OpenApiParameter("to", str, description="Last day or week, included."),
    OpenApiParameter("week", str, description="Short for the first and last day of that week."),
    OpenApiParameter("channel", str, description="A channel's key."),
    OpenApiParameter("campaign", str, description="A campaign's id; none: of no campaign."),
    OpenApiParameter("territory", int),
    OpenApiParameter("owner", str, description="An owner's id; none: of nobody."),
    OpenApiParameter("method", str, description="Attribution model."),
    OpenApiParameter("basis", str, enum=["simple", "realised"]),
    OpenApiParameter("scope", str, description="Whose touchpoints make up a journey."),
    AS_OF,
]
OFFSET = OpenApiParameter("offset", {"type": "integer", "minimum": 0, "default": 0}, description="Rows left out first.")
# Columns that say who a person is: only keys that may read leads are told.
_PERSONAL = ("leads:lead-detail",)


class FigureDefinition(serializers.Serializer[Any]):
    """The written meaning of a figure."""

    key = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    unit = serializers.CharField()
    formula = serializers.CharField()
    meaning = serializers.CharField()
    filters = serializers.ListField(child=serializers.CharField(), help_text="parameters it obeys beside the period")
    url = serializers.URLField()


class FigureListAnswer(serializers.Serializer[Any]):
    """Every definition in force."""

    as_of = as_of_field()
    results = FigureDefinition(many=True)


class FigurePart(serializers.Serializer[Any]):
    """Rows that make up a figure, or are left out with the reason."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    is_counted = serializers.BooleanField()
    rows_url = serializers.URLField()


class FigureReading(FigureDefinition):
    """A figure in a scope. Money is an object of amount and currency."""

    as_of = as_of_field()
    period = serializers.DictField(child=serializers.CharField())
    value = serializers.JSONField(allow_null=True)
    lacking = serializers.IntegerField(help_text="rows that left it unknown for want of their amount")
    parts = FigurePart(many=True)
    page_url = serializers.URLField()


class FigureColumn(serializers.Serializer[Any]):
    """A column of the rows."""

    path = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.CharField()


class FigureRowsAnswer(serializers.Serializer[Any]):
    """Rows by column, in the figure's own order."""

    as_of = as_of_field()
    columns = FigureColumn(many=True)
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    results = serializers.ListField(child=serializers.DictField())


class FigureList(APIView):
    """Definitions."""

    required_scope = Scope.PERFORMANCE_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="list_figures",
        summary="List definitions of figures",
        tags=["figures"],
        parameters=[AS_OF],
        responses={200: FigureListAnswer, **problems(400, 401, 403, 429)},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        check_parameters(request, {AS_OF.name})
        return Response({"results": [_defined(each, request) for each in definitions()]})


class _OfFigure(APIView):
    """What needs a figure's key. Figures of attribution are open to keys of either kind."""

    http_method_names = ["get", "head"]

    @property
    def required_scope(self) -> Scope:
        """The scope of the figure's app that the key has."""
        scopes = self.request.auth.scopes if isinstance(self.request.auth, ApiKey) else ()
        is_attribution = str(self.kwargs.get("key", "")).startswith("attribution.")
        if is_attribution and Scope.ATTRIBUTION_READ in scopes:
            return Scope.ATTRIBUTION_READ
        return Scope.PERFORMANCE_READ

    def asked(self, request: Request, key: str, *more: str) -> Figure:
        """The figure in the scope that is asked for."""
        check_parameters(request, {*SCOPED, AS_OF.name, *more})
        try:
            definition(key)
        except UnknownFigure:
            raise Http404 from None
        form = ScopeForm(request.query_params, company=Company.current(), at=deemed_now())
        if not form.is_valid():
            raise ValidationError({name: [str(text) for text in texts] for name, texts in form.errors.items()})
        return figure(key, form.scope(None))


class FigureDetail(_OfFigure):
    """One figure."""

    @extend_schema(
        operation_id="read_figure",
        summary="Read a figure",
        tags=["figures"],
        parameters=PARAMETERS,
        responses={200: FigureReading, **problems(400, 401, 403, 404, 429)},
    )
    @asked_as_of
    def get(self, request: Request, key: str) -> Response:
        found = self.asked(request, key)
        scope = found.scope
        query = scope.query()
        return Response(
            {
                **_defined(found.definition, request),
                "period": {"from": query["from"], "to": query["to"], "time_zone": str(scope.tz)},
                "value": _value(found),
                "lacking": found.lacking,
                "parts": [
                    {
                        "name": name,
                        "label": part.label,
                        "is_counted": not name.startswith("excluded"),
                        "rows_url": request.build_absolute_uri(rows_path(key, {**query, "part": name})),
                    }
                    for name, part in found.parts.items()
                ],
                "page_url": request.build_absolute_uri(figure_url(key, scope)),
            }
        )


class FigureRows(_OfFigure):
    """The rows of a figure."""

    @extend_schema(
        operation_id="list_figure_rows",
        summary="List the rows behind a figure",
        description="Of one part, the first without a word. Names of people need `leads:read`; without it they are "
        "null.",
        tags=["figures"],
        parameters=[*PARAMETERS, OpenApiParameter("part", str), PAGING[1], OFFSET],
        responses={200: FigureRowsAnswer, **problems(400, 401, 403, 404, 429)},
    )
    @asked_as_of
    def get(self, request: Request, key: str) -> Response:
        found = self.asked(request, key, "part", "limit", "offset")
        part = request.query_params.get("part") or next(iter(found.parts))
        if part not in found.parts:
            raise ValidationError({"part": [f"There is no such part; there are {', '.join(found.parts)}."]})
        size, start = CursorPagination().get_page_size(request), _offset(request)
        rows = found.parts[part]
        listed = rows.rows(start, start + size + 1)
        more = None
        if len(listed) > size:
            query = {**found.scope.query(), "part": part, "limit": size, "offset": start + size}
            more = request.build_absolute_uri(rows_path(key, query))
        is_named = not isinstance(request.auth, ApiKey) or Scope.LEADS_READ in request.auth.scopes
        return Response(
            {
                "columns": [{"path": each.path, "label": each.label, "kind": each.kind} for each in rows.columns],
                "count": rows.count(),
                "next": more,
                "results": [
                    {each.path: _cell(each, row, found, is_named) for each in rows.columns} for row in listed[:size]
                ],
            }
        )


def rows_path(key: str, query: dict[str, Any]) -> str:
    """Where the rows of a figure are read."""
    return f"{reverse('api-figure-rows', args=[key])}?{urlencode(query)}"


def _offset(request: Request) -> int:
    text = request.query_params.get("offset", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValidationError({"offset": ["Must be a number from 0 on."]})
    return int(text)


def _defined(meaning: Definition, request: Request) -> dict[str, Any]:
    return {
        "key": meaning.key,
        "name": meaning.name,
        "version": meaning.version,
        "unit": meaning.unit,
        "formula": meaning.formula,
        "meaning": meaning.meaning,
        "filters": sorted(meaning.filters),
        "url": request.build_absolute_uri(reverse("api-figure", args=[meaning.key])),
    }


def _value(found: Figure) -> Any:
    if found.value is None or not found.definition.unit.startswith("money"):
        return found.value
    currency = found.scope.currency
    return {"amount": to_amount(round(found.value), currency), "currency": currency}


def _cell(column: Column, row: Row, found: Figure, is_named: bool) -> Any:
    value = row[column.path]
    if value is None or (column.link in _PERSONAL and not is_named):
        return None
    if column.kind == "money":
        currency = row[column.currency_by] if column.currency_by else found.scope.currency
        return {"amount": to_amount(value, currency), "currency": currency}
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value if isinstance(value, (bool, int, float)) else str(value)
