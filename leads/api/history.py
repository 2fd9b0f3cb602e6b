"""Who changed what: ``GET /api/v1/history/{kind}/{id}``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads.api.pagination import CursorPagination
from leads.api.parameters import PAGED, PAGING, check_parameters
from leads.api.schema import page_of, problems
from leads.forms.history import HistoryForm
from leads.models import Change, Company, Scope, User
from leads.queries.history import DOORS, Entry, events, happenings, open_record, tell
from leads.queries.history_parts import KINDS


class ChangePages(CursorPagination):
    """By the moment of the change, the newest first."""

    ordering = ("-at", "-pk")  # type: ignore[assignment]  # one word in our own class, any number in the base


class HistoryPerson(serializers.Serializer[Any]):
    """Whoever was signed in."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class HistoryField(serializers.Serializer[Any]):
    """A field before and after, as values and in the words of the page."""

    key = serializers.CharField(help_text="what `field` narrows by, such as deal.amount_cents")
    label = serializers.CharField()  # type: ignore[assignment]
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    before_text = serializers.CharField()
    after_text = serializers.CharField()


class HistoryRow(serializers.Serializer[Any]):
    """What became of one row: the record itself, or one of its touchpoints, costs and the like."""

    type = serializers.CharField()
    title = serializers.CharField()
    action = serializers.ChoiceField(
        ["created", "changed", "deleted", "found"], help_text="found: already there when history began"
    )
    fields = HistoryField(many=True)  # type: ignore[assignment]


class HistoryAnswer(serializers.Serializer[Any]):
    """One change: all that a transaction did to the record."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    door = serializers.ChoiceField([door.value for door in DOORS])
    person = HistoryPerson(allow_null=True)
    source = serializers.CharField(help_text="what wrote: a key, a file, a CRM's run, a job; empty for people")  # type: ignore[assignment]
    because = serializers.CharField(help_text="why it was allowed: a role, a scope, a reason")
    rows = HistoryRow(many=True)


class History(APIView):
    """The changes of one record."""

    required_scope = Scope.HISTORY_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="list_history",
        summary="Who changed what of a record, when, from what to what, and why it was allowed",
        description="The newest change first. Deleted and merged records keep their history.",
        tags=["history"],
        parameters=[
            OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=list(KINDS)),
            OpenApiParameter("field", str, description="A field's key, such as deal.amount_cents."),
            OpenApiParameter("person", OpenApiTypes.UUID),
            OpenApiParameter("door", str, enum=[door.value for door in DOORS]),
            OpenApiParameter("from", OpenApiTypes.DATE, description="A day of the company's time zone."),
            OpenApiParameter("to", OpenApiTypes.DATE, description="Included."),
            *PAGING,
        ],
        responses={200: page_of(HistoryAnswer, "HistoryPage"), **problems(400, 401, 403, 404, 429)},
    )
    def get(self, request: Request, kind: str, record_id: UUID) -> Response:
        check_parameters(request, {*HistoryForm.base_fields, "from", "to", *PAGED})
        user = request.user if isinstance(request.user, User) else None
        record = open_record(kind=kind, public_id=record_id, user=user)
        if record is None:
            raise Http404
        company = Company.current()
        form = HistoryForm(request.query_params, kind=record.kind, people=(), company=company)
        if not form.is_valid():
            raise ValidationError({name: [str(text) for text in texts] for name, texts in form.errors.items()})
        asked = form.narrowed()
        paginator = ChangePages()
        found = {each.change: each for each in events(record, asked)}
        rows = Change.objects.filter(pk__in=found)
        page: list[Change] = list(paginator.paginate_queryset(rows, request, view=self) or [])
        done = happenings(record, [found[change.pk] for change in page], field=asked.field)
        entries = tell(done, company=company)
        return paginator.get_paginated_response([_answer(entry) for entry in entries])


def _answer(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.change,
        "at": entry.at.isoformat(),
        "door": entry.door,
        "person": {"id": str(entry.person.id), "name": entry.person.name} if entry.person else None,
        "source": entry.source,
        "because": entry.because,
        "rows": [
            {
                "type": row.part,
                "title": row.title,
                "action": row.verb,
                "fields": [
                    {
                        "key": each.key,
                        "label": each.label,
                        "before": each.before_value,
                        "after": each.after_value,
                        "before_text": each.before,
                        "after_text": each.after,
                    }
                    for each in row.fields
                ],
            }
            for row in entry.rows
        ],
    }
