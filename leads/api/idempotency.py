"""Writes that may be repeated: the same ``Idempotency-Key`` brings back the same answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from leads.actions.answer_once import Answer, KeyReused, answer_once, hash_request
from leads.api.problems import CONTENT_TYPE, invalid
from leads.models import ApiKey

IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
PARAMETERS = [
    OpenApiParameter(
        "Idempotency-Key",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]{1,255}$"},
        OpenApiParameter.HEADER,
        description="Kept for 24 hours: the same request with the same key gets the same answer.",
    ),
    OpenApiParameter(
        "Idempotency-Replayed",
        OpenApiTypes.BOOL,
        OpenApiParameter.HEADER,
        response=[200, 201],
        description="true when the answer was given before.",
    ),
]
# What a client is told beside the body, and is told again.
_HEADERS = ("Location", "ETag")


def key_of(request: Request) -> ApiKey:
    """The key that asks; only keys write."""
    if not isinstance(request.auth, ApiKey):
        raise exceptions.NotAuthenticated
    return request.auth


def asked_key(request: Request) -> str | None:
    """The Idempotency-Key of a request; one that is none is refused."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise exceptions.ParseError("The Idempotency-Key must be 1 to 255 visible ASCII characters.")
    return key


def reused(error: KeyReused) -> Response:
    """The answer to a key that was used for another request."""
    fault = {"pointer": "", "code": "idempotency_key_reused", "detail": str(error)}
    return Response(invalid([fault]), status=422, content_type=CONTENT_TYPE)


def once(request: Request, *, make: Callable[[], Response]) -> Response:
    """Do the write in one transaction and answer, or give the answer of the same key. A refusal keeps no key."""
    key = asked_key(request)
    if key is None:
        with transaction.atomic():
            return make()

    def made() -> Answer:
        response = make()
        headers = {name: response[name] for name in _HEADERS if name in response}
        return Answer(response.status_code, {"body": response.data, "headers": headers})

    asked = hash_request(method=str(request.method), path=request.path, data=request.data)
    try:
        answer = answer_once(api_key=key_of(request), key=key, request_hash=asked, at=timezone.now(), make=made)
    except KeyReused as error:
        return reused(error)
    kept: dict[str, Any] = answer.body
    replayed = {"Idempotency-Replayed": "true"} if answer.is_replay else {}
    return Response(kept["body"], status=answer.status, headers={**kept["headers"], **replayed})
