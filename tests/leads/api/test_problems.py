"""Problem documents say the same wherever an API request fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from rest_framework.exceptions import ParseError

from leads.api.problems import problem_response
from leads.views import errors


@pytest.mark.parametrize(
    ("handler", "error", "title"),
    [
        (errors.bad_request, ParseError(), "Bad Request"),
        (errors.forbidden, PermissionDenied(), "Forbidden"),
        (errors.not_found, Http404(), "Not Found"),
    ],
)
def test_a_refusal_outside_the_apis_views_reads_as_one_inside(
    handler: Callable[..., HttpResponse], error: Exception, title: str
) -> None:
    outside, inside = handler(RequestFactory().get("/api/v1/leads"), error), problem_response(error, {})
    assert inside is not None
    body: dict[str, Any] = json.loads(outside.content)
    assert body == inside.data
    assert body["title"] == title
    assert outside.headers["Content-Type"] == "application/problem+json"


def test_an_address_that_leads_nowhere_and_a_fault_of_ours() -> None:
    request = RequestFactory().get("/api/v1/nowhere")
    assert json.loads(errors.not_found(request).content)["detail"] == "Not found."
    assert json.loads(errors.server_error(request).content) == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "A server error occurred.",
    }
