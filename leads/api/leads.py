"""Leads: ``GET /api/v1/leads``, ``GET`` and ``PATCH /api/v1/leads/{uuid}``."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads.actions.identity.edit_lead import LeadEditRefused, edit_lead
from leads.api.fields import Country, Email, Phone, StrictInteger, StrictSerializer, Words
from leads.api.idempotency import PARAMETERS as ONCE
from leads.api.idempotency import key_of, once
from leads.api.lead_answers import DatedLeadAnswer, LeadAnswer, lead_answers
from leads.api.parameters import check_parameters
from leads.api.parsers import require_length
from leads.api.past import AS_OF, asked_as_of, stated
from leads.api.problems import PreconditionFailed
from leads.api.reads import FIELDS, LISTED, ListView, asked_fields, list_of, members_of, only
from leads.api.schema import problems
from leads.filters.search import LeadFilter
from leads.models import Lead, LeadEvent, Scope, User
from leads.past.news import changed_after
from leads.queries.answers import queued
from leads.tasks import nudge_intake


def readable(request: Request) -> QuerySet[Lead]:
    """Leads this caller may read: a key reads the company's, a person what they may see."""
    rows = Lead.objects.visible_to(request.user) if isinstance(request.user, User) else Lead.objects.live()
    return rows.select_related("channel", "campaign")


def etag(lead: Lead) -> str:
    """Of the fields that a person may edit: it changes whenever one of them does."""
    told = repr([stated(), lead.pk, lead.changed_at, *(getattr(lead, name) for name in LeadFieldsInput().get_fields())])
    return f'"{blake2b(told.encode(), digest_size=16).hexdigest()}"'


class LeadFieldsInput(StrictSerializer):
    """What may be said of a lead. Members that are left out stay; an empty text, or null, empties a field."""

    email = Email(max_length=254, required=False)
    first_name = Words(max_length=120, required=False)
    last_name = Words(max_length=120, required=False)
    company = Words(max_length=200, required=False)
    job_title = Words(max_length=160, required=False)
    phone = Phone(max_length=40, required=False)
    country = Country(max_length=60, required=False)
    region = Words(max_length=80, required=False)
    postal_code = Words(max_length=20, required=False)
    industry = Words(max_length=80, required=False)
    company_size = StrictInteger(min_value=1, max_value=2_000_000_000, required=False, allow_null=True)


class LeadList(ListView):
    """Every lead, newest first."""

    required_scope = Scope.LEADS_READ
    queryset = Lead.objects.none()  # tells the schema what the filters are about
    filterset_class = LeadFilter
    repeatable = ("stage",)

    @extend_schema(
        operation_id="list_leads",
        summary="List leads",
        tags=["leads"],
        filters=True,
        parameters=LISTED,
        responses={200: list_of(LeadAnswer, "LeadPage"), **problems(400, 401, 403, 429)},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        return self.answer_list(
            request,
            readable(request),
            tell=lambda page: lead_answers(page, request, queued=queued(page)),
            members=members_of(LeadAnswer),
            changed=_changed,
        )


def _changed(since: datetime) -> Q:
    """The lead itself, its score, its stage, its owner or what is promised."""
    return Q(pk__in=changed_after(Lead, since)) | Q(pk__in=changed_after(LeadEvent, since, "lead_id"))


class LeadDetail(APIView):
    """One lead."""

    http_method_names = ["get", "head", "patch"]

    @property
    def required_scope(self) -> Scope:
        """Reading and writing are allowed apart."""
        return Scope.LEADS_READ if self.request.method in SAFE_METHODS else Scope.LEADS_WRITE

    @extend_schema(
        operation_id="read_lead",
        summary="Read a lead",
        tags=["leads"],
        parameters=[FIELDS, AS_OF],
        responses={200: DatedLeadAnswer, **problems(400, 401, 403, 404, 429)},
    )
    @asked_as_of
    def get(self, request: Request, lead_id: UUID) -> Response:
        check_parameters(request, {FIELDS.name, AS_OF.name})
        wanted = asked_fields(request, members_of(LeadAnswer))
        lead = readable(request).filter(public_id=lead_id).first()
        if lead is None:
            raise Http404
        told = lead_answers([lead], request, queued=queued([lead]))[0]
        intake = {"intake": told["intake"]} if "intake" in told and "intake" in wanted else {}
        return Response({**only(told, wanted), **intake}, headers={"ETag": etag(lead)})

    @extend_schema(
        operation_id="edit_lead",
        summary="Edit a lead",
        description="The fields that people edit on the lead's page. A field whose value a connected CRM decides is "
        "refused by its name, and then nothing is written. The score follows within seconds. A key without "
        "`leads:read` gets 204 and no lead.",
        tags=["leads"],
        parameters=[
            OpenApiParameter(
                "If-Match",
                str,
                OpenApiParameter.HEADER,
                description="The ETag of the lead as it was read: when somebody changed it meanwhile, 412.",
            ),
            *ONCE,
        ],
        request=LeadFieldsInput,
        responses={
            200: LeadAnswer,
            204: OpenApiResponse(description="Edited; the key may not read leads."),
            **problems(400, 401, 403, 404, 411, 412, 413, 415, 422, 429),
        },
        examples=[
            OpenApiExample(
                "Another employer", request_only=True, value={"company": "Analytical Engines", "job_title": "CTO"}
            )
        ],
    )
    def patch(self, request: Request, lead_id: UUID) -> Response:
        check_parameters(request, set())
        require_length(request)
        return once(request, make=lambda: self._edited(request, lead_id))

    def _edited(self, request: Request, lead_id: UUID) -> Response:
        asked = LeadFieldsInput(data=_emptied(request.data))
        asked.is_valid(raise_exception=True)
        lead = readable(request).select_for_update(of=("self",)).filter(public_id=lead_id).first()
        if lead is None:
            raise Http404
        matches = request.headers.get("If-Match", "*")
        if matches != "*" and etag(lead) not in [each.strip() for each in matches.split(",")]:
            raise PreconditionFailed("Somebody changed this lead meanwhile. Read it again.")
        try:
            is_changed = edit_lead(
                lead_id=lead.pk,
                values=asked.validated_data,
                source=f"API key {key_of(request).name}",
                at=timezone.now(),
            )
        except LeadEditRefused as refusal:
            raise ValidationError({name: [why] for name, why in refusal.fields.items()}) from refusal
        if is_changed:
            transaction.on_commit(lambda: nudge_intake(), robust=True)
        if Scope.LEADS_READ not in key_of(request).scopes:
            return Response(status=204)
        lead = readable(request).get(pk=lead.pk)
        told = lead_answers([lead], request, queued=queued([lead]))[0]
        return Response(told, headers={"ETag": etag(lead)})


def _emptied(data: Any) -> Any:
    """Null empties a field, as an empty text does; of a number null is its own word."""
    if not isinstance(data, dict):
        return data
    texts = LeadFieldsInput().fields.keys() - {"company_size"}
    return {name: "" if value is None and name in texts else value for name, value in data.items()}
