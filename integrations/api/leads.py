"""``POST /api/v1/integrations/sales/leads``: capture one lead, or up to 1,000. Its answer also tells the CRM state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from integrations.actions.push.receive import Received, receive
from integrations.models import PendingPush
from leads.actions.answer_once import Answer, KeyReused, answer_once, hash_request
from leads.actions.capture.capture import MAX_ITEMS, Captured, CaptureRefused, RejectedItem, keep_rejected
from leads.actions.capture.promise import promise_items
from leads.api.idempotency import asked_key, key_of, reused
from leads.api.lead_answers import LeadStateAnswer
from leads.api.lead_input import LeadBatchInput, LeadInput, read_items
from leads.api.parsers import require_length
from leads.api.problems import CONTENT_TYPE, invalid
from leads.api.schema import ProblemError, problems
from leads.models import Scope
from leads.pure.capture.captured import CapturedItem
from leads.queries.answers import lead_states
from leads.tasks import nudge_intake

Fault = dict[str, str]


class CrmState(serializers.Serializer[Any]):
    """What is owed to one CRM."""

    connection = serializers.CharField()
    state = serializers.ChoiceField(choices=PendingPush.State.choices)
    due_at = serializers.DateTimeField()


class CapturedLead(LeadStateAnswer):
    """A captured lead; ``is_new`` tells whether the person was unknown before."""

    is_new = serializers.BooleanField()
    crm = CrmState(many=True)


class AcceptedItem(CapturedLead):
    """An item of a batch that was taken: 201 for a person unknown before, else 200."""

    status = serializers.ChoiceField(choices=[200, 201])


class RejectedItemAnswer(serializers.Serializer[Any]):
    """An item of a batch that was refused, with its faults; the others are not affected."""

    status = serializers.ChoiceField(choices=[422])
    errors = ProblemError(many=True)  # type: ignore[assignment]


class BatchAnswer(serializers.Serializer[Any]):
    """One answer for each item, in order."""

    results = serializers.SerializerMethodField()

    @extend_schema_field(
        PolymorphicProxySerializer(
            "ItemAnswer", serializers=[AcceptedItem, RejectedItemAnswer], resource_type_field_name=None, many=True
        )
    )
    def get_results(self, answer: Any) -> Any:
        """Described only: the view makes the answer."""


class Promise(serializers.Serializer[Any]):
    """An item that is kept, and taken within seconds. The same whether the person is known or not."""

    id = serializers.UUIDField(help_text="Of the submission.")
    url = serializers.URLField(help_text="Tells later what became of it, to keys with leads:read.")
    intake = serializers.ChoiceField(choices=["queued"])


class PromisedItem(Promise):
    """An item of a batch that is kept."""

    status = serializers.ChoiceField(choices=[202])


class PromisedBatch(serializers.Serializer[Any]):
    """One answer for each item, in order."""

    results = serializers.SerializerMethodField()

    @extend_schema_field(
        PolymorphicProxySerializer(
            "PromisedItemAnswer",
            serializers=[PromisedItem, RejectedItemAnswer],
            resource_type_field_name=None,
            many=True,
        )
    )
    def get_results(self, answer: Any) -> Any:
        """Described only: the view makes the answer."""


class CaptureLeads(APIView):
    """Captures leads."""

    required_scope = Scope.LEADS_WRITE
    http_method_names = ["post"]

    @extend_schema(
        operation_id="capture_leads",
        summary="Capture a lead, or up to 1,000",
        description=(
            "Durable before the answer leaves. An item that was captured before changes nothing. Values given by the "
            "newest event replace what was known; an older event only fills gaps. Up to 50 items are scored and "
            "assigned at once; larger batches answer `intake: queued`, and `url` tells later. With "
            "`Prefer: respond-async`, and always for keys without `leads:read`, the answer is 202 with the id of the "
            "submission, the same whether the person is known or not; capture follows within seconds."
        ),
        tags=["leads"],
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="1 to 255 visible characters, kept for 24 hours. A repeated request gets the same answer.",
            ),
            OpenApiParameter(
                "Prefer",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="`respond-async` (RFC 7240) asks for the promise alone.",
            ),
            OpenApiParameter(
                "Preference-Applied",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                response=[202],
                description="`respond-async` where that was asked for.",
            ),
            OpenApiParameter(
                "Idempotency-Replayed",
                OpenApiTypes.BOOL,
                OpenApiParameter.HEADER,
                response=[200, 201, 202],
                description="true when the answer was given before.",
            ),
            OpenApiParameter(
                "Location",
                OpenApiTypes.URI,
                OpenApiParameter.HEADER,
                response=[201, 202],
                description="The new lead, or the submission.",
            ),
        ],
        request=PolymorphicProxySerializer(
            "LeadOrBatch", serializers=[LeadInput, LeadBatchInput], resource_type_field_name=None
        ),
        responses={
            201: CapturedLead,
            200: PolymorphicProxySerializer(
                "CapturedLeadOrBatch", serializers=[CapturedLead, BatchAnswer], resource_type_field_name=None
            ),
            202: PolymorphicProxySerializer(
                "PromiseOrBatch", serializers=[Promise, PromisedBatch], resource_type_field_name=None
            ),
            **problems(400, 401, 403, 405, 411, 413, 415, 422, 429),
        },
        examples=[
            OpenApiExample(
                "A form",
                request_only=True,
                value={
                    "email": "ada@example.com",
                    "company": "Analytical Engines",
                    "job_title": "CTO",
                    "country": "DE",
                    "event": {
                        "type": "form_submission",
                        "occurred_at": "2026-11-16T09:30:00+01:00",
                        "name": "Pricing request",
                        "utm": {"source": "google", "medium": "cpc", "campaign": "q4-brand"},
                    },
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        at = timezone.now()
        require_length(request)
        data = request.data
        is_asked = _prefers_async(request)
        is_promise = is_asked or Scope.LEADS_READ not in key_of(request).scopes
        make = _promise if is_promise else _answer
        key = asked_key(request)
        if key is None and is_promise:
            answer = _promise(request, data, at)  # one statement needs no transaction
        elif key is None:
            answer = _answer(request, data, at)
        else:
            try:
                answer = answer_once(
                    api_key=key_of(request),
                    key=key,
                    request_hash=hash_request(method="POST", path=request.path, data=data),
                    at=at,
                    make=lambda: make(request, data, at),
                )
            except KeyReused as error:
                return reused(error)
        response = _response(answer)
        if is_asked and answer.status == 202:
            response["Preference-Applied"] = "respond-async"
        return response


def _prefers_async(request: Request) -> bool:
    """Whether the caller asks for the promise alone (RFC 7240)."""
    wishes = request.headers.get("Prefer", "").split(",")
    return any(wish.split(";")[0].strip().lower() == "respond-async" for wish in wishes)


def _response(answer: Answer) -> Response:
    headers = {"Idempotency-Replayed": "true"} if answer.is_replay else {}
    if answer.status in (201, 202) and "url" in answer.body:
        headers["Location"] = answer.body["url"]
    content_type = CONTENT_TYPE if answer.status == 422 else None
    return Response(answer.body, status=answer.status, headers=headers, content_type=content_type)


@dataclass(frozen=True, slots=True)
class _Read:
    """A body, read: its items in order, each valid or with its faults, and whether they came as a batch."""

    payloads: Sequence[Any]
    items: Sequence[CapturedItem | list[Fault]]
    pointers: Sequence[str]
    is_batch: bool

    @property
    def valid(self) -> list[CapturedItem]:
        return [item for item in self.items if isinstance(item, CapturedItem)]

    @property
    def rejected(self) -> list[RejectedItem]:
        pairs = zip(self.payloads, self.items, strict=True)
        return [RejectedItem(payload, item) for payload, item in pairs if isinstance(item, list)]


def _read(data: Any, at: datetime) -> _Read | Answer:
    """The body's items, or the answer to what is no batch."""
    is_batch = isinstance(data, dict) and "leads" in data
    payloads, faults = _payloads(data) if is_batch else ([data], [])
    if faults:
        return Answer(422, invalid(faults))
    pointers = [f"/leads/{index}" for index in range(len(payloads))] if is_batch else [""]
    return _Read(payloads, read_items(payloads, at=at, pointers=pointers), pointers, is_batch)


def _promise(request: Request, data: Any, at: datetime) -> Answer:
    """Keep what arrived, and promise the rest. Nobody is looked up, so that the answer tells nothing of anybody."""
    read = _read(data, at)
    if isinstance(read, Answer):
        return read
    source = key_of(request).name
    kept = iter(promise_items(items=read.valid, source=source, at=at) if read.valid else [])
    if read.rejected:
        keep_rejected(items=read.rejected, source=source, at=at)
    transaction.on_commit(lambda: nudge_intake(), robust=True)
    here = request.build_absolute_uri("/")[:-1]
    results: list[dict[str, Any]] = []
    for item in read.items:
        if isinstance(item, list):
            results.append({"status": 422, "errors": item})
            continue
        submission = next(kept).public_id
        url = f"{here}{reverse('api-submission', args=[submission])}"
        results.append({"status": 202, "id": str(submission), "url": url, "intake": "queued"})
    if read.is_batch:
        return Answer(202, {"results": results})
    (result,) = results
    status = result.pop("status")
    return Answer(status, invalid(result["errors"]) if status == 422 else result)


def _answer(request: Request, data: Any, at: datetime) -> Answer:
    """Do the work and say what came of it; with an Idempotency-Key in the transaction that keeps the answer."""
    read = _read(data, at)
    if isinstance(read, Answer):
        return read
    received = receive(items=read.valid, rejected=read.rejected, source=key_of(request).name, at=at)
    if received.is_queued:
        transaction.on_commit(lambda: nudge_intake(), robust=True)
    results = _results(request, read.items, received, read.pointers)
    if read.is_batch:
        return Answer(200, {"results": results})
    (result,) = results
    status = result.pop("status")
    return Answer(status, invalid(result["errors"]) if status == 422 else result)


def _payloads(data: dict[str, Any]) -> tuple[list[Any], list[Fault]]:
    """The items of a batch, or what is wrong with the batch itself."""
    faults = [
        {"pointer": f"/{name}", "code": "unknown", "detail": "This member is unknown beside leads."}
        for name in data
        if name != "leads"
    ]
    leads = data["leads"]
    if not isinstance(leads, list):
        faults.append({"pointer": "/leads", "code": "invalid", "detail": "Must be a list."})
    elif not 1 <= len(leads) <= MAX_ITEMS:
        detail = f"Must hold 1 to {MAX_ITEMS} items, not {len(leads)}."
        faults.append({"pointer": "/leads", "code": "wrong_length", "detail": detail})
    return leads, faults


def _results(
    request: Request, read: Sequence[CapturedItem | list[Fault]], received: Received, pointers: Sequence[str]
) -> list[dict[str, Any]]:
    leads = received.leads
    states = lead_states(
        list(leads.values()),
        link=request.build_absolute_uri,
        queued=set(leads) if received.is_queued else set(),
        stories=received.stories,
        shown=received.shown,
    )
    crm = _crm_states(received)
    outcomes = iter(received.outcomes)
    results: list[dict[str, Any]] = []
    for item, pointer in zip(read, pointers, strict=True):
        outcome = next(outcomes) if isinstance(item, CapturedItem) else None
        if isinstance(outcome, Captured):
            lead_id = outcome.lead.pk
            status = 201 if outcome.is_new else 200
            results.append({"status": status, **states[lead_id], "is_new": outcome.is_new, "crm": crm.get(lead_id, [])})
        elif isinstance(outcome, CaptureRefused):
            fault = {"pointer": f"{pointer}{outcome.pointer}", "code": outcome.code, "detail": outcome.detail}
            results.append({"status": 422, "errors": [fault]})
        else:
            results.append({"status": 422, "errors": item})
    return results


def _crm_states(received: Received) -> dict[int, list[dict[str, Any]]]:
    rows = [
        (lead_id, push.connection.slug, push.state, push.not_before)
        for lead_id, owed in received.owed.items()
        for push in owed
    ]
    if others := [lead_id for lead_id in received.leads if lead_id not in received.owed]:
        pushes = PendingPush.objects.filter(lead__in=others, connection__is_active=True).order_by("connection__slug")
        rows += pushes.values_list("lead", "connection__slug", "state", "not_before")
    states: dict[int, list[dict[str, Any]]] = {}
    for lead_id, slug, state, due_at in rows:
        states.setdefault(lead_id, []).append({"connection": slug, "state": state, "due_at": due_at.isoformat()})
    return states
